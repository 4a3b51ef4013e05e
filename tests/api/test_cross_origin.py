"""Pages of other origins: what they let a browser send without asking is not carried out, nor readable."""

import httpx
import pytest

from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.settings import Settings
from tests.api.mutating import tables
from tests.conftest import SECRET
from tests.factories import Factory

QUERY = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}
SHOP = "https://shop.example.com"
EVIL = "https://evil.example"
JSON = "application/json"
MOZILLA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36"


async def get(http: httpx.AsyncClient, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await http.get("/graphql", params=QUERY, headers=named)
    if response.status_code == 403:
        assert response.json()["errors"][0]["extensions"] == {"code": "PREFLIGHT_REQUIRED"}
    else:
        assert response.json() == ANSWER
    return response.status_code


@pytest.mark.parametrize("agent", ["curl/8.5", "node", "python-httpx/1", ""])
@pytest.mark.parametrize("accept", ["*/*", JSON])
async def test_a_program_may_get_what_it_likes(http: httpx.AsyncClient, agent: str, accept: str) -> None:
    assert await get(http, accept=accept, user_agent=agent) == 200


@pytest.mark.parametrize("accept", ["*/*", JSON, "image/avif,image/webp,*/*;q=0.8", "text/css,*/*;q=0.1"])
async def test_a_get_of_a_browser_is_refused_unless_it_was_asked_about(http: httpx.AsyncClient, accept: str) -> None:
    browser = {"accept": accept, "user_agent": MOZILLA}
    assert await get(http, **browser) == 403
    assert await get(http, **browser, sec_fetch_site="cross-site") == 403
    assert await get(http, **browser, sec_fetch_site="same-site") == 403
    for header in ("GraphQL-Require-Preflight", "X-Requested-With", "Apollo-Require-Preflight"):
        assert await get(http, **browser, **{header: "1"}, sec_fetch_site="cross-site", origin=EVIL) == 200


async def test_a_get_of_a_page_of_the_server_itself_is_answered(http: httpx.AsyncClient) -> None:
    for site in ("none", "same-origin"):
        assert await get(http, accept=JSON, user_agent=MOZILLA, sec_fetch_site=site) == 200
    assert await get(http, user_agent=MOZILLA, sec_fetch_site="none", origin=EVIL) == 403
    for origin in (EVIL, "null"):
        assert await get(http, accept=JSON, origin=origin) == 403


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", None]
)
async def test_a_post_as_forms_send_it_is_refused(
    http: httpx.AsyncClient, make: Factory, database: Database, media_type: str | None
) -> None:
    await make.product()
    before = await tables(database)
    headers = {"content-type": media_type} if media_type else {}
    body = b'{"query": "mutation { deleteProduct(input: {productId: \\"prod_1\\"}) { __typename } }"}'
    assert (await http.post("/graphql", content=body, headers=headers)).status_code == 415
    assert await tables(database) == before


def of(database_url: str, origins: str | None) -> httpx.AsyncClient:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, allowed_origins=origins))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def asked(http: httpx.AsyncClient, origin: str) -> httpx.Response:
    """Ask as a browser does before it sends a POST of a page of another origin."""
    headers = {"origin": origin, "access-control-request-method": "POST"}
    headers["access-control-request-headers"] = "authorization,content-type"
    return await http.options("/graphql", headers=headers)


async def test_by_default_no_page_of_another_origin_may_send_or_read_anything(database_url: str) -> None:
    async with of(database_url, None) as http:
        for response in (await asked(http, SHOP), await http.post("/graphql", json=QUERY, headers={"origin": SHOP})):
            assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_pages_of_allowed_origins_may_and_no_others(database_url: str) -> None:
    async with of(database_url, f"{SHOP}, http://localhost:5173") as http:
        for origin in (SHOP, "http://localhost:5173"):
            allowed = await asked(http, origin)
            assert allowed.status_code == 200
            assert allowed.headers["access-control-allow-origin"] == origin
            assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
            assert "access-control-allow-credentials" not in allowed.headers
            answer = await http.post("/graphql", json=QUERY, headers={"origin": origin})
            assert (answer.json(), answer.headers["access-control-allow-origin"]) == (ANSWER, origin)
            assert "Retry-After".lower() in answer.headers["access-control-expose-headers"]
            assert answer.headers["vary"] == "Origin"
            assert await get(http, accept=JSON, origin=origin, sec_fetch_site="cross-site") == 200
        for origin in (EVIL, f"{SHOP}.evil.example", "null", SHOP.replace("https", "http")):
            assert "access-control-allow-origin" not in (await asked(http, origin)).headers
            answer = await http.post("/graphql", json=QUERY, headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers
            assert await get(http, accept=JSON, origin=origin) == 403


@pytest.mark.parametrize("value", ["*", "https://*", "shop.example.com", "https://shop.example.com/", "https://a b"])
def test_what_is_no_origin_is_no_setting(value: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        Settings(allowed_origins=value)
