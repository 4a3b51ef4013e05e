"""Signing in and out through HTTP: tokens, their rotation, attempts, and what a bad token means."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from starlette.applications import Starlette

from shop_graphql.access import Role
from shop_graphql.app import create_app
from shop_graphql.auth import Passwords, Tokens
from shop_graphql.database import Database
from shop_graphql.services.sessions import GRACE
from shop_graphql.settings import Settings
from tests.api.conftest import LARGE, PASSWORD, Client
from tests.api.mutating import document, refused, tables
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

GRAPHQL_JSON = "application/graphql-response+json"
SIGN_IN = "user { id email fullName role } accessToken refreshToken expiresIn"
REGISTER = {"email": "ada@example.com", "fullName": "Ada Lovelace", "password": PASSWORD}
LOGIN = {"email": "ADA@example.com", "password": PASSWORD}
WRONG = refused("InvalidCredentials", "E-mail address and password do not fit.")
SPENT = refused("InvalidCredentials", "This refresh token is not valid any more; sign in again.")


@pytest.fixture
def anybody(anonymous_http: httpx.AsyncClient) -> Client:
    return Client(anonymous_http)


async def sign(client: Client, name: str, selection: str = SIGN_IN, /, **input: Any) -> dict[str, Any]:
    result: dict[str, Any] = (await client.ask(document(name, selection), input=input))[name]
    return result


def bearer(client: Client, token: str) -> Client:
    return Client(client.http, {"authorization": f"Bearer {token}"})


# The way through the shop


async def test_somebody_registers_buys_leaves_and_comes_back(anybody: Client, make: Factory) -> None:
    await make.product("Lamp", price="5.00", stock=3)
    registered = await sign(anybody, "register", **REGISTER)
    assert registered["user"] == {
        "id": "user_1",
        "email": "ada@example.com",
        "fullName": "Ada Lovelace",
        "role": "CUSTOMER",
    }
    assert registered["expiresIn"] == 900
    ada = bearer(anybody, registered["accessToken"])
    order = 'createOrder(input: {idempotencyKey: "1", items: [{productId: "prod_1", quantity: 2}]})'
    placed = await ada.ask(f"mutation {{ {order} {{ ... on CreateOrderSuccess {{ order {{ id user {{ id }} }} }} }} }}")
    assert placed["createOrder"]["order"] == {"id": "ord_1", "user": {"id": "user_1"}}
    assert await sign(anybody, "logout", "signedOut", refreshToken=registered["refreshToken"]) == {
        "__typename": "LogoutSuccess",
        "signedOut": True,
    }
    assert await sign(anybody, "refresh", refreshToken=registered["refreshToken"]) == SPENT
    back = await sign(
        anybody, "login", f"{SIGN_IN} ... on SignIn {{ user {{ orders {{ nodes {{ id }} }} }} }}", **LOGIN
    )
    assert back["user"]["orders"] == {"nodes": [{"id": "ord_1"}]}
    again = await sign(anybody, "refresh", refreshToken=back["refreshToken"])
    assert again["user"]["email"] == "ada@example.com"
    me = "{ me { id orders { totalCount { value } } } }"
    assert await bearer(anybody, again["accessToken"]).ask(me) == {
        "me": {"id": "user_1", "orders": {"totalCount": {"value": 1}}}
    }
    assert await anybody.ask(me) == {"me": None}


async def test_passwords_and_tokens_are_stored_as_hashes_only(anybody: Client, database: Database) -> None:
    registered = await sign(anybody, "register", **REGISTER)
    stored = repr(await tables(database))
    assert "$argon2id$" in stored
    for secret in (PASSWORD, registered["accessToken"], registered["refreshToken"]):
        assert secret not in stored


async def test_register_reports_every_problem_at_once(anybody: Client) -> None:
    answer = await sign(anybody, "register", email="ada", fullName=" ", password="short")
    assert [issue["path"][-1] for issue in answer["issues"]] == ["email", "fullName", "password"]


@pytest.mark.parametrize("password", ["short12", "12345678", "Password1", "aaaaaaaaaa", "xyz1" * 65])
async def test_a_password_that_is_easily_guessed_is_refused(anybody: Client, password: str) -> None:
    answer = await sign(anybody, "register", **{**REGISTER, "password": password})
    assert answer["__typename"] == "ValidationError"
    assert [issue["path"] for issue in answer["issues"]] == [["input", "password"]]


async def test_register_refuses_an_address_that_is_taken_in_whatever_case(anybody: Client, make: Factory) -> None:
    await make.user("Ada@Example.com")
    answer = await sign(anybody, "register", **REGISTER)
    assert answer == refused("AlreadyExists", "There is a user with this e-mail address.", path=["input", "email"])


# Passwords


async def test_nobody_learns_whether_an_account_exists(anybody: Client, make: Factory) -> None:
    await sign(anybody, "register", **REGISTER)
    await make.user("without-password@example.com")
    for email in ("ada@example.com", "nobody@example.com", "without-password@example.com", "", "\x00", "a@b" * 99):
        assert await sign(anybody, "login", email=email, password="wrong password") == WRONG


async def test_a_changed_password_ends_all_sessions_but_the_new_one(anybody: Client) -> None:
    registered = await sign(anybody, "register", **REGISTER)
    ada = bearer(anybody, registered["accessToken"])
    answer = await sign(ada, "changePassword", currentPassword="wrong", newPassword="another good one")
    assert answer == refused("InvalidCredentials", "The current password is another one.")
    answer = await sign(ada, "changePassword", currentPassword=PASSWORD, newPassword="short")
    assert [issue["path"] for issue in answer["issues"]] == [["input", "newPassword"]]
    changed = await sign(ada, "changePassword", currentPassword=PASSWORD, newPassword="another good one")
    assert await sign(anybody, "refresh", refreshToken=registered["refreshToken"]) == SPENT
    assert (await sign(anybody, "refresh", refreshToken=changed["refreshToken"]))["__typename"] == "RefreshSuccess"
    assert await sign(anybody, "login", **LOGIN) == WRONG
    assert (await sign(anybody, "login", **{**LOGIN, "password": "another good one"}))["user"]["id"] == "user_1"


async def test_a_hash_of_former_strength_is_renewed_at_the_next_login(
    anybody: Client, make: Factory, database: Database
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await make.user("ada@example.com", password_hash=weak)
    for _ in range(2):
        assert (await sign(anybody, "login", **LOGIN))["__typename"] == "LoginSuccess"
    ((_, renewed, _),) = (await tables(database))["credentials"]
    assert renewed != weak
    assert "m=65536" in renewed


@pytest.mark.parametrize("known", ["unknown address", "no password"])
async def test_a_login_takes_as_long_whether_or_not_there_is_such_an_account(
    anybody: Client, app: Starlette, make: Factory, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    # Four times faster than the hashes of the shop, and still four times slower than the difference that is allowed.
    hasher = PasswordHasher(time_cost=2, memory_cost=16384, parallelism=1)
    monkeypatch.setattr(app.state.accounts, "_passwords", Passwords(hasher))
    await make.user("ada@example.com", password_hash=hasher.hash("right"))
    await make.user("guest@example.com")
    other = {"unknown address": "nobody@example.com", "no password": "guest@example.com"}[known]
    times: dict[str, list[float]] = {"ada@example.com": [], other: []}
    for number in range(200):
        for email in sorted(times, reverse=number % 2 > 0):
            start = time.perf_counter()
            assert await sign(anybody, "login", email=email, password="wrong") == WRONG
            times[email].append(time.perf_counter() - start)
    one, two = (statistics.quantiles(each, n=10)[0] for each in times.values())  # a busy machine only ever adds
    assert abs(one - two) < 0.005


# Refresh tokens


async def test_a_refresh_token_that_was_used_long_before_ends_its_session(anybody: Client, database: Database) -> None:
    first = await sign(anybody, "register", **REGISTER)
    other = await sign(anybody, "login", **LOGIN)
    second = await sign(anybody, "refresh", refreshToken=first["refreshToken"])
    assert second["refreshToken"] != first["refreshToken"]
    await use_sessions_earlier(database, GRACE)
    assert await sign(anybody, "refresh", refreshToken=first["refreshToken"]) == SPENT
    assert await sign(anybody, "refresh", refreshToken=second["refreshToken"]) == SPENT
    assert (await sign(anybody, "refresh", refreshToken=other["refreshToken"]))["__typename"] == "RefreshSuccess"


async def test_a_refresh_token_whose_successor_was_used_ends_its_session_at_once(anybody: Client) -> None:
    first = await sign(anybody, "register", **REGISTER)
    second = await sign(anybody, "refresh", refreshToken=first["refreshToken"])
    third = await sign(anybody, "refresh", refreshToken=second["refreshToken"])
    assert await sign(anybody, "refresh", refreshToken=first["refreshToken"]) == SPENT
    assert await sign(anybody, "refresh", refreshToken=third["refreshToken"]) == SPENT


async def test_a_refresh_whose_answer_was_lost_is_answered_again(anybody: Client, database: Database) -> None:
    first = await sign(anybody, "register", **REGISTER)
    lost = await sign(anybody, "refresh", refreshToken=first["refreshToken"])
    await use_sessions_earlier(database, GRACE - timedelta(seconds=10))
    again = await sign(anybody, "refresh", refreshToken=first["refreshToken"])
    assert again["refreshToken"] == lost["refreshToken"]
    assert await bearer(anybody, again["accessToken"]).ask("{ me { id } }") == {"me": {"id": "user_1"}}
    assert (await sign(anybody, "refresh", refreshToken=again["refreshToken"]))["__typename"] == "RefreshSuccess"


async def test_many_who_refresh_at_once_get_the_same_token(anybody: Client) -> None:
    first = await sign(anybody, "register", **REGISTER)
    answers = await asyncio.gather(*(sign(anybody, "refresh", refreshToken=first["refreshToken"]) for _ in range(20)))
    (second,) = {answer["refreshToken"] for answer in answers}
    assert (await sign(anybody, "refresh", refreshToken=second))["__typename"] == "RefreshSuccess"


async def test_a_lost_answer_is_not_given_again_once_the_session_has_ended(anybody: Client) -> None:
    first = await sign(anybody, "register", **REGISTER)
    second = await sign(anybody, "refresh", refreshToken=first["refreshToken"])
    await sign(anybody, "logout", "signedOut", refreshToken=second["refreshToken"])
    assert await sign(anybody, "refresh", refreshToken=first["refreshToken"]) == SPENT


async def use_sessions_earlier(database: Database, by: timedelta) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE sessions SET used_at = used_at - CAST(:by AS interval)"), {"by": by})


@pytest.mark.parametrize("token", ["", "x", "A" * 64, "A" * 63 + "!", "../../etc/passwd", "A" * 10_000, "é" * 64])
async def test_what_is_no_refresh_token_is_refused(anybody: Client, token: str) -> None:
    assert await sign(anybody, "refresh", refreshToken=token) == SPENT
    assert (await sign(anybody, "logout", "signedOut", refreshToken=token))["signedOut"]


async def test_a_session_that_was_not_used_for_long_has_ended(anybody: Client, database: Database) -> None:
    registered = await sign(anybody, "register", **REGISTER)
    await expire_sessions(database)
    assert await sign(anybody, "refresh", refreshToken=registered["refreshToken"]) == SPENT


async def expire_sessions(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE sessions SET expires_at = now()"))


# Attempts


@pytest.fixture
async def strict(database_url: str, empty_shop: None) -> AsyncIterator[Client]:
    settings = Settings(
        database_url=database_url,
        secrets=SECRET,
        login_attempts_per_account="3/hour",
        login_attempts_per_address="8/hour",
        **LARGE,
    )
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        yield Client(http)
    await app.state.accounts.close()
    await app.state.database.close()


async def test_attempts_are_counted_and_not_requests(strict: Client) -> None:
    login = 'login(input: {email: "ada@example.com", password: "wrong"}) { __typename }'
    answer = await strict.ask("mutation {" + " ".join(f"a{n}: {login}" for n in range(100)) + "}")
    assert [answer[f"a{n}"]["__typename"] for n in range(100)] == [
        *["InvalidCredentialsError"] * 3,
        *["TooManyAttemptsError"] * 97,
    ]


async def test_after_too_many_attempts_even_the_right_password_has_to_wait(strict: Client) -> None:
    await sign(strict, "register", **REGISTER)
    for _ in range(2):
        assert await sign(strict, "login", **{**LOGIN, "password": "wrong"}) == WRONG
    answer = await sign(strict, "login", "__typename", **LOGIN)
    assert answer["__typename"] == "TooManyAttemptsError"
    assert answer["code"] == "TOO_MANY_ATTEMPTS"


async def test_a_success_makes_good_for_the_attempts_before(strict: Client, make: Factory, password_hash: str) -> None:
    await make.user("ada@example.com", password_hash=password_hash)
    for _ in range(2):
        for password in ("wrong", PASSWORD):
            await sign(strict, "login", **{**LOGIN, "password": password})
    assert await sign(strict, "login", **{**LOGIN, "password": "wrong"}) == WRONG


async def test_an_address_has_a_limit_of_its_own(strict: Client) -> None:
    answers = [await sign(strict, "login", email=f"user{number}@example.com", password="wrong") for number in range(10)]
    assert [answer["code"] for answer in answers] == ["INVALID_CREDENTIALS"] * 8 + ["TOO_MANY_ATTEMPTS"] * 2


async def test_a_password_that_is_to_be_changed_cannot_be_guessed_either(
    strict: Client, make: Factory, password_hash: str
) -> None:
    user = await make.user("ada@example.com", password_hash=password_hash)
    ada = Client(strict.http, signed_in(user.id, Role.CUSTOMER))
    codes = [
        (await sign(ada, "changePassword", currentPassword="wrong", newPassword="another good one"))["code"]
        for _ in range(4)
    ]
    assert codes == ["INVALID_CREDENTIALS"] * 3 + ["TOO_MANY_ATTEMPTS"]


# Tokens that prove nothing


PRODUCTS = "{ products { nodes { id } } }"
EXPIRED = "The access token has expired."
INVALID = "This access token is not valid."
HEADERS = {
    "Bearer nonsense": INVALID,
    "Bearer a.b.c": INVALID,
    "Bearer ": "The Authorization header must be: Bearer, a space and an access token.",
    "Basic YWRhOnB3": "The Authorization header must be: Bearer, a space and an access token.",
    "": "The Authorization header must be: Bearer, a space and an access token.",
    f"Bearer {Tokens(['another secret, not of this shop: 7xJ2qLw9']).issue(1, Role.ADMIN)}": INVALID,
}


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
async def test_a_bad_token_is_refused_even_where_none_is_needed(anybody: Client, header: str) -> None:
    content = await Client(anybody.http, {"authorization": header}).send(PRODUCTS)
    assert content == {"errors": [{"message": HEADERS[header], "extensions": {"code": "UNAUTHENTICATED"}}]}


async def test_an_expired_token_does_not_stand_in_the_way_of_signing_in(
    anybody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as past:
        past.setattr(time, "time", lambda now=time.time: now() - 3600)
        token = Tokens([SECRET]).issue(1, Role.CUSTOMER)
    late = bearer(anybody, token)
    assert (await late.fail(PRODUCTS))["message"] == EXPIRED
    registered = await sign(late, "register", **REGISTER)
    assert (await sign(late, "refresh", refreshToken=registered["refreshToken"]))["user"]["id"] == "user_1"
    both = 'mutation { logout(input: {refreshToken: "x"}) { __typename } deleteOrder(input: {orderId: "ord_1"}) '
    assert (await late.fail(both + "{ __typename } }"))["message"] == EXPIRED


async def test_two_authorization_headers_are_refused(anybody: Client) -> None:
    response = await anybody.http.post(
        "/graphql",
        json={"query": PRODUCTS},
        headers=[("authorization", "Bearer a"), ("authorization", "Bearer b"), ("accept", GRAPHQL_JSON)],
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["errors"][0]["message"] == "There must be one Authorization header."


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({}, 401, "UNAUTHENTICATED"), (signed_in(1, Role.CUSTOMER), 403, "FORBIDDEN")],
    ids=["nobody", "customer"],
)
async def test_missing_rights_have_the_status_that_proxies_know(
    anonymous_http: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    for media_type, expected in ((GRAPHQL_JSON, status), ("application/json", 200)):
        response = await anonymous_http.post(
            "/graphql", json={"query": "{ users { nodes { id } } }"}, headers={**headers, "accept": media_type}
        )
        assert response.status_code == expected
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": code}
        assert error["locations"] == [{"line": 1, "column": 3}]


async def test_nothing_is_carried_out_when_a_part_is_not_allowed(
    anybody: Client, make: Factory, database: Database
) -> None:
    user, product = await make.user(), await make.product()
    before = await tables(database)
    order = f'createOrder(input: {{idempotencyKey: "1", items: [{{productId: "prod_{product.id}", quantity: 1}}]}})'
    delete = f'deleteProduct(input: {{productId: "prod_{product.id}"}})'
    customer = Client(anybody.http, signed_in(user.id, Role.CUSTOMER))
    error = await customer.fail(f"mutation {{ {order} {{ __typename }} {delete} {{ __typename }} }}")
    assert error["message"] == "Mutation.deleteProduct needs the role STAFF; yours is CUSTOMER."
    assert await tables(database) == before


@pytest.mark.parametrize(
    "document",
    [
        "query ($staff: Boolean = false) { products { nodes { id stockMovements @include(if: $staff) { %s } } } }",
        "query ($skip: Boolean!) { products { nodes { id stockMovements @skip(if: $skip) { %s } } } }",
        "query ($staff: Boolean!) { ...All } fragment Staff on Query { users { %s } }"
        " fragment All on Query { products { nodes { id } } ...Staff @include(if: $staff) }",
    ],
)
async def test_what_is_left_out_needs_no_right(anybody: Client, document: str) -> None:
    document %= "nodes { id }"
    assert await anybody.ask(document, staff=False, skip=True) == {"products": {"nodes": []}}
    assert (await anybody.fail(document, staff=True, skip=False))["extensions"]["code"] == "UNAUTHENTICATED"
