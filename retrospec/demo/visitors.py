"""The visitors: what each does in the shop, at a person's pace, through a real Chromium.

A visit is a script over a ``Hand``, which moves the mouse, clicks and types. The scripts that meet a
fault do with it what people do: try again, look around, give up. The healthy ones do the same things
where nothing is broken, stepper and retyping included, and must leave no issue behind.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec
from playwright.async_api import Locator, Page


class Visitor(msgspec.Struct, frozen=True):
    """One person: ``fault`` names the planted fault this person meets; empty for the healthy."""

    name: str
    fault: str
    script: Callable[["Hand"], Awaitable[None]]
    width: int = 1280
    height: int = 800
    locale: str = "en-GB"
    on_phone: bool = False


class Hand:
    """A person at one page of the shop; ``seed`` makes the same small irregularities each time."""

    def __init__(self, page: Page, shop_url: str, seed: int) -> None:
        self.page = page
        self._shop_url = shop_url
        self._rng = random.Random(seed)

    async def arrive(self, path: str) -> None:
        """Come to the shop by an address."""
        await self.page.goto(self._shop_url + path)
        await self.pause(400)

    async def pause(self, about_ms: int) -> None:
        """Look, think."""
        await asyncio.sleep(about_ms * self._rng.uniform(0.8, 1.2) / 1_000)

    async def click(self, target: Locator, then_ms: int = 350) -> None:
        """Move to ``target`` and click on it."""
        await target.scroll_into_view_if_needed()
        box = await target.bounding_box()
        if box:
            x = box["x"] + box["width"] * self._rng.uniform(0.35, 0.65)
            y = box["y"] + box["height"] * self._rng.uniform(0.35, 0.65)
            await self.page.mouse.move(x, y, steps=self._rng.randint(6, 12))
        await target.click(delay=self._rng.uniform(30, 70))
        await self.pause(then_ms)

    async def press(self, name: str, then_ms: int = 350) -> None:
        """Click the button called ``name``."""
        await self.click(self.page.get_by_role("button", name=name, exact=True), then_ms)

    async def follow(self, name: str) -> None:
        """Click the link called ``name`` and see the page it leads to."""
        link = self.page.get_by_role("link", name=name).first
        await self.click(link, 0)
        await self.page.wait_for_load_state()
        await self.pause(450)

    async def write(self, field: str, text: str) -> None:
        """Click into the field labelled ``field``, empty it, type."""
        box = self.page.get_by_label(field)
        await self.click(box, 80)
        await box.press("ControlOrMeta+a")
        await box.press_sequentially(text, delay=self._rng.uniform(20, 40))
        await self.pause(120)

    async def read_down(self) -> None:
        """Scroll a little and read."""
        await self.page.mouse.wheel(0, self._rng.randint(250, 450))
        await self.pause(500)

    async def reach(self, path: str) -> None:
        """Wait until the address ends in ``path``; raises playwright's TimeoutError when it never does."""
        await self.page.wait_for_url(f"**{path}", timeout=10_000)
        await self.pause(500)


async def _put_in_basket(hand: Hand, tea: str, path: str = "/") -> None:
    await hand.arrive(path)
    await hand.read_down()
    await hand.follow(tea)
    await hand.press("Add to basket")


async def _go_to_checkout(hand: Hand) -> None:
    await hand.follow("Basket")
    await hand.press("Go to checkout", 0)
    await hand.reach("/checkout")


async def _fill_in(hand: Hand, name: str, country: str, postcode: str) -> None:
    await hand.write("Full name", name)
    await hand.write("Email", f"{name.split()[0].lower()}@mail.example")
    await hand.page.get_by_label("Country").select_option(country)
    await hand.pause(200)
    await hand.write("Postcode", postcode)


async def meet_dead_button(hand: Hand, tea: str) -> None:
    """Ask for a sample: click, wait, then hammer on it and leave."""
    await hand.arrive("/")
    await hand.follow(tea)
    await hand.read_down()
    await hand.press("Send me a sample", 1_500)
    for _ in range(4):
        await hand.press("Send me a sample", 90)
    await hand.pause(2_500)
    await hand.follow("How we pick")
    await hand.pause(500)


async def meet_pay_500(hand: Hand, tea: str, postcode: str) -> None:
    """Pay by wallet, read the apology, try once more, give up."""
    await _put_in_basket(hand, tea)
    await _go_to_checkout(hand)
    await _fill_in(hand, "Robin Vale", "DE", postcode)
    await hand.page.get_by_label("Pocket wallet").check()
    await hand.press("Pay now", 1_800)
    await hand.press("Pay now", 1_800)


async def meet_refused_postcode(hand: Hand, tea: str, postcode: str) -> None:
    """Type a British postcode, be refused, type it again without the space, be refused again."""
    await _put_in_basket(hand, tea)
    await _go_to_checkout(hand)
    await _fill_in(hand, "Ada Marsh", "GB", postcode)
    await hand.press("Pay now", 1_600)
    await hand.write("Postcode", postcode.replace(" ", ""))
    await hand.press("Pay now", 1_800)


async def meet_coupon_crash(hand: Hand, tea: str) -> None:
    """Come from a leaflet with a coupon, and never get past the basket."""
    await _put_in_basket(hand, tea, "/?coupon=SPRING")
    await hand.follow("Basket")
    await hand.press("Go to checkout", 1_800)
    await hand.press("Go to checkout", 1_800)


async def buy_by_card(hand: Hand, tea: str, name: str, country: str, postcode: str) -> None:
    """Everything works: quick clicks on the stepper, a corrected typo, paid."""
    await hand.arrive("/")
    await hand.press("Green")
    await hand.press("All")
    await hand.follow(tea)
    for _ in range(4):
        await hand.press("One tin more", 60)
    await hand.press("One tin fewer")
    await hand.press("Add to basket")
    await _go_to_checkout(hand)
    await _fill_in(hand, name, country, "7501")
    await hand.write("Postcode", postcode)
    await hand.press("Pay now", 0)
    await hand.reach("/thanks")


async def buy_with_known_coupon(hand: Hand, tea: str) -> None:
    """A coupon that the shop knows takes the same path without a crash."""
    await _put_in_basket(hand, tea, "/?coupon=FRIENDS")
    await _go_to_checkout(hand)
    await _fill_in(hand, "Noor Falk", "DE", "20095")
    await hand.press("Pay now", 0)
    await hand.reach("/thanks")


async def look_around(hand: Hand) -> None:
    """Read, open the questions, change one's mind about a tin."""
    await hand.arrive("/about")
    for question in ("Who grows it?", "How fresh is it?"):
        await hand.click(hand.page.get_by_text(question))
    await hand.follow("See the six")
    await hand.follow("Chamomile")
    await hand.press("Add to basket")
    await hand.follow("Basket")
    await hand.press("Remove Chamomile", 700)
