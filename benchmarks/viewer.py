"""Who asks in the benchmarks: somebody who sees everything."""

import secrets
from functools import cache

from shop_graphql.access import Role, Viewer
from shop_graphql.accounts import Accounts
from shop_graphql.api.context import Context, Who
from shop_graphql.database import Database
from shop_graphql.settings import Settings

STAFF = Who(Viewer(Role.STAFF), "127.0.0.1")


def context(database: Database) -> Context:
    """Return the context of one request of staff."""
    return Context(database, _accounts(database), STAFF)


@cache
def _accounts(database: Database) -> Accounts:
    return Accounts(database, Settings(secrets=secrets.token_urlsafe(48)))
