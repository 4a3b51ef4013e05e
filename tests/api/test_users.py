"""Roles, and what becomes of somebody's data: handed out, or forgotten."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shop_graphql.consistency import violations
from shop_graphql.database import Database
from tests.api.conftest import PASSWORD, Client
from tests.api.mutating import done, invalid, mutate, tables, unknown
from tests.api.people import World, world
from tests.factories import Factory

LAST_ADMIN = "This is the only admin; make somebody else one first."


@pytest.fixture
async def shop(anonymous_http: httpx.AsyncClient, make: Factory, password_hash: str) -> World:
    return await world(anonymous_http, make, password_hash)


async def test_a_new_role_is_in_the_next_access_token(shop: World) -> None:
    changed = await mutate(shop.client("admin"), "setUserRole", "user { id role }", userId="user_1", role="STAFF")
    assert changed == done("setUserRole", user={"id": "user_1", "role": "STAFF"})
    login = await mutate(
        shop.client("anonymous"), "login", "accessToken user { role }", email="other@example.com", password=PASSWORD
    )
    assert login["user"] == {"role": "STAFF"}
    staff = Client(shop.http, {"authorization": f"Bearer {login['accessToken']}"})
    assert (await staff.ask("{ users { totalCount { value } } }"))["users"]["totalCount"]["value"] == 4


async def test_the_last_admin_stays(shop: World, database: Database) -> None:
    before = await tables(database)
    admin = shop.client("admin")
    me = f"user_{shop.users['admin'].id}"
    assert await mutate(admin, "setUserRole", userId=me, role="STAFF") == invalid(LAST_ADMIN, "role")
    assert await mutate(admin, "eraseUser", userId=me) == invalid(LAST_ADMIN, "userId")
    assert await tables(database) == before
    await mutate(admin, "setUserRole", userId="user_1", role="ADMIN")
    assert (await mutate(admin, "setUserRole", userId=me, role="STAFF"))["__typename"] == "SetUserRoleSuccess"


@pytest.mark.parametrize("name", ["setUserRole", "eraseUser"])
async def test_nobody_cannot_be_changed(shop: World, name: str) -> None:
    role = {"role": "STAFF"} if name == "setUserRole" else {}
    for id in ("user_99", "ord_1", "x"):
        assert await mutate(shop.client("admin"), name, userId=id, **role) == unknown("user", id, "userId")


async def test_an_admin_creates_an_account_that_can_sign_in(shop: World) -> None:
    input = {"email": "new@example.com", "fullName": "New", "role": "STAFF"}
    refused = await mutate(shop.client("admin"), "createUser", **input, password="short")
    assert refused["issues"][0]["path"] == ["input", "password"]
    await mutate(shop.client("admin"), "createUser", **input, password=PASSWORD)
    login = await mutate(shop.client("anonymous"), "login", "user { role }", email="new@example.com", password=PASSWORD)
    assert login["user"] == {"role": "STAFF"}


async def test_users_are_found_by_their_role(shop: World) -> None:
    found = await shop.client("staff").ask("{ users(where: {roles: [STAFF, ADMIN]}) { nodes { email } } }")
    assert {node["email"] for node in found["users"]["nodes"]} == {"staff@example.com", "admin@example.com"}


async def test_all_that_is_held_about_somebody_is_handed_out(shop: World) -> None:
    await mutate(shop.client("anonymous"), "login", email="owner@example.com", password=PASSWORD)
    for viewer, argument in (("owner", ""), ("staff", '(userId: "user_2")')):
        data = (await shop.client(viewer).ask(f"{{ exportUserData{argument} }}"))["exportUserData"]
        (order,), (session,) = data["orders"], data["sessions"]
        assert (data["id"], data["email"], data["fullName"], data["role"]) == (
            2,
            "owner@example.com",
            "Ada Lovelace",
            "customer",
        )
        assert (order["id"], order["status"], order["totalAmount"]) == (1, "pending", "10.00")
        assert order["items"] == [{"productName": "Lamp", "quantity": 1, "unitPrice": "10.00"}]
        assert [event["status"] for event in order["history"]] == ["pending"]
        assert set(session) == {"createdAt", "usedAt", "expiresAt"}
        assert data["passwordChangedAt"]
        assert "argon2" not in repr(data)


async def test_somebody_is_forgotten_and_the_books_are_kept(shop: World, database: Database) -> None:
    login = await mutate(
        shop.client("anonymous"), "login", "refreshToken", email="owner@example.com", password=PASSWORD
    )
    owner = shop.client("owner")
    await mutate(owner, "cancelOrder", orderId="ord_1", reason="I, Ada, moved to Paris")
    items = [{"productId": "prod_1", "quantity": 2}]
    await mutate(owner, "createOrder", items=items)
    books, wrong = await book_keeping(database), await offences(database)
    erased = await mutate(
        shop.client("admin"), "eraseUser", "user { id email fullName orders { totalCount { value } } }", userId="user_2"
    )
    assert erased["user"] == {
        "id": "user_2",
        "email": "erased-2@erased.invalid",
        "fullName": "Erased user",
        "orders": {"totalCount": {"value": 2}},
    }
    left = repr(await tables(database))
    for trace in ("owner@example.com", "Paris", "Ada, moved"):
        assert trace not in left
    assert await book_keeping(database) == books
    assert await offences(database) == wrong
    refresh = await mutate(shop.client("anonymous"), "refresh", refreshToken=login["refreshToken"])
    assert refresh["code"] == "INVALID_CREDENTIALS"
    again = await mutate(shop.client("anonymous"), "login", email="owner@example.com", password=PASSWORD)
    assert again["code"] == "INVALID_CREDENTIALS"
    assert await mutate(owner, "createOrder", items=items) == {
        "__typename": "NotFoundError",
        "code": "NOT_FOUND",
        "message": "There is no such user.",
        "path": ["input", "userId"],
        "id": "",
        "otherErrors": [],
    }


async def test_somebody_who_was_forgotten_stays_so(shop: World, database: Database) -> None:
    await mutate(shop.client("admin"), "eraseUser", userId="user_2")
    before = await tables(database)
    assert (await mutate(shop.client("admin"), "eraseUser", userId="user_2"))["__typename"] == "EraseUserSuccess"
    assert await tables(database) == before


async def book_keeping(database: Database) -> list[Any]:
    statement = "SELECT id, user_id, status, total_amount FROM orders ORDER BY id"
    async with database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def offences(database: Database) -> list[Any]:
    """Return what breaks an invariant; rows that tests make have no ledger, so something does from the beginning."""
    async with database.engine.connect() as connection:
        return await violations(connection)
