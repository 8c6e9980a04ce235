"""Films: true time, whole files, and the same faults told as truthfully."""

from pathlib import Path

import av
import numpy as np
import pytest

from retrospec.domain.marker import Signal
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.window import Window
from retrospec.replay import pen
from retrospec.replay.browser import Renderer
from retrospec.replay.film import cues, stretches
from retrospec.replay.reel import reel_at
from retrospec.replay.timeline import Size, read_timeline
from tests.replay.recordings import Tape, button, el, finding, text

pytestmark = pytest.mark.browser
FULL = Path("/dev/full")
BLUE = el("div", {"style": "position:absolute;left:0;top:200px;width:800px;height:300px;background:#00f"}, id=40)
SPOT = (slice(300, 320), slice(400, 420))
"""Inside the blue box, in a film of 800 × 628."""


def session() -> Tape:
    return Tape(button("Pay", id=20)).move(500, 50, 50).click(3_000, 20, 150, 120).append(4_100, 6, BLUE).move(12_000, 60, 60)


def small() -> ReplaySettings:
    return ReplaySettings(width=800, height=600 + pen.CAPTION_PX)


def frames_of(path: Path) -> list[tuple[int, np.ndarray]]:
    with av.open(str(path)) as video:
        return [(round(float(frame.time or 0) * 1_000), frame.to_ndarray(format="rgb24")) for frame in video.decode(video=0)]


@pytest.fixture
async def film_path(replay_settings: ReplaySettings, tmp_path: Path) -> Path:
    return tmp_path / "film.webm"


async def test_a_film_shows_each_moment_at_its_own_time(film_path: Path) -> None:
    done: list[float] = []
    async with Renderer(small()) as renderer:
        made = await renderer.film(session().recording(), None, film_path, findings=[finding(3_000)], progress=done.append)
    frames = frames_of(film_path)
    turned = next(t_ms for t_ms, pixels in frames if pixels[SPOT][..., 2].mean() > 150 > pixels[SPOT][..., 0].mean())
    assert (made.status, made.duration_ms, made.cut) == ("ready", 12_000, "")
    assert 4_100 <= turned <= 4_300
    assert len(frames) < 40, "frames that do not change are not drawn"
    assert frames[-1][0] == 12_000
    assert done == sorted(done) and done[-1] == 1.0


async def test_pointer_click_and_caption_are_drawn(film_path: Path) -> None:
    async with Renderer(small()) as renderer:
        await renderer.film(session().recording(), None, film_path, findings=[finding(3_000, Signal.DEAD_CLICK)])
    frames = dict(frames_of(film_path))
    quiet, clicked = frames[2_000], frames[3_000]
    pointer, ring, label = (slice(48, 75), slice(48, 70)), (slice(100, 140), slice(130, 170)), (slice(604, 626), slice(600, 790))
    assert quiet[pointer].min() < 90, "the arrow stands where the pointer was last seen"
    assert np.abs(clicked[ring].astype(int) - quiet[ring].astype(int)).max() > 60
    assert clicked[label].max() > 180 > 60 > quiet[label].max(), "the marker's label stands in the caption from its moment on"


async def test_a_clip_starts_at_its_window(film_path: Path) -> None:
    async with Renderer(small()) as renderer:
        made = await renderer.film(session().recording(), [Window(3_500, 6_000)], film_path)
    times = [t_ms for t_ms, _ in frames_of(film_path)]
    assert (made.start_ms, made.end_ms, times[0], times[-1]) == (3_500, 6_000, 0, 2_500)


async def test_the_same_recording_gives_the_same_film(replay_settings: ReplaySettings, tmp_path: Path) -> None:
    paths = [tmp_path / "a.webm", tmp_path / "b.webm"]
    for path in paths:
        async with Renderer(small()) as renderer:
            assert (await renderer.film(session().recording(), None, path)).status == "ready"
    one, other = (frames_of(path) for path in paths)
    assert [t_ms for t_ms, _ in one] == [t_ms for t_ms, _ in other]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, other, strict=True))


async def test_a_spinner_turns_in_the_film(film_path: Path) -> None:
    style = "@keyframes turn{to{transform:rotate(1turn)}}div{width:90px;height:90px;border:9px dashed;animation:turn 3s infinite linear}"
    tape = Tape(el("div", {}, id=20), style=style).move(4_000, 700, 500)
    async with Renderer(small()) as renderer:
        made = await renderer.film(tape.recording(), None, film_path)
    assert made.frames >= 9


async def test_long_sessions_are_cut_and_say_so(film_path: Path) -> None:
    settings = ReplaySettings(width=400, height=300, max_seconds=2)
    async with Renderer(settings) as renderer:
        made = await renderer.film(session().move(7_200_000, 1, 1).recording(), None, film_path)
    assert (made.status, made.duration_ms, made.cut) == ("ready", 2_000, "videos are at most 2 s long (replay.max_seconds)")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
async def test_a_full_disk_fails_and_leaves_nothing(replay_settings: ReplaySettings) -> None:
    async with Renderer(small()) as renderer:
        made = await renderer.film(session().recording(), None, FULL / "film.webm")
        assert (made.status, made.reason.startswith("the video could not be written")) == ("failed", True)
        assert (await renderer.film(Tape().recording(), [Window(90_000, 99_000)], FULL)).status == "skipped"


def test_an_unfinished_film_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), reel_at(tmp_path / "film.webm", Size(64, 64)) as reel:
        reel.add(0, pen.blank_frame(64, 64))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_windows_outside_the_recording_are_left_out() -> None:
    line = read_timeline(session().recording())
    assert stretches(line, [Window(11_000, 19_000), Window(30_000, 40_000)], 60_000) == ([Window(11_000, 12_000)], "")


def test_a_still_page_is_drawn_once() -> None:
    line = read_timeline(Tape(el("p", {}, text("still", 21), id=20)).move(10_000, 1, 1).recording())
    assert [cue.t_ms for cue in cues(line, Window(0, 10_000)) if cue.page] == [0, 10_000]
