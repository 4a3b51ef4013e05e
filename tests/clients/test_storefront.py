"""The storefront in a real browser: buying, being refused, losing the network, and without a mouse."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from shop_graphql.demo_accounts import PASSWORD
from tests.clients.conftest import STOREFRONT, Server, Tab

pytestmark = pytest.mark.usefixtures("_storefront_is_built")

AXE = STOREFRONT.parent / "node_modules" / "axe-core" / "axe.min.js"
ADA = "ada@example.com"
STAFF = "staff@example.com"
SIGN_IN = "mutation ($input: LoginInput!) { login(input: $input) { ... on SignIn { accessToken user { id } } } }"
CREATE = """mutation ($input: CreateProductInput!) {
  createProduct(input: $input) { ... on CreateProductSuccess { product { id name } } }
}"""
ADJUST = "mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }"
PRICE = "mutation ($input: UpdateProductPriceInput!) { updateProductPrice(input: $input) { __typename } }"
ORDERS = "query ($product: ID!) { orders(where: { productId: $product }) { nodes { status totalAmount } } }"
ARCHIVE = "mutation ($input: ArchiveProductInput!) { archiveProduct(input: $input) { __typename } }"
DELETE = "mutation ($input: DeleteProductInput!) { deleteProduct(input: $input) { __typename } }"
LOGOUT = "mutation ($input: LogoutInput!) { logout(input: $input) { __typename } }"
STOCK = "query ($id: ID!) { product(id: $id) { stockQuantity } }"


class Backroom:
    """The shop's people, who change things behind the shopper's back."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, query: str, **variables: Any) -> Any:
        response = await self._http.post("/graphql", json={"query": query, "variables": variables})
        content = response.json()
        assert "errors" not in content, content
        return content["data"]

    async def product(
        self, name: str, *, stock: int = 10, price: str = "12.50", new_category: str | None = None
    ) -> str:
        """Make a product and return its id."""
        category = {"new": {"name": new_category}} if new_category else {"id": "cat_1"}
        new = {"name": name, "price": price, "stockQuantity": stock, "category": category}
        data = await self.ask(CREATE, input={**new, "idempotencyKey": str(uuid4())})
        found: str = data["createProduct"]["product"]["id"]
        return found

    async def orders(self, product: str) -> list[dict[str, str]]:
        """Return the orders that contain the product."""
        found: list[dict[str, str]] = (await self.ask(ORDERS, product=product))["orders"]["nodes"]
        return found

    async def stock(self, product: str) -> int:
        found: int = (await self.ask(STOCK, id=product))["product"]["stockQuantity"]
        return found


@pytest.fixture
async def backroom(server: Server) -> AsyncIterator[Backroom]:
    async with httpx.AsyncClient(base_url=server.address) as http:
        credentials = {"email": "admin@example.com", "password": PASSWORD}
        signed_in = await http.post("/graphql", json={"query": SIGN_IN, "variables": {"input": credentials}})
        http.headers["authorization"] = f"Bearer {signed_in.json()['data']['login']['accessToken']}"
        yield Backroom(http)


async def sign_in(page: Page, email: str = ADA) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def fill_cart(page: Page, product: str, quantity: int = 1) -> None:
    await page.goto(f"/shop/product/{product}")
    await page.get_by_label("Quantity").fill(str(quantity))
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.get_by_text("in your cart")).to_be_visible()


async def ready_to_order(page: Page, product: str, quantity: int = 1) -> None:
    await fill_cart(page, product, quantity)
    await page.get_by_role("link", name="Go to the cart").click()
    await page.get_by_role("link", name="Sign in to order").click()
    await sign_in(page)
    await expect(page.get_by_role("button", name="Order for")).to_be_enabled()


async def order(page: Page) -> None:
    await page.get_by_role("button", name="Order for").click()


async def lose_the_answer(route: Route) -> None:
    await route.fetch()
    await route.abort("connectionreset")


def operation(route: Route) -> str:
    """Return the name of the operation that is sent."""
    return str((route.request.post_data_json or {}).get("operationName"))


