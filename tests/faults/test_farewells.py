"""Connections that end just when something is asked, which asyncpg takes for a mistake of its own."""

from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DisconnectionError

from shop_graphql import database
from shop_graphql.retrying import is_lost

MISTAKE = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")


class Driver:
    """A connection of asyncpg's as far as it is needed here."""

    def __init__(self) -> None:
        self.is_terminated = False

    def terminate(self) -> None:
        self.is_terminated = True


def context(error: Exception, driver: Driver) -> Any:
    connection = SimpleNamespace(connection=SimpleNamespace(driver_connection=driver))
    return SimpleNamespace(original_exception=error, connection=connection, is_disconnect=False)


def test_a_statement_that_meets_a_farewell_has_lost_its_connection() -> None:
    driver = Driver()
    with pytest.raises(ConnectionResetError) as lost:
        database._throw_away(context(MISTAKE, driver))
    assert driver.is_terminated
    assert is_lost(lost.value)


def test_a_silent_connection_is_thrown_away_and_its_time_out_is_told() -> None:
    driver = Driver()
    silent = context(TimeoutError(), driver)
    database._throw_away(silent)
    assert (driver.is_terminated, silent.is_disconnect) == (True, True)


def test_whatever_else_goes_wrong_leaves_the_connection_alone() -> None:
    driver = Driver()
    wrong = context(ValueError(), driver)
    database._throw_away(wrong)
    assert (driver.is_terminated, wrong.is_disconnect) == (False, False)


@pytest.mark.parametrize("error", [MISTAKE, TimeoutError(), asyncpg.InterfaceError("connection is closed")])
def test_a_pooled_connection_that_does_not_pass_its_test_is_replaced(error: Exception) -> None:
    driver = Driver()

    def fail(_: object) -> None:
        raise error

    connection = SimpleNamespace(run_async=fail, driver_connection=driver)
    record = SimpleNamespace(info={})
    database._test(connection, record, None, is_pooled=False)  # a new one needs no test
    with pytest.raises(DisconnectionError):
        database._test(connection, record, None, is_pooled=False)
    assert driver.is_terminated
