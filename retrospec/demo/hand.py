"""How a visitor's hand moves: to the target, a click, keys at a person's pace."""

import asyncio
import random

from playwright.async_api import Locator, Page


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
