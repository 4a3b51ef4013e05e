"""A small shop that has every awkward thing: nulls, ties, quotes, empty shelves, what is archived or cancelled."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.models import (
    Category,
    MovementKind,
    Order,
    OrderEvent,
    OrderItem,
    OrderStatus,
    Product,
    StockMovement,
    User,
)

TEXTS = [
    "Lamp",
    "Desk lamp",
    'The "quoted" \\ back\\slash',
    "two\nlines\tand a tab\r",
    "Zoë's naïve café 🦜🏴‍☠️ 漢字",
    "</script>&<b>'; DROP TABLE products; -- %s :x $1 {}",
    "lamp",
    "Ångström",
    " spaces ",
    "100% wool",
    "foo-bar a.b/c",
    "\N{MUSICAL SYMBOL G CLEF}\u2028\u2029\ufffd",
]
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
TIMES = [
    NOON,
    NOON + timedelta(microseconds=1),
    NOON + timedelta(microseconds=120_000),
    NOON + timedelta(days=1),
    NOON + timedelta(days=29, hours=11),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
PRICES = [Decimal(text) for text in ("0.00", "0.01", "9.99", "10.00", "10.10", "99999999.99")]


async def fill(session: AsyncSession) -> None:
    """Fill an empty shop; its ids begin with 1."""
    categories = [
        Category(name=text[:100], description=None if i % 3 == 0 else TEXTS[-i], created_at=TIMES[i % 3])
        for i, text in enumerate(TEXTS)
    ]
    users = [
        User(email=f"Ada.{i}@Example.com" if i else 'o\'neil+"x"@example.com', full_name=text, created_at=TIMES[i % 4])
        for i, text in enumerate(TEXTS[:8])
    ]
    session.add_all([*categories, *users])
    await session.flush()
    products = [
        Product(
            name=TEXTS[i % len(TEXTS)],
            description=None if i % 4 == 0 else TEXTS[(i * 5) % len(TEXTS)],
            price=PRICES[i % len(PRICES)],
            stock_quantity=(i * 7) % 4 * 1000,
            category_id=categories[i % 5].id,
            created_at=TIMES[i % len(TIMES)],
            sku=None if i % 3 == 0 else f"SKU-{i}",
            archived_at=NOON if i % 11 == 5 else None,
        )
        for i in range(60)
    ]
    session.add_all(products)
    await session.flush()
    orders = [_order(i, users[i % 6], products) for i in range(40)]
    session.add_all(orders)
    await session.flush()
    session.add_all(event for i, order in enumerate(orders) for event in _events(i, order))
    session.add_all(
        StockMovement(
            product_id=products[i % 20].id,
            kind=list(MovementKind)[i % 4],
            delta=(-1) ** i * i,
            balance=i,
            order_id=orders[i % 40].id if i % 4 in (1, 2) else None,
            reason=None if i % 2 else TEXTS[i % len(TEXTS)],
            actor=None if i % 3 else "ada",
            created_at=TIMES[i % len(TIMES)],
        )
        for i in range(80)
    )


def _order(i: int, user: User, products: list[Product]) -> Order:
    chosen = [products[(i * 3 + k) % 50] for k in range(i % 4)]
    items = [
        OrderItem(product_id=p.id, product_name=p.name, quantity=1 + (i + k) % 3, unit_price=PRICES[(i + k) % 5])
        for k, p in enumerate(chosen)
    ]
    total = sum((item.quantity * item.unit_price for item in items), Decimal())
    status = list(OrderStatus)[i % 3]
    return Order(
        user_id=user.id, status=status, total_amount=total, created_at=TIMES[i % len(TIMES)], version=1 + i, items=items
    )


def _events(i: int, order: Order) -> list[OrderEvent]:
    placed = OrderEvent(order_id=order.id, status=OrderStatus.PENDING, created_at=order.created_at)
    if order.status is OrderStatus.PENDING:
        return [placed]
    reason = TEXTS[i % len(TEXTS)]
    return [placed, OrderEvent(order_id=order.id, status=order.status, reason=reason, actor="x", created_at=NOON)]
