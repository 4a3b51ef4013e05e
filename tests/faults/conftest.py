"""A shop whose database is at the other end of a wire."""

from collections.abc import AsyncIterator

import pytest

from shop_graphql.database import Database
from tests.factories import Factory
from tests.faults.proxy import Proxy, proxied


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Proxy]:
    async with proxied(database_url) as line:
        yield line


@pytest.fixture
def make(database: Database, empty_shop: None) -> Factory:
    return Factory(database)
