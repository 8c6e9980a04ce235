"""The planted faults really happen, and what is beside them works."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.browser


async def _fill_basket(page: Page, shop_url: str, arrival: str = "/") -> None:
    await page.goto(shop_url + arrival)
    await page.get_by_role("link", name="Assam").click()
    await page.get_by_role("button", name="Add to basket").click()
    await page.get_by_role("link", name="Basket").click()


async def _fill_checkout(page: Page, shop_url: str, *, country: str, postcode: str) -> None:
    await _fill_basket(page, shop_url)
    await page.get_by_role("button", name="Go to checkout").click()
    await page.get_by_label("Full name").fill("Ada Marsh")
    await page.get_by_label("Email").fill("ada@mail.example")
    await page.get_by_label("Country").select_option(country)
    await page.get_by_label("Postcode").fill(postcode)


async def test_the_sample_button_does_nothing_at_all(page: Page, shop_url: str) -> None:
    await page.goto(shop_url + "/tea/sencha")
    sent: list[str] = []
    # The page's icon may still be on its way.
    page.on("request", lambda request: sent.append("" if request.url.endswith("leaf.svg") else request.url))
    before = await page.content()

    await page.get_by_role("button", name="Send me a sample").click()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert await page.content() == before
    assert [url for url in sent if url] == []


async def test_the_wallet_cannot_pay_and_the_card_can(page: Page, shop_url: str) -> None:
    await _fill_checkout(page, shop_url, country="DE", postcode="10115")
    await page.get_by_label("Pocket wallet").check()
    async with page.expect_response("**/api/pay") as answer:
        await page.get_by_role("button", name="Pay now").click()
    assert (await answer.value).status == 500
    await expect(page.get_by_text("We could not take your payment")).to_be_visible()

    await page.get_by_label("Card").check()
    await page.get_by_role("button", name="Pay now").click()
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


async def test_a_british_postcode_is_refused_and_a_german_one_is_not(page: Page, shop_url: str) -> None:
    orders: list[str] = []
    page.on("request", lambda request: orders.append(request.url) if "/api/pay" in request.url else None)
    await _fill_checkout(page, shop_url, country="GB", postcode="SW1A 2AA")
    await page.get_by_role("button", name="Pay now").click()
    await expect(page.get_by_text("Please enter a valid postcode.")).to_be_visible()
    assert orders == []

    await page.get_by_label("Country").select_option("DE")
    await page.get_by_label("Postcode").fill("20095")
    await page.get_by_role("button", name="Pay now").click()
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


async def test_the_printed_coupon_throws_at_the_door_of_the_checkout(page: Page, shop_url: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    await _fill_basket(page, shop_url, "/?coupon=SPRING")
    await page.get_by_role("button", name="Go to checkout").click()
    assert page.url == shop_url + "/basket"
    assert errors == ["Cannot read properties of undefined (reading 'percent')"]


async def test_a_coupon_the_shop_knows_lowers_the_price(page: Page, shop_url: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    await _fill_basket(page, shop_url, "/?coupon=FRIENDS")
    await page.get_by_role("button", name="Go to checkout").click()
    await expect(page.locator("#slip-total")).to_have_text("9.35 €")
    assert errors == []


@pytest.mark.parametrize("path", ["/", "/about", "/basket", "/tea/gyokuro"])
async def test_pages_fit_a_phone_and_log_no_error(page: Page, shop_url: str, path: str) -> None:
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(shop_url + path)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert logged == []


def test_every_page_carries_the_snippet_it_was_given(shop_url: str) -> None:
    for path in ("/", "/about", "/basket", "/checkout", "/thanks", "/tea/assam"):
        with urlopen(shop_url + path, timeout=10) as answer:
            text = answer.read().decode()
        assert "<!-- no snippet -->" in text.partition("</head>")[0]
        assert "{{" not in text


@pytest.mark.parametrize("path", ["/nowhere", "/shop/../shop.py", "/shop/%2e%2e/faults.py", "/shop/home"])
def test_only_the_shops_own_files_are_served(shop_url: str, path: str) -> None:
    with pytest.raises(HTTPError) as refused, urlopen(shop_url + path, timeout=10):
        pass
    assert refused.value.code == 404
    refused.value.close()


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b"x" * 20_000])
def test_orders_that_are_none_are_refused(shop_url: str, body: bytes) -> None:
    order = Request(shop_url + "/api/pay", data=body, method="POST")
    with pytest.raises(HTTPError) as refused, urlopen(order, timeout=10):
        pass
    assert refused.value.code == 400
    refused.value.close()
