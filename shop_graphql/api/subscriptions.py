"""What can be subscribed to: the present state of what was named, and what has changed, whenever it does."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from functools import partial
from typing import Annotated, TypeVar

import strawberry

from shop_graphql import models
from shop_graphql.access import ROWS
from shop_graphql.accounts import Accounts
from shop_graphql.api.anything import checked_ids
from shop_graphql.api.catalog import Product
from shop_graphql.api.context import Context, Who
from shop_graphql.api.fields import named
from shop_graphql.api.nodes import decode_id, encode_id
from shop_graphql.api.orders import Order
from shop_graphql.compiler.texts import Text
from shop_graphql.database import Database
from shop_graphql.errors import BadArgument
from shop_graphql.services.changes import Change
from shop_graphql.statements.pages import MAX_LIMIT
from shop_graphql.watches import FellBehind, Wanted, Watches

T = TypeVar("T")


class Subscriber(Context):
    """The context of a subscription. Each of its events is read anew."""

    def __init__(self, database: Database, accounts: Accounts, who: Who, watches: Watches, text: Text) -> None:
        super().__init__(database, accounts, who, text=text)
        self._watches = watches

    async def changed(
        self, show: Callable[[int], T], wanted: Wanted, present: Collection[int] = ()
    ) -> AsyncGenerator[T, None]:
        """Yield what `show` makes of each row in `present`, and then of each that has changed, for ever."""
        async with self._watches.watch(wanted, present) as watch:
            while True:
                try:
                    row_id = await watch.next()
                except FellBehind:
                    raise TooSlow from None
                await self.renew()
                yield show(row_id)


class TooSlow(BadArgument):
    """More has changed than the client has taken in time."""

    code = "SUBSCRIPTION_TOO_SLOW"

    def __init__(self) -> None:
        super().__init__("More has changed than was read in time; subscribe anew, and read the list anew.")


MEANINGS = {TooSlow.code: "More has changed than was read in time: subscribe anew, and read the list anew."}
"""The code of what ends a subscription, and what it tells a client."""

Info = strawberry.Info[Subscriber, None]


@strawberry.type(description="An order that has changed.")
class OrderChange:
    row_id: strawberry.Private[int]
    order_id: strawberry.ID = strawberry.field(description="The order's id.")

    order: Order | None = named(models.Order, "row_id", "The order as it is now; null when it has been deleted.")


@strawberry.type(description="A product that has changed.")
class ProductChange:
    row_id: strawberry.Private[int]
    product_id: strawberry.ID = strawberry.field(description="The product's id.")

    product: Product | None = named(
        models.Product, "row_id", "The product as it is now; null when it has been deleted."
    )


_ORDER = strawberry.argument(
    description="Only this order: its present state first, then every change. Without it, every order that is placed "
    "or changed from now on."
)
_PRODUCTS = strawberry.argument(description=f"The products, 1 to {MAX_LIMIT}.")


@strawberry.type(
    description="What is sent again and again. An event shows its object as it is when the event is sent: of several "
    "changes in quick succession only the last may be seen."
)
class Subscription:
    @strawberry.subscription(description="An order was placed, completed, cancelled or deleted.")
    async def order_changed(
        self, info: Info, id: Annotated[strawberry.ID | None, _ORDER] = strawberry.UNSET
    ) -> AsyncGenerator[OrderChange, None]:
        only_user = ROWS[models.Order.__tablename__].only_user(info.context.viewer)
        only = decode_id(Order, id) if id else None
        show, wanted = partial(_order, id), partial(_orders_in, only, only_user)
        return info.context.changed(show, wanted, [] if only is None else [only])

    @strawberry.subscription(
        description="The price, the stock or anything else of a product has changed: their present states first, then "
        "every change."
    )
    async def product_changed(
        self, info: Info, ids: Annotated[list[strawberry.ID], _PRODUCTS]
    ) -> AsyncGenerator[ProductChange, None]:
        texts = {decode_id(Product, text): strawberry.ID(text) for text in _some(checked_ids(MAX_LIMIT, ids))}
        return info.context.changed(partial(_product, texts), partial(_products_in, texts.keys()), texts)


def _some(ids: Sequence[str]) -> Sequence[str]:
    if not ids:
        raise BadArgument("At least one id must be given.")
    return ids


def _order(text: str | None, row_id: int) -> OrderChange:
    return OrderChange(row_id=row_id, order_id=strawberry.ID(text or encode_id(Order, row_id)))


def _product(texts: dict[int, strawberry.ID], row_id: int) -> ProductChange:
    return ProductChange(row_id=row_id, product_id=texts[row_id])


def _orders_in(only: int | None, only_user: int | None, change: Change) -> Collection[int]:
    is_wanted = only in (None, change.order_id) and only_user in (None, change.user_id)
    return () if change.order_id is None or not is_wanted else (change.order_id,)


def _products_in(wanted: Collection[int], change: Change) -> Collection[int]:
    ids = change.product_ids
    return wanted if ids is None else [id for id in wanted if id in ids]
