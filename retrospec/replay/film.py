"""Filming: a stretch of a session as a video, drawn only where it changes."""

import asyncio
import heapq
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from retrospec.domain.finding import Finding
from retrospec.domain.footage import Film
from retrospec.domain.window import Window
from retrospec.replay import pen
from retrospec.replay.chromium import Chromium
from retrospec.replay.look import fit
from retrospec.replay.planes import PhotoReader, Pixels, planes
from retrospec.replay.reel import Reel, reel_at
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, Timeline

TICK_MS = 200
"""What happens within one tick is drawn together: five frames a second at most."""
MOVING_TICK_MS = 400
"""Between pictures of a page that moves by itself, such as a spinner."""
HOVER_TICK_MS = 1_000
"""What a stylesheet alone changes under the pointer is caught up with so often."""
MOST_WAITING = 12
"""Frames the browser may be ahead of the encoder: pictures of 50 KB each."""
LABEL_MS = 4_000
"""A marker's label stays in the caption so long."""

Progress = Callable[[float], None]


class Cue(msgspec.Struct, frozen=True, order=True):
    """An instant to draw; ``page`` where the page itself may look different."""

    t_ms: int
    page: bool


def stretches(line: Timeline, windows: Sequence[Window] | None, most_ms: int) -> tuple[list[Window], str]:
    """What to film, within the recording and ``most_ms`` in all; and why it was cut, if it was."""
    wanted = [Window(0, line.end_ms)] if windows is None else [Window(w.start_ms, min(w.end_ms, line.end_ms)) for w in windows]
    kept: list[Window] = []
    room_ms = most_ms
    for window in wanted:
        if window.end_ms < window.start_ms:
            continue
        if room_ms <= 0 or window.end_ms - window.start_ms > room_ms:
            if room_ms > 0:
                kept.append(Window(window.start_ms, window.start_ms + room_ms))
            return kept, f"videos are at most {most_ms // 1_000} s long (replay.max_seconds)"
        kept.append(window)
        room_ms -= window.end_ms - window.start_ms
    return kept, ""


