"""GraphiQL's page: what is in it, what may be loaded by it, and what is there when it was not built."""

import json
from html import unescape
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from shop_graphql.api import graphiql
from shop_graphql.app import create_app
from shop_graphql.settings import Settings
from tests.api.conftest import Client
from tests.conftest import SECRET

HEADERS = json.dumps({"Authorization": 'Bearer "><script>alert(1)</script>'})
TABS = [
    pytest.param(
        tab.read_text(), given.read_text() if (given := tab.with_suffix(".json")).exists() else "{}", id=tab.stem
    )
    for tab in sorted((Path(__file__).parents[2] / "graphiql" / "src" / "tabs").glob("*.graphql"))
]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def text(page: Response) -> str:
    return bytes(page.body).decode()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What a build leaves behind."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text("1")
    (tmp_path / "index.html").write_text('<title>GraphiQL</title><div id="graphiql" data-headers=""></div>')
    return tmp_path


def test_headers_are_handed_over_as_text_that_nothing_can_leave(bundle: Path) -> None:
    page = text(graphiql.page(HEADERS, bundle=bundle))
    assert "<script>" not in page
    assert unescape(page) == f'<title>GraphiQL</title><div id="graphiql" data-headers="{HEADERS}"></div>'


def test_the_page_comes_with_a_strict_policy_and_is_kept_nowhere(bundle: Path) -> None:
    headers = graphiql.page(None, bundle=bundle).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_what_it_loads_is_kept_for_ever(bundle: Path) -> None:
    transport = httpx.ASGITransport(Starlette(routes=graphiql.files(bundle)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        response = await http.get("/graphiql/assets/index-1a2b.js")
        assert (response.status_code, response.text) == (200, "1")
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-type"].startswith("text/javascript")
        assert (await http.get("/graphiql/assets/../index.html")).status_code == 404


def test_without_a_build_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    response = graphiql.page(HEADERS, bundle=tmp_path)
    page = text(response)
    assert "make graphiql" in page
    assert "SHOP_GRAPHIQL_CDN=true" in page
    assert "Bearer" not in page
    assert response.headers["content-security-policy"] == POLICY
    assert graphiql.files(tmp_path) == []


def test_a_cdn_is_used_only_when_that_was_asked_for(bundle: Path) -> None:
    assert "https:" not in text(graphiql.page(HEADERS, bundle=bundle))
    page = text(graphiql.page(HEADERS, cdn=True))
    assert 'src="https://' in page
    assert "<script>alert" not in page
    assert "React.useState(parameters.headers)" not in page
    assert "React.useState(parameters.headers)" in text(graphiql.page(None, cdn=True))


async def test_switched_off_nothing_of_it_is_served(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, graphiql=False))
    assert [route for route in app.routes if getattr(route, "path", "").startswith("/graphiql")] == []


@pytest.mark.parametrize(("query", "variables"), TABS)
async def test_what_its_tabs_ask_is_answered(client: Client, query: str, variables: str) -> None:
    assert await client.ask(query, **json.loads(variables))
