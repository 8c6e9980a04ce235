"""Drives visits through a headless Chromium, a few at a time, each in a browser profile of its own."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from playwright.async_api import Browser, BrowserContext, Page, Playwright, ViewportSize, async_playwright
from playwright.async_api import Error as PlaywrightError

from retrospec.demo.hand import Hand
from retrospec.demo.visitors import Visitor
from retrospec.replay.chromium import in_its_sandbox

AT_ONCE = 6
VISIT_DEADLINE_S = 60.0
GOODBYE_MS = 600
"""For the last beacon of a page that is left."""
_PHONE = ViewportSize(width=390, height=844)
_PHONE_AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Mobile Safari/537.36"
_SESSION_ID = "() => window.retrospec?.sessionId ?? ''"


class Visit(msgspec.Struct):
    """A visit that was made; ``session_id`` is empty when the page had no SDK."""

    visitor: Visitor
    session_id: str


async def drive(
    browser_path: str, shop_url: str, visitors: Sequence[Visitor], on_visit: Callable[[], None]
) -> list[Visit]:
    """Make every visit. Raises RuntimeError naming the visitor whose script could not go on."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, browser_path)
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(number: int, visitor: Visitor) -> Visit:
            async with turns:
                visit = Visit(visitor, await _visit(browser, shop_url, visitor, number))
            on_visit()
            return visit

        try:
            return await asyncio.gather(
                *(in_turn(number, visitor) for number, visitor in enumerate(visitors))
            )
        finally:
            await browser.close()


async def launch(playwright: Playwright, browser_path: str) -> Browser:
    """A headless Chromium, in its sandbox where it can have one: root cannot, nor can most containers."""
    browser, _ = await in_its_sandbox(
        lambda sandbox: playwright.chromium.launch(executable_path=browser_path, chromium_sandbox=sandbox)
    )
    return browser


async def _visit(browser: Browser, shop_url: str, visitor: Visitor, number: int) -> str:
    context = await _profile(browser, visitor)
    try:
        page = await context.new_page()
        async with asyncio.timeout(VISIT_DEADLINE_S):
            await visitor.script(Hand(page, shop_url, seed=number))
            return await _leave(page)
    except (PlaywrightError, TimeoutError) as error:
        first_line = str(error).partition("\n")[0]
        raise RuntimeError(
            f"the visit “{visitor.name}” could not go on: {first_line or 'it took too long'}"
        ) from error
    finally:
        await context.close()


async def _profile(browser: Browser, visitor: Visitor) -> BrowserContext:
    if not visitor.on_phone:
        size = ViewportSize(width=visitor.width, height=visitor.height)
        return await browser.new_context(viewport=size, locale=visitor.locale)
    agent = _PHONE_AGENT.format(version=browser.version)
    return await browser.new_context(
        viewport=_PHONE, locale=visitor.locale, user_agent=agent, is_mobile=True, has_touch=True
    )


async def _leave(page: Page) -> str:
    """Go away as a person does, so that the page can say goodbye; the SDK's session id."""
    session_id = str(await page.evaluate(_SESSION_ID))
    await page.goto("about:blank")
    await page.wait_for_timeout(GOODBYE_MS)
    return session_id