def cues(line: Timeline, window: Window) -> list[Cue]:
    """The instants of ``window`` at which the video changes, in order: the last of each tick."""
    start_ms, end_ms = window.start_ms, window.end_ms
    moves = [t_ms for t_ms, _, _ in line.pointer if start_ms < t_ms <= end_ms]
    pages = [start_ms, *line.changes_between(start_ms, end_ms), *_last_of_ticks(moves, HOVER_TICK_MS)]
    clicks = [touch.t_ms for touch in line.touches if touch.kind == "click"]
    rings = [t_ms + step for t_ms in clicks for step in range(0, pen.RING_MS + 1, TICK_MS)]
    seconds = range(start_ms - start_ms % 1_000 + 1_000, end_ms, 1_000)
    overlays = [t_ms for t_ms in (*moves, *rings, *seconds, end_ms) if start_ms <= t_ms <= end_ms]
    drawn = {t_ms // TICK_MS for t_ms in pages}
    return [Cue(t_ms, page=t_ms // TICK_MS in drawn) for t_ms in _last_of_ticks([*pages, *overlays], TICK_MS)]


def _last_of_ticks(times: Iterable[int], tick_ms: int) -> list[int]:
    return list({t_ms // tick_ms: t_ms for t_ms in sorted(times)}.values())


class Camera:
    """Draws the frames of one film: the page as last photographed, with pointer, clicks and caption over it."""

    def __init__(self, line: Timeline, frame: Size, findings: Sequence[Finding]) -> None:
        self._line = line
        self._frame = frame
        self._findings = findings
        self._clicks = [touch for touch in line.touches if touch.kind == "click"]
        self._blank = pen.blank_frame(frame.width, frame.height)
        self._page = self._blank.copy()
        self._reader = PhotoReader()
        self._photo = b""
        self._scale = 1.0
        self._left = 0

    @property
    def room(self) -> Size:
        """Where the page goes: the frame without its caption."""
        return Size(self._frame.width, self._frame.height - pen.CAPTION_PX)

    def show(self, photo: bytes, scale: float) -> None:
        """A new picture of the page."""
        if photo == self._photo:
            return
        picture = self._reader.read(photo)
        across, down = min(picture[0].shape[1], self.room.width), min(picture[0].shape[0], self.room.height)
        self._left = (self.room.width - across) // 4 * 2
        self._page[:] = self._blank
        for plane, seen, share in zip(planes(self._page), picture, (1, 2, 2), strict=True):
            left, part = self._left // share, seen[: down // share, : across // share]
            plane[: part.shape[0], left : left + part.shape[1]] = part
        self._photo, self._scale = photo, scale

    def frame_at(self, t_ms: int) -> Pixels:
        """The whole frame as seen at ``t_ms``."""
        frame = self._page.copy()
        for touch in self._clicks:
            if 0 <= t_ms - touch.t_ms < pen.RING_MS:
                pen.draw_ring(frame, *self._place(touch.x, touch.y), t_ms - touch.t_ms)
        index = bisect_right(self._line.pointer, t_ms, key=lambda spot: spot[0]) - 1
        if index >= 0:
            pen.draw_pointer(frame, *self._place(*self._line.pointer[index][1:]))
        pen.draw_caption(frame, pen.clock_text(t_ms), self._line.address_at(t_ms), self._marker(t_ms))
        return frame

    def _place(self, x: int, y: int) -> tuple[int, int]:
        return round(x * self._scale) + self._left, round(y * self._scale)

    def _marker(self, t_ms: int) -> str:
        near = [finding for finding in self._findings if 0 <= t_ms - finding.t_ms < LABEL_MS]
        return (near[-1].label or near[-1].signal.value.replace("_", " ")) if near else ""


class Desk:
    """Draws and encodes in a thread of its own, in order, while the browser is at later instants."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="film")
        self._pending: deque[asyncio.Future[None]] = deque()

    async def put(self, work: Callable[[], None]) -> None:
        """Do ``work`` after all before it; waits while ``MOST_WAITING`` are still to be done, and raises what they raised."""
        while len(self._pending) >= MOST_WAITING:
            await self._pending.popleft()
        self._pending.append(asyncio.get_running_loop().run_in_executor(self._thread, work))

    async def finish(self) -> None:
        """Wait for all of it."""
        while self._pending:
            await self._pending.popleft()

    async def close(self) -> None:
        """Drop what was not begun; after this the thread touches nothing."""
        for waiting in self._pending:
            waiting.cancel()
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)


class Shoot(msgspec.Struct):
    """The parts of a film being made, and how far it is."""

    camera: Camera
    reel: Reel
    desk: Desk
    windows: list[Window]
    deadline_s: float
    progress: Progress
    last: Pixels | None = None
    late: bool = False
    begun: bool = False
    moved: bool = False
    """The last picture showed something moving."""

    def draw(self, cue: Cue, photo: bytes, scale: float, video_ms: int) -> None:
        """Draw and encode one frame; runs in a thread. Frames equal to the last are not written."""
        if photo:
            self.camera.show(photo, scale)
        frame = self.camera.frame_at(cue.t_ms)
        if self.last is None or not np.array_equal(frame, self.last):
            self.reel.add(video_ms, frame)
            self.last = frame


async def film(
    chromium: Chromium,
    line: Timeline,
    windows: Sequence[Window],
    findings: Sequence[Finding],
    frame: Size,
    out: Path,
    deadline_s: float,
    progress: Progress,
) -> Film:
    """Film ``windows`` one after the other into ``out``; past ``deadline_s`` (monotonic) it is ended early, and says so."""
    even = Size(frame.width // 2 * 2, frame.height // 2 * 2)
    camera = Camera(line, even, findings)
    size = line.size_at(windows[0].start_ms)
    with reel_at(out, even) as reel:
        shoot = Shoot(camera, reel, Desk(), list(windows), deadline_s, progress)
        try:
            async with Stage(chromium, line, size, fit(size, camera.room), hover=True) as stage:
                video_ms, end_ms = await _shoot_all(stage, line, shoot)
            await shoot.desk.finish()
        finally:
            await shoot.desk.close()
        if shoot.last is not None:
            await asyncio.to_thread(reel.hold, video_ms, shoot.last)
    return Film(
        status="ready",
        path=str(out),
        start_ms=windows[0].start_ms,
        end_ms=end_ms,
        duration_ms=video_ms,
        frames=reel.frames,
        size_bytes=(await asyncio.to_thread(out.stat)).st_size,
        cut="the time for this session's replay was used up" if shoot.late else "",
    )


async def _shoot_all(stage: Stage, line: Timeline, shoot: Shoot) -> tuple[int, int]:
    """Every window, one after the other; the film's length and the time of the session it came to."""
    video_ms, end_ms = 0, shoot.windows[0].start_ms
    for window in shoot.windows:
        end_ms = await _shoot_window(stage, line, window, video_ms, shoot)
        video_ms += end_ms - window.start_ms
        if shoot.late:
            break
    return video_ms, end_ms


async def _shoot_window(stage: Stage, line: Timeline, window: Window, video_ms: int, shoot: Shoot) -> int:
    """Draw every cue of one window; answers the time it came to. The browser seeks while earlier frames are encoded."""
    todo = cues(line, window)
    heapq.heapify(todo)
    at_ms = window.start_ms
    while todo:
        cue = heapq.heappop(todo)
        if time.monotonic() > shoot.deadline_s:
            shoot.late = True
            break
        photo, moving = await _photograph(stage, line, cue, shoot) if cue.page else (b"", False)
        if moving and cue.t_ms + MOVING_TICK_MS < _next_page(todo, window):
            heapq.heappush(todo, Cue(cue.t_ms + MOVING_TICK_MS, page=True))
        await shoot.desk.put(partial(shoot.draw, cue, photo, stage.scale, video_ms + cue.t_ms - window.start_ms))
        at_ms = cue.t_ms
        shoot.progress(_share_done(shoot.windows, window, at_ms))
    return at_ms


async def _photograph(stage: Stage, line: Timeline, cue: Cue, shoot: Shoot) -> tuple[bytes, bool]:
    """The page at ``cue``, and whether it moves by itself; no picture where it cannot differ from the last."""
    size = line.size_at(cue.t_ms)
    resized = await stage.resize(size, fit(size, shoot.camera.room))
    seek = await stage.seek(cue.t_ms)
    wanted = seek.stirred or seek.moving or shoot.moved or resized or not shoot.begun
    shoot.moved, shoot.begun = seek.moving, True
    return (await stage.picture(lossy=True) if wanted else b""), seek.moving


def _next_page(todo: Sequence[Cue], window: Window) -> int:
    return min((cue.t_ms for cue in todo if cue.page), default=window.end_ms)


def _share_done(windows: Sequence[Window], current: Window, at_ms: int) -> float:
    whole_ms = sum(window.end_ms - window.start_ms for window in windows) or 1
    place = list(windows).index(current)
    done_ms = sum(window.end_ms - window.start_ms for window in windows[:place])
    return min(1.0, (done_ms + at_ms - current.start_ms) / whole_ms)