async def test_a_shopper_searches_filters_and_buys(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Quetzal Reading Lantern", stock=5)
    page = tab.page
    await page.goto("/shop/")
    await expect(page.get_by_role("heading", level=3).first).to_be_visible()
    await tab.picture("storefront-catalogue")
    await page.get_by_role("searchbox").fill("quetzal")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Quetzal Reading Lantern").click()
    await expect(page.get_by_role("heading", level=1, name="Quetzal Reading Lantern")).to_be_visible()
    await tab.picture("storefront-product")
    await ready_to_order(page, product, 2)
    await tab.picture("storefront-cart")
    await order(page)
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    await expect(page.get_by_text(re.compile("^2 . Quetzal Reading Lantern, €25.00$"))).to_be_visible()
    await expect(page.get_by_label("0 in the cart")).to_be_visible()
    assert await backroom.orders(product) == [{"status": "PENDING", "totalAmount": "25.00"}]
    assert await backroom.stock(product) == 3


async def test_a_filter_narrows_the_list_and_stands_in_the_address(tab: Tab) -> None:
    page = tab.page
    await page.goto("/shop/?q=lamp")
    status = page.get_by_role("status").filter(has_text="product")
    await expect(status).to_be_visible()
    everything = await status.inner_text()
    await page.get_by_role("button", name="€25 to €50").click()
    await expect(page).to_have_url(re.compile(r"min=25.00&max=49.99|min=25&max=49.99"))
    await expect(status).not_to_have_text(everything)
    for shown in await page.locator(".card strong").all_inner_texts():
        assert 25 <= float(shown.removeprefix("€")) < 50
    await page.get_by_label("Sort").select_option("Dearest first")
    await expect(page).to_have_url(re.compile("sort=dear"))
    await page.go_back()
    await page.go_back()
    await expect(status).to_have_text(everything)


async def test_a_filter_that_few_products_fit_can_be_taken_away_again(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Siskin Ship in a Bottle", new_category="Curiosities")
    page = tab.page
    await page.goto(f"/shop/product/{product}")
    await page.get_by_role("link", name="Curiosities").first.click()
    await expect(page.locator(".card")).to_have_count(1)
    await page.get_by_role("checkbox", name="Garden").check()
    await expect(page.locator(".card")).to_have_count(24)
    chosen = page.get_by_role("checkbox", name="Curiosities")
    await expect(chosen).to_be_checked()
    await chosen.click()  # after which it is no longer there
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)


async def test_the_list_grows_while_it_is_scrolled(tab: Tab) -> None:
    page = tab.page
    await page.goto("/shop/")
    cards = page.locator(".card")
    await expect(cards).to_have_count(24)
    await page.mouse.wheel(0, 20_000)
    await expect(cards.nth(24)).to_be_attached()
    links = await page.locator(".card h3 a").evaluate_all("links => links.map(link => link.href)")
    assert len(links) in {48, 72, 96}  # more than two pages where the browser was still scrolling
    assert len(set(links)) == len(links)
    assert [body["variables"]["isFirst"] for body in tab.asked()[:2]] == [True, False]


async def test_what_runs_out_meanwhile_is_said_and_can_be_put_right(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Wren Folding Stool", stock=5)
    page = tab.page
    await ready_to_order(page, product, 4)
    change = {"productId": product, "delta": -3, "idempotencyKey": str(uuid4())}
    await backroom.ask(ADJUST, input=change)
    await order(page)
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Wren Folding Stool: you would like 4, and only 2 are left.")
    await tab.picture("storefront-out-of-stock")
    assert await backroom.orders(product) == []
    await alert.get_by_role("button", name="Take 2").click()
    await order(page)
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await backroom.stock(product) == 0
    await page.goto(f"/shop/product/{product}")
    await expect(page.get_by_text("Sold out")).to_be_visible()
    await expect(page.get_by_role("button", name="Add to cart")).to_have_count(0)


async def test_a_price_that_changed_meanwhile_is_shown_before_anything_is_ordered(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Tern Brass Bell", price="20.00")
    page = tab.page
    await ready_to_order(page, product)
    await backroom.ask(PRICE, input={"productId": product, "price": "22.00"})
    await order(page)
    await expect(page.get_by_role("alert")).to_contain_text("instead of €20.00 this costs €22.00")
    assert await backroom.orders(product) == []
    await tab.picture("storefront-price-changed")
    await page.get_by_role("alert").get_by_role("button", name="Order for €22.00").click()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await backroom.orders(product) == [{"status": "PENDING", "totalAmount": "22.00"}]


async def test_a_quantity_can_be_typed_anew_in_the_cart(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Pipit Fountain Pen", stock=50)
    page = tab.page
    await fill_cart(page, product, 12)
    await page.goto("/shop/cart")
    field = page.get_by_label("Quantity of Pipit Fountain Pen")
    for typed, shown in (("", 12), ("3", 3), ("0", 3), ("1.5", 3), ("-2", 3), ("1000", 3), ("20", 20)):
        await field.fill(typed)
        await expect(page.get_by_label(f"{shown} in the cart")).to_be_visible()
        await field.blur()
        await expect(field).to_have_value(str(shown))


@pytest.mark.parametrize("goodbye", [ARCHIVE, DELETE])
async def test_what_is_no_longer_sold_is_named(tab: Tab, backroom: Backroom, goodbye: str) -> None:
    kept = await backroom.product("Godwit Garden Hose", stock=5)
    product = await backroom.product("Avocet Paper Kite", stock=5)
    page = tab.page
    await fill_cart(page, kept)
    await ready_to_order(page, product)
    await backroom.ask(goodbye, input={"productId": product})
    await order(page)
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(re.compile("Nothing was ordered yet.*Avocet Paper Kite.*no longer sold"))
    await page.get_by_role("button", name="Remove Avocet Paper Kite").click()
    await order(page)
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await backroom.stock(kept) == 4


async def test_a_server_restarted_in_mid_order_does_not_order_twice(
    tab: Tab, backroom: Backroom, server: Server
) -> None:
    product = await backroom.product("Kestrel Travel Kettle", stock=10)
    page = tab.page
    await ready_to_order(page, product)

    async def crash(route: Route) -> None:
        assert operation(route) == "PlaceOrder"
        await route.fetch()
        await asyncio.to_thread(server.kill)
        await route.abort("connectionreset")

    await page.route("**/graphql", crash, times=1)
    try:
        await order(page)
        heading = page.get_by_role("heading", name="Your order was sent, and no answer came")
        await expect(heading).to_be_visible(timeout=20_000)
        await tab.picture("storefront-no-answer")
    finally:
        await asyncio.to_thread(server.start)
    assert len(await backroom.orders(product)) == 1
    await page.reload()
    await expect(heading).to_be_visible()
    await page.get_by_role("button", name="Send it again").click()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert len(await backroom.orders(product)) == 1
    assert await backroom.stock(product) == 9
    sent = [body["variables"]["input"] for body in tab.asked() if body["operationName"] == "PlaceOrder"]
    assert len(sent) > 2
    assert all(order == sent[0] for order in sent)


async def test_an_order_whose_answer_was_lost_stays_open_when_the_session_ends(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Curlew Oil Lamp", stock=5)
    page = tab.page
    await ready_to_order(page, product)
    token = await page.evaluate("sessionStorage.getItem('shop.refresh-token')")
    sent: list[str] = []

    async def end_the_session(route: Route) -> None:
        sent.append(operation(route))
        if sent == ["PlaceOrder"]:
            await backroom.ask(LOGOUT, input={"refreshToken": token})
            await lose_the_answer(route)
        else:
            headers = {name: value for name, value in route.request.headers.items() if name != "authorization"}
            await route.continue_(headers=headers)

    await page.route("**/graphql", end_the_session)
    await order(page)
    await page.get_by_role("link", name="Sign in to send it again").click()
    assert sent == ["PlaceOrder", "PlaceOrder", "Refresh", "PlaceOrder"]
    await page.unroute("**/graphql")
    await sign_in(page)
    await page.get_by_role("button", name="Send it again").click()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert len(await backroom.orders(product)) == 1


async def test_a_session_outlives_a_refresh_whose_answer_was_lost(tab: Tab) -> None:
    page = tab.page
    await page.goto("/shop/sign-in")
    await sign_in(page)
    await page.route("**/graphql", lose_the_answer, times=1)
    await page.goto("/shop/orders")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert [body["operationName"] for body in tab.asked()][-3:] == ["Refresh", "Refresh", "Orders"]


async def test_somebody_new_registers_and_cancels_an_order(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Plover Rain Gauge", stock=3)
    page = tab.page
    await fill_cart(page, product)
    await page.goto("/shop/register?next=/cart")
    await page.get_by_label("Your name").fill("Grace Hopper")
    await page.get_by_label("E-mail").fill(f"grace-{uuid4().hex[:8]}@example.com")
    await page.get_by_label("Password").fill("a rather long password")
    await page.get_by_role("button", name="Register").click()
    await order(page)
    await page.locator("main").get_by_role("link", name="My orders").click()
    await expect(page.get_by_text("On its way")).to_be_visible()
    await page.get_by_role("button", name="Cancel order").click()
    await page.get_by_role("button", name="Yes, cancel it").click()
    await expect(page.locator(".status")).to_have_text("Cancelled")
    await tab.picture("storefront-orders")
    assert [found["status"] for found in await backroom.orders(product)] == ["CANCELLED"]
    assert await backroom.stock(product) == 3


async def test_a_wrong_password_is_told_and_a_session_outlives_a_reload(tab: Tab) -> None:
    page = tab.page
    await page.goto("/shop/sign-in")
    await page.get_by_label("E-mail").fill(ADA)
    await page.get_by_label("Password").fill("something else")
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("E-mail and password do not belong together.")
    await sign_in(page)
    await page.goto("/shop/orders")
    await expect(page.get_by_role("heading", name="My orders")).to_be_visible()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert [body["operationName"] for body in tab.asked()][-2:] == ["Refresh", "Orders"]
    kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "eyJ" not in kept  # how access tokens begin
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_staff_see_the_report_and_put_stock_right(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Aaa Sandpiper Hook", stock=0)
    page = tab.page
    await page.goto("/shop/staff")
    await sign_in(page, STAFF)
    await expect(page.locator(".chart rect").first).to_be_visible()
    await page.get_by_label("Change the stock of Aaa Sandpiper Hook").fill("7")
    form = page.locator(".stock-form", has_text="Aaa Sandpiper Hook")
    async with page.expect_response(lambda response: "query Staff" in (response.request.post_data or "")):
        await form.get_by_role("button").click()
    await expect(page.get_by_label("Stock of Aaa Sandpiper Hook", exact=True)).to_have_text("7")
    await expect(form).to_contain_text("Changed.")
    assert await backroom.stock(product) == 7
    await tab.picture("storefront-staff")


async def test_a_customer_is_told_that_the_staff_page_is_not_for_them(tab: Tab) -> None:
    await tab.page.goto("/shop/staff")
    await sign_in(tab.page)
    await expect(tab.page.get_by_role("alert")).to_have_text(re.compile("for the shop.s staff.$"))


async def test_everything_works_by_keyboard_alone(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Dunlin Pocket Mirror", stock=4)
    page = tab.page

    async def reach(name: str, *, role: str = "") -> None:
        """Press Tab until something of that name has the focus."""
        for _ in range(80):
            await page.keyboard.press("Tab")
            focused = await page.evaluate(
                "(e => (e.labels?.[0]?.innerText || e.ariaLabel || e.innerText || e.name || '').trim())"
                "(document.activeElement)"
            )
            if name in focused:
                return
        pytest.fail(f"{name} cannot be reached")

    await page.goto("/shop/")
    await expect(page.locator(".card").first).to_be_visible()
    await reach("Skip to the content")
    await page.keyboard.press("Enter")
    await page.goto("/shop/")
    await reach("Search the shop")
    await page.keyboard.type("dunlin mirror")
    await page.keyboard.press("Enter")
    await expect(page.locator(".card")).to_have_count(1)
    await reach("Dunlin Pocket Mirror")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Dunlin Pocket Mirror")).to_be_focused()
    await reach("Add to cart")
    await page.keyboard.press("Enter")
    await reach("Go to the cart")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_focused()
    await reach("Sign in to order")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_focused()
    await reach("E-mail")
    await page.keyboard.type(ADA)
    await reach("Password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_focused()
    await expect(page.get_by_role("button", name="Order for")).to_be_enabled()
    await reach("Order for")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Thank you!")).to_be_focused()
    assert await backroom.stock(product) == 3


Visit = Callable[[Page], Awaitable[object]]


async def see(page: Page, address: str, what: str, *, email: str | None = None) -> None:
    await page.goto(f"/shop{address}")
    if email:
        await sign_in(page, email)
    await expect(page.locator(what).first).to_be_visible()


async def see_cart(page: Page) -> None:
    await fill_cart(page, "prod_1")
    await see(page, "/cart", ".line")


VIEWS: dict[str, Visit] = {
    "catalogue": lambda page: see(page, "/", ".card"),
    "product": lambda page: see(page, "/product/prod_1", ".product"),
    "cart": see_cart,
    "sign-in": lambda page: see(page, "/sign-in", "form"),
    "register": lambda page: see(page, "/register", "form"),
    "orders": lambda page: see(page, "/orders", "main h1", email=ADA),
    "staff": lambda page: see(page, "/staff", ".chart", email=STAFF),
}
"""How to come to each page, and what is there when it is."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing_serious(tab: Tab, view: str, scheme: Any) -> None:
    await tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await VIEWS[view](tab.page)
    await found_by_axe(tab.page)
    if scheme == "dark":
        await tab.picture(f"storefront-{view}-dark")


async def test_axe_finds_nothing_serious_in_a_full_cart(tab: Tab, backroom: Backroom) -> None:
    product = await backroom.product("Curlew Tin Whistle", stock=2)
    await fill_cart(tab.page, product, 2)
    await backroom.ask(ADJUST, input={"productId": product, "delta": -1, "idempotencyKey": str(uuid4())})
    await see(tab.page, "/cart", ".line")
    await expect(tab.page.get_by_text("There are only 1.")).to_be_visible()
    await found_by_axe(tab.page)


async def found_by_axe(page: Page) -> None:
    await page.evaluate(await asyncio.to_thread(Path.read_text, AXE))
    result = await page.evaluate("axe.run()")
    serious = [
        (rule["id"], [node["html"][:120] for node in rule["nodes"]])
        for rule in result["violations"]
        if rule["impact"] in {"serious", "critical"}
    ]
    assert serious == []


@pytest.mark.parametrize(
    ("view", "operations"),
    [
        ("catalogue", ["Catalogue"]),
        ("product", ["Product"]),
        ("sign-in", []),
        ("orders", ["Login", "Orders"]),
        ("staff", ["Login", "Staff"]),
    ],
)
async def test_a_view_is_one_request(tab: Tab, view: str, operations: list[str]) -> None:
    await VIEWS[view](tab.page)
    await tab.page.wait_for_load_state("networkidle")
    assert [body["operationName"] for body in tab.asked()] == operations


@pytest.mark.parametrize("view", VIEWS)
async def test_it_fits_a_telephone(tab: Tab, view: str) -> None:
    await tab.page.set_viewport_size({"width": 390, "height": 800})
    await VIEWS[view](tab.page)
    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    await tab.picture(f"storefront-{view}-phone")


BUSY = {"errors": [{"message": "Too much to do.", "extensions": {"code": "UNAVAILABLE"}}]}
LIMITED = {"errors": [{"message": "Too much was asked for.", "extensions": {"code": "RATE_LIMITED", "retryAfter": 1}}]}


def refusing(name: str, status: int, body: dict[str, Any]) -> Callable[[Route], Awaitable[None]]:
    """Return a handler that refuses operations of this name, to be asked again after a second."""

    async def refuse(route: Route) -> None:
        if operation(route) == name:
            await route.fulfill(status=status, headers={"retry-after": "1"}, json=body)
        else:
            await route.continue_()

    return refuse


@pytest.mark.parametrize(("status", "body"), [(429, LIMITED), (503, BUSY)])
async def test_a_page_says_that_it_waits_for_a_busy_shop_and_comes_by_itself(
    tab: Tab, status: int, body: dict[str, Any]
) -> None:
    page = tab.page
    await page.route("**/graphql", refusing("Catalogue", status, body), times=2)
    await page.goto("/shop/")
    await expect(page.get_by_text("This page tries again in")).to_be_visible()
    await expect(page.locator(".card")).to_have_count(24)
    await expect(page.get_by_text("This page tries again in")).to_have_count(0)
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert [asked["operationName"] for asked in tab.asked()] == ["Catalogue"] * 3


async def test_a_page_does_not_ask_a_busy_shop_for_ever(tab: Tab) -> None:
    page = tab.page
    await page.route("**/graphql", refusing("Catalogue", 503, BUSY))
    await page.goto("/shop/")
    await expect(page.get_by_role("alert")).to_contain_text("cannot be reached", timeout=20_000)
    assert len(tab.asked()) == 4
    await page.unroute("**/graphql")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".card")).to_have_count(24)


@pytest.mark.parametrize(("status", "body"), [(429, LIMITED), (503, BUSY)])
async def test_an_order_that_a_busy_shop_refused_is_sent_again_with_its_key(
    tab: Tab, backroom: Backroom, status: int, body: dict[str, Any]
) -> None:
    product = await backroom.product("Nightjar Desk Fan", stock=5)
    page = tab.page
    await ready_to_order(page, product)
    await page.route("**/graphql", refusing("PlaceOrder", status, body), times=2)
    await order(page)
    await expect(page.get_by_text("This page tries again in")).to_be_visible()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert len(await backroom.orders(product)) == 1
    sent = [body["variables"]["input"] for body in tab.asked() if body["operationName"] == "PlaceOrder"]
    assert len(sent) == 3
    assert all(order == sent[0] for order in sent)


async def test_an_order_that_was_refused_again_and_again_leaves_the_cart_as_it_was(
    tab: Tab, backroom: Backroom
) -> None:
    product = await backroom.product("Dunlin Tea Tray", stock=5)
    page = tab.page
    await ready_to_order(page, product)
    await page.route("**/graphql", refusing("PlaceOrder", 429, LIMITED))
    await order(page)
    await expect(page.get_by_role("alert")).to_contain_text("Too much was asked for.", timeout=20_000)
    await page.unroute("**/graphql")
    await order(page)
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert len(await backroom.orders(product)) == 1
