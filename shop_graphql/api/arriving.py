"""Requests come in whole before they take anything: half of one costs a connection and no place among the others."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop_graphql.api.bad_request import BadRequest
from shop_graphql.api.body import BodyLimits, receive_body


class Arriving:
    """An ASGI application before another one, which gets the body at once, or meets there why it is refused."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        length = {name: value for name, value in scope["headers"] if name == b"content-length"}
        came: list[bytes | BadRequest] = []
        try:
            came.append(await receive_body(length, receive, self._limits))
        except BadRequest as refusal:
            came.append(refusal)

        async def receive_again() -> Message:
            if not came:
                return await receive()
            body = came.pop()
            if isinstance(body, BadRequest):
                raise body
            return {"type": "http.request", "body": body}

        await self._app(scope, receive_again, send)
