"""The demo's browser where Chromium can build no sandbox, as in most containers."""

from pathlib import Path

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from retrospec.demo.drive import launch
from retrospec.domain.settings import ReplaySettings
from retrospec.replay import chromium
from retrospec.replay.found import find_browser, why_no_browser

REFUSES = """#!/bin/sh
case " $* " in *" --no-sandbox "*) exec "{path}" "$@" ;; esac
echo "{complaint}" >&2
exit 1
"""


def browser_that_refuses(folder: Path, complaint: str) -> str:
    found = find_browser(ReplaySettings())
    if found is None:
        pytest.skip(why_no_browser(ReplaySettings()))
    program = folder / "chromium"
    program.write_text(REFUSES.format(path=found.path, complaint=complaint))
    program.chmod(0o755)
    return str(program)


@pytest.mark.browser
async def test_without_a_sandbox_the_visitors_come_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "no_sandbox_reason", lambda: "")  # as for an ordinary user
    async with async_playwright() as playwright:
        browser = await launch(playwright, browser_that_refuses(tmp_path, "No usable sandbox!"))
        assert browser.is_connected()
        await browser.close()


@pytest.mark.browser
async def test_a_browser_that_fails_for_another_reason_is_not_tried_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "no_sandbox_reason", lambda: "")
    async with async_playwright() as playwright:
        path = browser_that_refuses(tmp_path, "cannot open shared object file")
        with pytest.raises(PlaywrightError, match="shared object"):
            await launch(playwright, path)
