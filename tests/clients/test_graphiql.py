"""GraphiQL in a real browser, without internet and under its policy."""

import json
from urllib.parse import urlencode

import pytest
from playwright.async_api import Locator, Page, expect

from tests.clients.conftest import Tab

pytestmark = pytest.mark.usefixtures("_graphiql_is_built")


def editor(page: Page) -> Locator:
    return page.locator(".graphiql-query-editor .view-lines")


def answer(page: Page) -> Locator:
    return page.locator(".graphiql-response .view-lines")


async def run(page: Page) -> None:
    await expect(editor(page)).not_to_be_empty()
    # GraphiQL reads the operations in its editor a moment after they were put there, and until then sends the old name.
    await page.wait_for_timeout(600)
    await page.get_by_role("button", name="Execute query").click()


def address(**parameters: str) -> str:
    return f"/graphql?{urlencode(parameters)}"


async def test_it_runs_a_query(tab: Tab) -> None:
    await tab.page.goto("/graphql")
    await expect(editor(tab.page)).to_contain_text("query Catalogue")
    assert tab.asked() == []
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text('"nodes"')
    assert [body["operationName"] for body in tab.asked()] == ["Catalogue"]
    await tab.picture("graphiql-light")


async def test_it_is_dark_for_who_likes_it_dark(tab: Tab) -> None:
    await tab.page.emulate_media(color_scheme="dark")
    await tab.page.goto("/graphql")
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text('"nodes"')
    await tab.picture("graphiql-dark")


async def test_its_tabs_are_what_a_newcomer_wants(tab: Tab) -> None:
    await tab.page.goto("/graphql")
    tabs = tab.page.get_by_role("tab")
    for name in ("Catalogue", "Search", "SignIn", "PlaceOrder", "SalesReport"):
        await tabs.filter(has_text=name).click()
        await expect(editor(tab.page)).to_contain_text(name)
        await run(tab.page)
        await expect(answer(tab.page)).to_contain_text('"data"')
        await expect(answer(tab.page)).not_to_contain_text('"errors"')
    assert [body["operationName"] for body in tab.asked()] == [
        "Catalogue",
        "Search",
        "SignIn",
        "PlaceOrder",
        "SalesReport",
    ]


async def test_it_follows_a_subscription_as_whoever_its_headers_sign_in(tab: Tab) -> None:
    query = 'subscription Order { orderChanged(id: "ord_1") { orderId order { user { email } } } }'
    await tab.page.goto(address(query=query, operationName="Order"))
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text('"orderId": "ord_1"')
    await expect(answer(tab.page)).to_contain_text("@")


async def test_it_is_signed_in_by_the_headers_of_the_setting_also_after_a_reload(tab: Tab) -> None:
    await tab.page.goto(address(query="{ me { email } }"))
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text("admin@example.com")
    await tab.page.wait_for_timeout(700)  # GraphiQL writes down its tabs half a second later
    await tab.page.reload()
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text("admin@example.com")
    stored = await tab.page.evaluate("JSON.stringify(localStorage)")
    assert "me { email }" in stored
    assert "Bearer ey" not in stored


async def test_a_click_in_the_explorer_changes_the_query(tab: Tab) -> None:
    await tab.page.goto(address(query="{ products(first: 1) { nodes { name } } }"))
    await tab.page.get_by_role("button", name="GraphiQL Explorer").click()
    await tab.page.locator(".graphiql-explorer-root").get_by_text("stockQuantity", exact=True).first.click()
    await expect(editor(tab.page)).to_contain_text("stockQuantity")
    await tab.picture("graphiql-explorer")


async def test_a_shared_link_is_shown_and_not_executed(tab: Tab) -> None:
    query = "query A { __typename } query B($id: ID!) { product(id: $id) { name } }"
    await tab.page.goto(address(query=query, variables=json.dumps({"id": "prod_1"}), operationName="B"))
    await expect(editor(tab.page)).to_contain_text("query A")
    await expect(tab.page.locator(".graphiql-editor-tool .view-lines").first).to_contain_text("prod_1")
    await tab.page.wait_for_timeout(500)
    assert tab.asked() == []


async def test_a_link_can_be_made_of_what_is_in_the_editor(tab: Tab) -> None:
    await tab.page.goto(address(query="{ __typename }"))
    await tab.page.get_by_role("button", name="Copy a link").click()
    await expect(tab.page).to_have_url(f"{tab.address}/graphql?query=%7B+__typename+%7D")


async def test_an_error_is_shown(tab: Tab) -> None:
    await tab.page.goto(address(query="{ products(first: 1000) { nodes { name } } }"))
    await run(tab.page)
    await expect(answer(tab.page)).to_contain_text('"errors"')
    await tab.picture("graphiql-error")
