"""Whoever comes with a token of an identity provider, through HTTP: who they are here, and what they may do."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from shop_graphql.app import create_app
from shop_graphql.auth import Passwords
from shop_graphql.database import Database
from shop_graphql.settings import Settings
from tests.api.conftest import Client
from tests.api.mutating import mutate, tables
from tests.auth.provider import AUDIENCE, Provider
from tests.conftest import SECRET
from tests.factories import Factory

ME = "{ me { id email fullName role } }"
ADA = {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
async def http(provider: Provider, database_url: str, empty_shop: None) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url,
        secrets=SECRET,
        oidc_issuer=provider.address,
        oidc_audience=AUDIENCE,
        oidc_roles_claim="realm_access.roles",
        oidc_staff="shop-staff",
    )
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield client
    await app.state.accounts.close()
    await app.state.database.close()


def signed(http: httpx.AsyncClient, provider: Provider, **claims: Any) -> Client:
    token = provider.sign("rsa", {"alg": "RS256"}, provider.claims(**claims))
    return Client(http, {"authorization": f"Bearer {token}"})


async def test_somebody_new_becomes_a_customer_once(http: httpx.AsyncClient, provider: Provider) -> None:
    for _ in range(2):
        ada = signed(http, provider, **ADA)
        assert await ada.ask(ME) == {
            "me": {"id": "user_1", "email": "ada@example.com", "fullName": "Ada Lovelace", "role": "CUSTOMER"}
        }
    assert (await ada.fail("{ users { nodes { id } } }"))["extensions"]["code"] == "FORBIDDEN"


async def test_an_account_with_the_verified_address_is_theirs_and_its_password_nobody_s(
    http: httpx.AsyncClient, provider: Provider, make: Factory, database: Database
) -> None:
    await make.user("grace@example.com")
    await make.user("Ada@Example.com", password_hash=await Passwords().hash("chosen by somebody"))
    assert (await signed(http, provider, **ADA).ask(ME))["me"]["id"] == "user_2"
    held = await tables(database)
    assert held["credentials"] == []
    assert [row[:3] for row in held["identities"]] == [(provider.address, "ada", 2)]
    login = await mutate(Client(http), "login", email="ada@example.com", password="chosen by somebody")
    assert login["code"] == "INVALID_CREDENTIALS"


async def test_somebody_stays_the_same_whatever_becomes_of_their_address(
    http: httpx.AsyncClient, provider: Provider
) -> None:
    await signed(http, provider, **ADA).ask(ME)
    moved = signed(http, provider, email="countess@example.com", email_verified=True)
    assert (await moved.ask(ME))["me"] == {
        "id": "user_1",
        "email": "ada@example.com",
        "fullName": "Ada Lovelace",
        "role": "CUSTOMER",
    }


@pytest.mark.parametrize("claims", [{}, {"email": "ada@example.com"}, {**ADA, "email_verified": "true"}])
async def test_an_address_that_is_not_verified_opens_no_account(
    http: httpx.AsyncClient, provider: Provider, make: Factory, claims: dict[str, Any]
) -> None:
    await make.user("ada@example.com")
    error = await signed(http, provider, sub="stranger", **claims).fail(ME)
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"] == "The access token tells no verified e-mail address, so there is no account for it."


@pytest.mark.parametrize(("role", "code"), [("shop-staff", "FORBIDDEN"), ("admin", None)])
async def test_a_claim_gives_roles(http: httpx.AsyncClient, provider: Provider, role: str, code: str | None) -> None:
    worker = signed(http, provider, sub=role, realm_access={"roles": ["offline_access", role]})
    assert await worker.ask("{ me { id } users { totalCount { value } } }") == {
        "me": None,
        "users": {"totalCount": {"value": 0}},
    }
    text = 'mutation { createUser(input: {email: "a@example.com", fullName: "A"}) { __typename } }'
    if code is None:
        assert (await worker.ask(text))["createUser"]["__typename"] == "CreateUserSuccess"
    else:
        assert (await worker.fail(text))["extensions"]["code"] == code
    answer = await mutate(worker, "createOrder", items=[{"productId": "prod_1", "quantity": 1}])
    assert answer["issues"][0]["path"] == ["input", "userId"]


async def test_the_shop_s_own_tokens_are_accepted_beside_them(http: httpx.AsyncClient) -> None:
    input = {"email": "ada@example.com", "fullName": "Ada", "password": "correct horse battery staple"}
    registered = await mutate(Client(http), "register", "accessToken", **input)
    ada = Client(http, {"authorization": f"Bearer {registered['accessToken']}"})
    assert (await ada.ask(ME))["me"]["id"] == "user_1"


@pytest.mark.parametrize("changes", [{"aud": "another shop"}, {"exp": 1}, {"iss": "https://elsewhere.example.com"}])
async def test_a_token_that_is_not_for_this_shop_is_refused(
    http: httpx.AsyncClient, provider: Provider, changes: dict[str, Any]
) -> None:
    assert (await signed(http, provider, **ADA, **changes).fail(ME))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_while_the_provider_is_away_nobody_is_told_that_their_token_is_bad(database_url: str) -> None:
    gone = Provider()
    token = gone.sign("rsa", {"alg": "RS256"}, gone.claims(**ADA))
    gone.close()
    settings = Settings(database_url=database_url, secrets=SECRET, oidc_issuer=gone.address, oidc_audience=AUDIENCE)
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        response = await client.post("/graphql", json={"query": ME}, headers={"authorization": f"Bearer {token}"})
    await app.state.accounts.close()
    await app.state.database.close()
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
