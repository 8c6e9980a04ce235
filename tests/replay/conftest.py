"""A browser for those tests that need one."""

from collections.abc import AsyncIterator

import pytest

from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.browser import Renderer, find_browser


@pytest.fixture
def replay_settings() -> ReplaySettings:
    settings = ReplaySettings()
    if find_browser(settings) is None:
        pytest.skip("no Chromium on this machine")
    if not (built_dir() / "replay.js").is_file():
        pytest.skip("the replayer is not built: python hatch_build.py")
    return settings


@pytest.fixture
async def renderer(replay_settings: ReplaySettings) -> AsyncIterator[Renderer]:
    async with Renderer(replay_settings) as renderer:
        yield renderer
