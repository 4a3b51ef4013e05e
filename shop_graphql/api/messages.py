"""Messages of the protocol graphql-transport-ws: what is one, and the codes by which a connection ends.

See https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from collections.abc import Mapping
from typing import Any

from shop_graphql.api.bad_request import BadRequest
from shop_graphql.api.body import BodyLimits, parse

PROTOCOL = "graphql-transport-ws"
MAX_ID = 255

TOO_BIG, BROKEN, RESTARTING, TRY_LATER = 1009, 1011, 1012, 1013
BAD_MESSAGE, UNAUTHORIZED, FORBIDDEN = 4400, 4401, 4403
"""The protocol's own. Its authors' client comes again after 4403, with the token it has by then; not after 4401."""
UNKNOWN_PROTOCOL, INIT_TIMEOUT, ID_TAKEN, INIT_TWICE = 4406, 4408, 4409, 4429

Message = Mapping[str, Any]


class Closed(Exception):
    """The reason why the server ends a connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def parsed(text: str | None, limits: BodyLimits) -> Message:
    """Return the message that a frame holds, whose payload may be what a body may be; one that is no text has none.

    Raises Closed.
    """
    if text is None:
        raise Closed(BAD_MESSAGE, "Messages must be text.")
    if len(text) > limits.size or len(content := text.encode()) > limits.size:
        raise Closed(TOO_BIG, f"A message may have {limits.size} bytes at the most.")
    try:
        message = parse(content, "A message", limits.depth + 1)
    except BadRequest as refusal:
        raise Closed(BAD_MESSAGE, str(refusal)) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closed(BAD_MESSAGE, "A message is an object that has a type.")
    return message


def payload_of(message: Message) -> dict[str, Any]:
    """Return the payload of a message, which may be absent. Raises Closed."""
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        raise Closed(BAD_MESSAGE, "A payload must be an object.")
    return payload or {}


def id_of(message: Message) -> str:
    """Return the id of a message. Raises Closed."""
    id = message.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= MAX_ID:
        raise Closed(BAD_MESSAGE, f"An id is a text of 1 to {MAX_ID} characters.")
    return id
