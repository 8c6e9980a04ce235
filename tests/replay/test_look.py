"""Looking at real recordings in a real browser, and what happens when that goes wrong."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from retrospec.domain.footage import Footage
from retrospec.domain.marker import Signal
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.window import windows_around
from retrospec.replay.browser import Renderer
from retrospec.replay.timeline import Size
from tests.replay.recordings import Tape, button, el, finding, text

pytestmark = pytest.mark.browser

ALERT = el("div", {"role": "alert", "style": "color:#b00020;position:absolute;top:200px;left:100px"}, text("Payment failed.", 41), id=40)


def failing_payment() -> Tape:
    return Tape(button("Pay", id=20)).click(3_000, 20, 150, 120).append(3_600, 6, ALERT).move(9_000, 300, 300)


async def look(renderer: Renderer, tape: Tape, t_ms: int = 3_000) -> Footage:
    return await renderer.look(tape.recording(), [finding(t_ms)], windows_around([t_ms]))


def browser_family() -> set[int]:
    """What runs below this process since the test began: other tests of the run may share a browser of theirs."""
    return {child.pid for child in psutil.Process().children(recursive=True)} - _THERE_BEFORE


_THERE_BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def _what_was_there_before() -> None:
    _THERE_BEFORE.clear()
    _THERE_BEFORE.update(child.pid for child in psutil.Process().children(recursive=True))


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def until(holds: Callable[[], bool]) -> None:
    """What the operating system does sets no event of ours."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_pictures_before_at_and_after(renderer: Renderer) -> None:
    footage = await look(renderer, failing_payment())
    seen = footage.looks[0]
    assert footage.status == "ready"
    assert [footage.shots[index].t_ms for index in seen.before] == [1_420, 2_320, 2_919]
    assert 3_600 in [footage.shots[index].t_ms for index in seen.after]
    assert (seen.point.text, seen.point.control) == ("Pay", True)
    last = footage.shots[-1].facts.lines[-1]
    assert (last.text, last.live, last.red, last.covered) == ("Payment failed.", True, True, False)


async def test_the_same_recording_gives_the_same_pictures(replay_settings: ReplaySettings) -> None:
    tape = failing_payment()
    turning = "@keyframes turn{to{transform:rotate(1turn)}}.s{width:50px;height:50px;border:4px dotted;animation:turn 1s infinite}"
    tape.load(4_000, el("div", {"class": "s"}, id=60), style=turning + "*{transition:all 3s}").move(8_000, 1, 1)
    pictures = []
    for _ in range(2):
        async with Renderer(replay_settings) as renderer:
            pictures.append([shot.image for shot in (await look(renderer, tape, 4_200)).shots])
    assert pictures[0] == pictures[1]


async def test_scripts_of_the_recording_never_run(renderer: Renderer) -> None:
    wreck = "document.body.textContent = 'ran'; parent.document.title = 'ran'"
    tape = Tape(
        button("Pay", id=20),
        el("script", {}, text(wreck, 51), id=50),
        el("img", {"src": "data:,x", "onerror": wreck}, id=52),
        el("svg", {"onload": wreck}, id=53),
        el("a", {"href": f"javascript:{wreck}", "autofocus": "", "onfocus": wreck}, id=54),
    )
    footage = await look(renderer, tape.click(3_000, 54, 10, 10).move(5_000, 1, 1))
    assert "ran" not in [line.text for shot in footage.shots for line in shot.facts.lines]


async def test_covered_offscreen_and_invisible_errors_are_told_apart(renderer: Renderer) -> None:
    base = "position:absolute;left:100px;width:200px;height:20px;color:#b00020;"
    notes = {41: "top:200px", 43: "top:5000px", 45: "top:300px;opacity:0", 47: "top:340px"}
    tape = Tape(button("Pay", id=20)).click(3_000, 20, 150, 120)
    for name, style in notes.items():
        tape.append(3_200, 6, el("div", {"role": "alert", "style": base + style}, text(f"Failed {name}", name), id=name - 1))
    cover = el("div", {"style": "position:absolute;left:50px;top:330px;width:400px;height:60px;background:#fff"}, id=60)
    footage = await look(renderer, tape.append(3_210, 6, cover).move(9_000, 1, 1))
    lines = {line.text: line.covered for line in footage.shots[-1].facts.lines}
    assert lines == {"Pay": False, "Failed 41": False, "Failed 47": True}


