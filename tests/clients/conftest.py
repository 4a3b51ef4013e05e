"""A real browser on a real server full of sample data. Skipped, with the reason, where either is missing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from shop_graphql import demo_accounts, migration
from shop_graphql.access import Role
from shop_graphql.api import graphiql
from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from tests.conftest import SECRET, signed_in, temporary_database

ROOT = Path(__file__).parents[2]
STOREFRONT = ROOT / "examples" / "storefront" / "dist"
PICTURES = ROOT / ".screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 15_000
"""Milliseconds that a page may take for what is waited for."""


class Server:
    """The server as a process of its own, that can be killed and started again at the same address."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = str(free.getsockname()[1])
        self._environment = environment
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "shop_graphql", "serve", "--port", self._port]
        environment = {**os.environ, **self._environment}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        said = self._process.stdout.readline()
        assert re.match("GraphQL at ", said), said

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        self._process.communicate(timeout=30)


@pytest.fixture(scope="package")
def shop_url(server_url: str) -> Iterator[str]:
    """The database of a shop full of sample data, for all tests of this folder."""
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        load(url, Size(), lambda _: None)
        yield url


@pytest.fixture(scope="package")
async def server(shop_url: str) -> AsyncIterator[Server]:
    admin = await demo_accounts.ensure(shop_url)
    authorization = signed_in(admin, Role.ADMIN)["authorization"]
    environment = {
        "DATABASE_URL": shop_url,
        "SHOP_SECRETS": SECRET,
        "SHOP_GRAPHIQL_HEADERS": json.dumps({"Authorization": authorization}),
        "SHOP_LOGIN_ATTEMPTS_PER_ACCOUNT": "9999/minute",
        "SHOP_LOGIN_ATTEMPTS_PER_ADDRESS": "9999/minute",
        **({"SHOP_STOREFRONT_DIR": str(STOREFRONT)} if (STOREFRONT / "index.html").exists() else {}),
    }
    server = Server(environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no Chromium: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        await browser.close()


class Tab:
    """A page of the browser, with a record of what it asked for and of what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    def asked(self) -> list[dict[str, Any]]:
        """Return the bodies of all GraphQL requests, the browser's introspection left out."""
        bodies = [
            request.post_data_json
            for request in self.requests
            if request.method == "POST" and request.url.endswith("/graphql")
        ]
        return [body for body in bodies if body and body.get("operationName") != "IntrospectionQuery"]

    def strangers(self) -> list[str]:
        """Return the addresses of requests that left the server."""
        return [r.url for r in self.requests if not r.url.startswith((self.address, "data:", "blob:"))]

    async def picture(self, name: str) -> None:
        """Keep a picture of what is on the screen."""
        PICTURES.mkdir(exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture
async def tab(server: Server, browser: Browser) -> AsyncIterator[Tab]:
    """A tab of a browser without a past; nothing in it may ask strangers or break the page's policy."""
    async with await browser.new_context(base_url=server.address, viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        tab = Tab(await context.new_page(), server.address)
        yield tab
        assert tab.strangers() == []
        assert tab.complaints == []


@pytest.fixture
def _graphiql_is_built() -> None:
    if not (graphiql.BUNDLE / "index.html").exists():
        pytest.skip("GraphiQL is not built: make graphiql")


@pytest.fixture
def _storefront_is_built() -> None:
    if not (STOREFRONT / "index.html").exists():
        pytest.skip("The storefront is not built: make storefront-build")
