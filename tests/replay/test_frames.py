"""Frames of the recorded page: their documents come late, twice, and beside the frame's own text."""

import pytest

from retrospec.domain.settings import ReplaySettings
from retrospec.replay.browser import Renderer
from retrospec.replay.chromium import Chromium
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, read_timeline
from tests.replay.recordings import Tape, el, text

pytestmark = pytest.mark.browser
OWN_TEXT = "<p>What the frame began with</p>"


def attached(tape: Tape, t_ms: int, *children: dict[str, object]) -> None:
    document = {"type": 0, "id": 50, "childNodes": list(children)}
    adds = [{"parentId": 40, "nextId": None, "node": document}]
    tape.add(t_ms, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": adds, "isAttachIframe": True})


async def test_what_a_frame_showed_is_seen(replay_settings: ReplaySettings) -> None:
    tape = Tape(el("iframe", {"srcdoc": OWN_TEXT, "style": "width:400px;height:200px"}, id=40))
    attached(tape, 100)
    page = el("html", {}, el("head", {}, id=52), el("body", {}, el("p", {}, text("Your card was declined", 55), id=54), id=53), id=51)
    attached(tape, 110, page)
    line = read_timeline(tape.move(3_000, 10, 10).recording())

    async def lines(chromium: Chromium) -> list[str]:
        async with Stage(chromium, line, Size(800, 600), 1.0, hover=False) as stage:
            await stage.seek(105)
            await stage.seek(2_000)
            return [one.text for one in (await stage.facts()).lines]

    async with Renderer(replay_settings) as renderer:
        assert await renderer.with_browser(lines) == ["Your card was declined"]
