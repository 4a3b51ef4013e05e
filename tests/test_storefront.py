"""A single-page application beside the API: what is served at which address, and with which headers."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from shop_graphql import storefront
from shop_graphql.errors import StartupError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text("1;" * 500)
    (tmp_path / "index.html").write_text("the page")
    (tmp_path / "robots.txt").write_text("a file")
    transport = httpx.ASGITransport(Starlette(routes=storefront.routes(tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/shop/", "/shop/index.html", "/shop/cart", "/shop/product/prod_1"])
async def test_every_address_of_the_application_is_its_page(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert (response.status_code, response.text) == (200, "the page")
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["cache-control"] == "no-cache"


async def test_its_address_may_lack_the_slash(http: httpx.AsyncClient) -> None:
    response = await http.get("/shop")
    assert (response.status_code, response.headers["location"]) == (307, "/shop/")


async def test_files_are_files_and_a_missing_one_is_not_the_page(http: httpx.AsyncClient) -> None:
    assert (await http.get("/shop/robots.txt")).text == "a file"
    assert (await http.get("/shop/missing.js")).status_code == 404
    assert (await http.get("/shop/assets/missing")).status_code == 404
    assert (await http.get("/shop/..%2f..%2fpyproject.toml")).text != "the page"
    assert (await http.post("/shop/cart")).status_code == 405


async def test_files_with_a_hash_are_small_and_kept_for_ever(http: httpx.AsyncClient) -> None:
    response = await http.get("/shop/assets/index-1a2b.js")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    assert response.text == "1;" * 500


def test_a_folder_without_a_page_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"^SHOP_STOREFRONT_DIR: there is no index.html in "):
        storefront.routes(tmp_path)
