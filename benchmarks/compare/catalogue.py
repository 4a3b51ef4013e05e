"""Which servers are measured, and what each workload asks of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent
PEERS = FOLDER / "peers"
QUERIES = FOLDER / "queries"


class Kind(Enum):
    """What a server is to the benchmark."""

    SHOP = "shop"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True)
class Server:
    """A server: its name on the command line, its title in tables, its program, and in which words it is asked."""

    name: str
    title: str
    kind: Kind
    program: str = ""
    dialect: str = "plain"
    environment: Mapping[str, str] = field(default_factory=dict)

    def query(self, name: str) -> Path:
        """Return the file of a query in this server's words."""
        return QUERIES / self.dialect / f"{name}.graphql"


def _shop(name: str, title: str, **environment: str) -> Server:
    return Server(name, title, Kind.SHOP, dialect="shop", environment=environment)


SHOP = _shop("shop", "shop_graphql")
LIMIT = Server("limit", "Hand-written SQL to JSON", Kind.LIMIT, "limit.py")
STRAWBERRY = Server("strawberry", "Strawberry, as documented", Kind.PEER, "with_strawberry.py")
SERVERS = (
    SHOP,
    _shop("shop-unbatched", "shop_graphql, no batching", SHOP_BATCHING="false"),
    _shop("shop-resolvers", "shop_graphql, resolvers", SHOP_COMPILER="false"),
    Server("mercurius", "Mercurius, postgres", Kind.PEER, "mercurius.mjs"),
    Server("postgraphile", "PostGraphile", Kind.PEER, "postgraphile.mjs", "postgraphile"),
    Server("yoga-jit", "yoga with JIT, drizzle", Kind.PEER, "yoga.mjs", environment={"YOGA_JIT": "1"}),
    Server("yoga", "yoga, drizzle", Kind.PEER, "yoga.mjs"),
    Server("apollo", "Apollo, Prisma", Kind.PEER, "apollo.mjs"),
    STRAWBERRY,
    Server("strawchemy", "Strawchemy", Kind.PEER, "with_strawchemy.py", "strawchemy"),
    LIMIT,
    Server("limit-batched", "… with batched lookups", Kind.LIMIT, "limit.py", environment={"BATCH": "1"}),
)
BY_NAME = {server.name: server for server in SERVERS}
QUICK = ("shop", "mercurius", "strawberry", "limit")

WORKLOADS = {
    "W1": "one product by its id",
    "W2": "the 50 newest products, each with its category",
    "W3": "a user's 20 newest orders with items, products and categories",
    "W4": "20 categories, the first 20 products of each",
    "W5": "an order of three items is placed and read back",
}
PROTECTED = {"W3", "W5"}
"""The workloads that the shop answers to its staff only, or to the user in question."""
