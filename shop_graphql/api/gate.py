"""The gate: which operations are carried out, and what each takes from the bucket of whoever asks.

Every way to an answer comes through here, however a request reaches the server.
"""

import math
from typing import NamedTuple

from graphql import GraphQLError

from shop_graphql.api.bad_request import RATE_LIMITED, BadRequest
from shop_graphql.api.compiled import texts
from shop_graphql.api.context import Who
from shop_graphql.api.exposure import exposure
from shop_graphql.api.requests import Operation
from shop_graphql.auth import Buckets, address_key
from shop_graphql.compiler.limits import Limits
from shop_graphql.compiler.texts import Text, TooCostly
from shop_graphql.settings import Settings
from shop_graphql.values import Rate, rate

NEW_DOCUMENT = 1
"""Points for a document that was never seen, since reading one takes longer than many an answer."""

REFUSED = 1
"""Points for an operation that is refused."""


class Admitted(NamedTuple):
    """An operation's document, what it costs, and what is left to whoever asks."""

    text: Text
    cost: int
    key: str
    bucket: Rate | None
    left: float

    def extension(self) -> bytes:
        """Return what the response tells of it, as a member of its extensions."""
        if self.bucket is None:
            return b'"cost":{"requested":%d}' % self.cost
        return b'"cost":{"requested":%d,"limit":%d,"remaining":%d}' % (self.cost, self.bucket.amount, max(self.left, 0))


class RefusedDocument(Exception):
    """A document that is beyond the limits, or is none."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


class Gate:
    """Reads documents, and counts what they cost."""

    def __init__(self, settings: Settings) -> None:
        self.texts = texts(limits(settings), exposure(settings))
        valkey = settings.valkey_url
        self._buckets = Buckets(valkey.get_secret_value() if valkey else None)
        self._signed_in = optional_rate(settings.cost_per_viewer)
        self._anonymous = optional_rate(settings.cost_per_address)

    async def admit(self, operation: Operation, who: Who) -> Admitted:
        """Return an operation that may be carried out. Raises RefusedDocument, and BadRequest of the status 429."""
        viewer = who.viewer
        if viewer.role is None:
            key, bucket = address_key(who.address), self._anonymous
        else:
            key, bucket = viewer.actor or "", self._signed_in
        text = self.texts.known(operation.query)
        if text is None:
            if bucket is not None:
                await self._take(key, NEW_DOCUMENT, bucket)
            text = self.texts.read(operation.query)
        try:
            if text.errors:
                raise TooCostly(text.errors)
            cost = text.cost(operation.name, operation.variables)
        except TooCostly as refusal:
            if bucket is not None:
                await self._take(key, REFUSED, bucket)
            raise RefusedDocument(list(refusal.errors)) from None
        left = math.inf if bucket is None else await self._take(key, cost, bucket)
        return Admitted(text, cost, key, bucket, left)

    async def refuse(self, address: str) -> None:
        """Count a request of which no operation could be read. Raises BadRequest of the status 429."""
        if self._anonymous is not None:
            await self._take(address_key(address), REFUSED, self._anonymous)

    async def give_back(self, admitted: Admitted) -> Admitted:
        """Put back what an operation has not used that was not carried out."""
        if admitted.bucket is None or admitted.cost <= REFUSED:
            return admitted
        left = await self._take(admitted.key, REFUSED - admitted.cost, admitted.bucket)
        return admitted._replace(left=left)

    async def close(self) -> None:
        """Close the connections to valkey."""
        await self._buckets.close()

    async def _take(self, key: str, points: int, bucket: Rate) -> float:
        left, wait = await self._buckets.take(key, points, bucket)
        if not wait:
            return left
        seconds = math.ceil(wait)
        message = f"You have asked for much in a short time; ask again in {seconds} second{'s' * (seconds > 1)}."
        facts = {"requested": points, "limit": bucket.amount, "remaining": max(int(left), 0), "retryAfter": seconds}
        raise BadRequest(message, 429, RATE_LIMITED, facts=facts, **{"retry-after": str(seconds)})


def optional_rate(text: str) -> Rate | None:
    """Return the rate that a setting says, or None for `off`."""
    return None if text == "off" else rate(text)


def limits(settings: Settings) -> Limits:
    """Return the limits of documents."""
    return Limits(
        length=settings.document_limit,
        tokens=settings.token_limit,
        comments=settings.comment_limit,
        depth=settings.depth_limit,
        introspection_depth=settings.introspection_depth_limit,
        fields=settings.field_limit,
        aliases=settings.alias_limit,
        directives=settings.directive_limit,
        root_fields=settings.root_field_limit,
        mutation_fields=settings.mutation_limit,
        introspections=settings.introspection_limit,
        pairs=settings.field_pair_limit,
        nodes=settings.node_limit,
        cost=settings.cost_limit,
    )
