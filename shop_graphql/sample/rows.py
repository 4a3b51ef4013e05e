"""The rows of the sample shop, in the order of their ids and their times.

Each table has its own random numbers, so that more orders leave the products as they were; and no clock is read.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple
from unicodedata import normalize

from shop_graphql.models import OrderStatus
from shop_graphql.sample.size import Size
from shop_graphql.sample.words import (
    FIRST_NAMES,
    KINDS,
    LAST_NAMES,
    MAKERS,
    SHELVES,
    WELL_KNOWN_PRODUCTS,
    WELL_KNOWN_USERS,
)

Row = tuple[object, ...]

DAY = 24 * 60 * 60
QUARTER = 91 * DAY
SPAN = 730 * DAY
OPENING = datetime(2024, 11, 1, 8, tzinfo=UTC)
"""The shop opened then, and its sample data ends SPAN seconds later. Times in this module are seconds since."""

CENTS = (99, 99, 99, 95, 90, 50, 49, 100)
SPELT = str.maketrans({"ø": "o", "Ø": "O", "ß": "ss", "ł": "l", "Ł": "L", "'": ""})


def categories(size: Size) -> Iterator[Row]:
    """Yield id, name, description and time: first every shelf, then every kind of every shelf."""
    for index in range(size.categories):
        kind, shelf = divmod(index, len(SHELVES))
        prefix = f"{KINDS[(kind - 1) % len(KINDS)]} " if kind else ""
        suffix = f" {kind // len(KINDS) + 1}" if kind > len(KINDS) else ""
        yield index + 1, prefix + SHELVES[shelf].name + suffix, SHELVES[shelf].description, _moment(index * 60)


def products(size: Size) -> Iterator[Row]:
    """Yield id, name, description, price, stock, category's id and time."""
    for index, product in enumerate(_products(size), 1):
        price, when = _money(product.cents), _moment(product.seconds)
        yield index, product.name, product.description, price, product.stock, product.shelf + 1, when


def users(size: Size) -> Iterator[Row]:
    """Yield id, e-mail, full name and time."""
    random = Random(f"{size.random_seed} users")
    for index, seconds in enumerate(_user_times(size)):
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        email, name = f"{_plain(first)}.{_plain(last)}{index + 1}@example.com", f"{first} {last}"
        if index < len(WELL_KNOWN_USERS):
            email, name = WELL_KNOWN_USERS[index]
        yield index + 1, email, name, _moment(seconds)


def orders(size: Size) -> Iterator[tuple[Row, list[Row]]]:
    """Yield orders, each as id, user's id, status, total and time, with its items, which have no ids yet.

    An item is an order's id, a product's id and name, a quantity and a unit price. Nobody orders before becoming a
    user, and nothing is ordered before it was for sale. The first order is a well-known one: the first user buys one of
    the first product and two of the second.
    """
    random = Random(f"{size.random_seed} orders")
    user_times = array("q", _user_times(size))
    product_times, prices, names = array("q"), array("q"), list[str]()
    for product in _products(size):
        product_times.append(product.seconds)
        prices.append(product.cents)
        names.append(product.name)
    for order, seconds in enumerate(_times(random, size.orders, 0.6, DAY), 1):
        buyer = int(bisect_right(user_times, seconds) * random.random() ** 1.3)
        goods = _basket(random, bisect_right(product_times, seconds))
        items = [(product, _quantity(random), _price_then(product, prices[product], seconds)) for product in goods]
        status = _status(random, seconds)
        if order == 1:
            buyer, status = 0, OrderStatus.COMPLETED
            items = [(product, product + 1, prices[product]) for product in range(min(2, len(prices)))]
        total = sum(quantity * cents for _, quantity, cents in items)
        row = (order, buyer + 1, status.value, _money(total), _moment(seconds))
        yield row, [(order, product + 1, names[product], quantity, _money(cents)) for product, quantity, cents in items]


class _Product(NamedTuple):
    shelf: int
    name: str
    description: str
    cents: int
    stock: int
    seconds: int


def _products(size: Size) -> Iterator[_Product]:
    random = Random(f"{size.random_seed} products")
    for index, seconds in enumerate(_times(random, size.products, 1.5)):
        product = _product(random, random.randrange(size.categories), seconds)
        yield _well_known(index, size.categories) if index < len(WELL_KNOWN_PRODUCTS) else product


def _well_known(index: int, categories: int) -> _Product:
    shelf, name, description, cents, stock = WELL_KNOWN_PRODUCTS[index]
    return _Product(min(shelf, categories - 1), name, description, cents, stock, 0)


def _product(random: Random, category: int, seconds: int) -> _Product:
    shelf = SHELVES[category % len(SHELVES)]
    maker, look, thing = random.choice(MAKERS), random.choice(shelf.looks), random.choice(shelf.things)
    low, high = shelf.prices
    cents = int(low * (high / low) ** (random.random() ** 1.3)) * 100 - 100 + random.choice(CENTS)
    stock = 0 if random.random() < 0.05 else random.randint(1, 180)
    description = f"{random.choice(shelf.praise)}. Made by {maker}."
    return _Product(category, f"{maker} {look} {thing}", description, cents, stock, seconds)


def _user_times(size: Size) -> Iterator[int]:
    for index, seconds in enumerate(_times(Random(f"{size.random_seed} user times"), size.users, 1.2)):
        yield 0 if index < len(WELL_KNOWN_USERS) else seconds


def _times(random: Random, count: int, growth: float, start: int = 0) -> Iterator[int]:
    """Yield ascending times from `start` to the end; a growth below one makes for more of them late than early."""
    for index in range(count):
        yield start + int((SPAN - start) * ((index + random.random()) / count) ** growth)


def _basket(random: Random, known: int) -> list[int]:
    """One to five different products; what has been for sale for long sells best."""
    wanted = 1 + int(5 * random.random() ** 1.5)
    return sorted({int(known * random.random() ** 1.3) for _ in range(wanted)})


def _quantity(random: Random) -> int:
    return 1 + int(3 * random.random() ** 3)


def _price_then(product: int, cents: int, seconds: int) -> int:
    """Three products in four have become a little dearer every quarter."""
    quarters = (SPAN - seconds) // QUARTER
    return cents - cents * (product % 4) * quarters // 200


def _status(random: Random, seconds: int) -> OrderStatus:
    chance = random.random()
    if chance < 0.06:
        return OrderStatus.CANCELLED
    is_pending = chance < 0.5 if seconds > SPAN - 10 * DAY else chance < 0.07
    return OrderStatus.PENDING if is_pending else OrderStatus.COMPLETED


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _moment(seconds: int) -> datetime:
    return OPENING + timedelta(seconds=seconds)


def _plain(name: str) -> str:
    return normalize("NFKD", name.translate(SPELT)).encode("ascii", "ignore").decode().lower()