async def test_a_4k_viewport_is_drawn_within_the_picture(renderer: Renderer) -> None:
    tape = Tape(button("Pay", id=20), width=3840, height=2160).click(3_000, 20, 150, 120).move(4_000, 1, 1)
    footage = await renderer.look(tape.recording(), [finding(3_000)], windows_around([3_000]), Size(1280, 720))
    assert (footage.shots[0].width, footage.shots[0].scale) == (3840, pytest.approx(1 / 3))


async def test_twenty_thousand_nodes(renderer: Renderer) -> None:
    rows = [el("p", {}, text(f"row {i}", 20_000 + i), id=1_000 + i) for i in range(10_000)]
    footage = await look(renderer, Tape(button("Pay", id=20), *rows).click(3_000, 20, 150, 120).append(3_600, 6, ALERT).move(4_000, 1, 1))
    assert footage.status == "ready"
    assert footage.shots[-1].facts.node_count > 10_000


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (Recording([]), "no events"),
        (Recording([b"[]"]), "no events"),
        (Recording([b'[{"type":4,"timestamp":1,"data":{}},{"type":"?"}]']), "no full snapshot"),
    ],
)
async def test_nothing_to_replay_is_said(recording: Recording, reason: str) -> None:
    async with Renderer(ReplaySettings()) as renderer:
        footage = await renderer.look(recording, [finding(0)], [])
        assert (footage.status, renderer.is_warm) == ("skipped", False)
    assert reason in footage.reason


async def test_a_missing_browser_is_said(tmp_path: Path) -> None:
    async with Renderer(ReplaySettings(browser=str(tmp_path / "none"))) as renderer:
        footage = await look(renderer, failing_payment())
    assert (footage.status, "replay.browser is" in footage.reason) == ("skipped", True)


async def test_a_program_that_is_no_browser_is_said(tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    async with Renderer(ReplaySettings(browser=str(program))) as renderer:
        footage = await look(renderer, failing_payment())
    assert (footage.status, "did not start" in footage.reason) == ("skipped", True)
    assert browser_family() == set()


async def test_a_crash_fails_one_session_and_spares_the_next(renderer: Renderer) -> None:
    await renderer.start()
    chromium = renderer._chromium
    assert chromium is not None and chromium._driver is not None
    frozen = [process for process in chromium._family() if process.pid != chromium._driver.pid]
    for process in frozen:
        process.suspend()  # the job below cannot finish before it is killed
    job = asyncio.create_task(look(renderer, failing_payment()))
    await until(lambda: renderer._running > 0)
    os.killpg(frozen[0].pid, signal.SIGKILL)
    crashed = await job
    assert (crashed.status, crashed.reason) == ("failed", "the browser crashed")
    assert (await look(renderer, failing_payment())).status == "ready"


async def test_a_hang_ends_in_time_and_leaves_nothing(
    replay_settings: ReplaySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings = ReplaySettings(browser=replay_settings.browser, timeout_seconds=1)
    async with Renderer(settings) as renderer:
        await renderer.start()
        assert left_in(tmp_path), "the browser keeps its profile here while it runs"
        chromium = renderer._chromium
        assert chromium is not None and chromium._driver is not None
        for process in chromium._family():
            if process.pid != chromium._driver.pid:
                process.suspend()
        footage = await look(renderer, failing_payment())
        assert (footage.status, footage.reason) == ("failed", "the replay did not finish within 1 s")
        assert browser_family() == set()
    assert left_in(tmp_path) == []


async def test_too_much_memory_is_given_up(replay_settings: ReplaySettings) -> None:
    async with Renderer(replay_settings, ceiling_bytes=1_000_000) as renderer:
        footage = await look(renderer, failing_payment())
    assert (footage.status, footage.reason) == ("failed", "the replay needed more than 0 MB")


async def test_an_idle_browser_goes(replay_settings: ReplaySettings) -> None:
    async with Renderer(replay_settings, idle_s=0.01) as renderer:
        assert (await look(renderer, failing_payment())).status == "ready"
        await until(lambda: not browser_family())
        assert (await look(renderer, failing_payment())).status == "ready"


async def test_only_the_surest_of_many_suspicions_are_looked_at(renderer: Renderer) -> None:
    tape = failing_payment()
    many = [finding(3_000, Signal.EXCEPTION, name=f"f{i}") for i in range(14)]
    footage = await renderer.look(tape.recording(), many, windows_around([3_000]))
    assert sum(bool(seen.reason) for seen in footage.looks) == 2
    assert [seen.finding_id for seen in footage.looks] == [suspicion.id for suspicion in many]
