"""The embedded PostgreSQL, for trying things out, for development and for tests."""

from shop_graphql.embedded.secret import secret
from shop_graphql.embedded.sharing import Server, database, server

__all__ = ["Server", "database", "secret", "server"]
