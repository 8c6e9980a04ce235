"""The Chromium that the tests drive as a visitor or an administrator would."""

import os
import shutil

from retrospec.domain.settings import ReplaySettings
from retrospec.replay.found import find_browser, why_no_browser

WHOLE = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""People's browser is the whole one; where there is none its headless shell stands in."""


def chromium_path() -> str:
    """A program, or an empty string where there is none."""
    named = os.environ.get("RETROSPEC_REPLAY_BROWSER", "")
    whole = None if named else next(filter(None, map(shutil.which, WHOLE)), None)
    found = find_browser(ReplaySettings(browser=named))
    return whole or (found.path if found else "")


def no_chromium() -> str:
    """Why there is none, for a skip."""
    return why_no_browser(ReplaySettings(browser=os.environ.get("RETROSPEC_REPLAY_BROWSER", "")))
