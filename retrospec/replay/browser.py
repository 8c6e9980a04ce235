"""The renderer: one warm headless Chromium, started when needed, gone when idle.

Its promise: every call ends with a truthful status within the time limit, whatever the recording or the
browser does, and leaves no process and no file behind.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from playwright.async_api import Error as PlaywrightError

from retrospec.domain.errors import Unavailable
from retrospec.domain.finding import Finding
from retrospec.domain.footage import Film, Footage
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.window import Window
from retrospec.replay.chromium import Chromium
from retrospec.replay.film import Progress, film, stretches
from retrospec.replay.found import FoundBrowser, find_browser, why_no_browser
from retrospec.replay.look import look_at
from retrospec.replay.timeline import Size, Timeline, read_timeline

__all__ = ["FoundBrowser", "Renderer", "find_browser", "why_no_browser"]

T = TypeVar("T")

RECYCLE_JOBS = 50
RECYCLE_BYTES = 450 * 1024 * 1024
"""Issue 5's ceiling at rest: a browser above it after a job is closed."""
WATCH_S = 1.0
IDLE_S = 60.0
GRACE_S = 3.0
"""Kept back from the time limit to hand over what was seen."""


class Fault(Exception):
    """The browser failed under a job; the sentence says how."""


class Renderer:
    """``async with Renderer(settings)`` or ``start``/``close``; bound to one event loop. Idle, it holds no memory."""

    def __init__(self, settings: ReplaySettings, *, idle_s: float = IDLE_S, ceiling_bytes: int = 0) -> None:
        self.settings = settings
        self._idle_s = idle_s
        self._ceiling_bytes = ceiling_bytes or settings.max_memory_mb * 1024 * 1024
        self._slots = asyncio.Semaphore(settings.max_parallel)
        self._door = asyncio.Lock()
        self._chromium: Chromium | None = None
        self._running = 0
        self._jobs = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.peak_bytes = 0
        """Most memory seen while watching jobs."""

    async def __aenter__(self) -> "Renderer":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def start(self) -> None:
        """Warm up now rather than at the first job; ``Unavailable`` where there is no browser."""
        async with self._door:
            await self._browser()
        self._rest()

    async def close(self) -> None:
        """End the browser; a later job starts a new one."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._door:
            await self._shut()

    @property
    def is_warm(self) -> bool:
        """Whether a browser is running now."""
        return self._chromium is not None and self._chromium.alive

    def held_bytes(self) -> int:
        """What the browser and its driver hold now; 0 when idle."""
        return self._chromium.memory_bytes() if self._chromium is not None else 0

    async def look(
        self, recording: Recording, findings: Sequence[Finding], windows: Sequence[Window], viewport: Size | None = None
    ) -> Footage:
        """Photograph each finding's moment: before, at, after, and wherever something changed.

        Never raises for what the recording or browser does: ``status`` and ``reason`` tell.
        ``viewport`` bounds the pictures (default: the configured video size).
        """
        began = time.monotonic()
        frame = viewport or Size(self.settings.width, self.settings.height)
        deadline_s = began + max(0.5, self.settings.timeout_seconds - GRACE_S)
        try:
            line = await asyncio.to_thread(read_timeline, recording)
            reason = nothing_to_see(line)
            if reason:
                return Footage(status="skipped", reason=reason)
            footage = await self.with_browser(lambda chromium: _look(chromium, line, findings, windows, frame, deadline_s))
        except Unavailable as error:
            return Footage(status="skipped", reason=error.message)
        except (Fault, ValueError) as error:
            return Footage(status="failed", reason=str(error))
        footage.elapsed_ms = round((time.monotonic() - began) * 1_000)
        return footage

    async def film(
        self,
        recording: Recording,
        windows: Sequence[Window] | None,
        out: Path,
        *,
        findings: Sequence[Finding] = (),
        progress: Progress | None = None,
    ) -> Film:
        """Film the whole recording (``None``) or ``windows``, one after the other, as WebM at ``out``.

        ``out`` is there whole or not at all. Never raises for what the recording, browser or disk does.
        ``progress`` is called with 0…1; ``findings`` label the caption bar.
        """
        began = time.monotonic()
        frame = Size(self.settings.width, self.settings.height)
        deadline_s = began + max(0.5, self.settings.timeout_seconds - GRACE_S)
        try:
            line = await asyncio.to_thread(read_timeline, recording)
            shown, cut = stretches(line, windows, self.settings.max_seconds * 1_000)
            reason = nothing_to_see(line) or ("" if shown else "the recording ends before the wanted windows")
            if reason:
                return Film(status="skipped", reason=reason)
            made = await self.with_browser(
                lambda chromium: film(chromium, line, shown, findings, frame, out, deadline_s, progress or _unheard)
            )
        except Unavailable as error:
            return Film(status="skipped", reason=error.message)
        except (Fault, ValueError) as error:
            return Film(status="failed", reason=str(error))
        except OSError as error:
            return Film(status="failed", reason=f"the video could not be written: {error.strerror or error}")
        made.cut = made.cut or cut
        made.elapsed_ms = round((time.monotonic() - began) * 1_000)
        return made

    async def with_browser(self, job: Callable[[Chromium], Awaitable[T]]) -> T:
        """Run ``job`` under the time limit and the memory ceiling; ``Fault`` says what went wrong."""
        async with self._slots:
            async with self._door:
                chromium = await self._browser()
                self._running += 1
            try:
                return await self._guarded(chromium, job)
            finally:
                self._running -= 1
                await self._recycle(chromium)
                self._rest()

    async def _guarded(self, chromium: Chromium, job: Callable[[Chromium], Awaitable[T]]) -> T:
        over: list[str] = []
        try:
            async with asyncio.timeout(self.settings.timeout_seconds), self._watched(chromium, over):
                return await job(chromium)
        except TimeoutError:
            await chromium.kill()
            raise Fault(f"the replay did not finish within {self.settings.timeout_seconds} s") from None
        except PlaywrightError as error:
            gone = not chromium.alive
            await chromium.kill()
            fallback = "the browser crashed" if gone else f"the browser failed: {str(error).splitlines()[0]}"
            raise Fault(over[0] if over else fallback) from error

    @contextlib.asynccontextmanager
    async def _watched(self, chromium: Chromium, over: list[str]) -> AsyncIterator[None]:
        watch = asyncio.create_task(self._watch(chromium, over))
        try:
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self, chromium: Chromium, over: list[str]) -> None:
        while True:
            held = await asyncio.to_thread(chromium.memory_bytes)
            self.peak_bytes = max(self.peak_bytes, held)
            if held > self._ceiling_bytes:
                over.append(f"the replay needed more than {self._ceiling_bytes // 1_048_576} MB")
                await chromium.kill()
                return
            await asyncio.sleep(WATCH_S)

    async def _browser(self) -> Chromium:
        if self._chromium is not None and self._chromium.alive:
            return self._chromium
        await self._shut()
        found = find_browser(self.settings)
        if found is None:
            raise Unavailable(why_no_browser(self.settings))
        chromium = Chromium(found)
        await chromium.start()
        self._chromium, self._jobs = chromium, 0
        return chromium

    async def _recycle(self, chromium: Chromium) -> None:
        async with self._door:
            self._jobs += 1
            if self._running or chromium is not self._chromium:
                return
            worn = self._jobs >= RECYCLE_JOBS or not chromium.alive
            if worn or await asyncio.to_thread(chromium.memory_bytes) > RECYCLE_BYTES:
                await self._shut()

    async def _shut(self) -> None:
        chromium, self._chromium = self._chromium, None
        if chromium is not None:
            await chromium.stop()

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._running:
            return
        task = asyncio.get_running_loop().create_task(self.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _look(
    chromium: Chromium, line: Timeline, findings: Sequence[Finding], windows: Sequence[Window], frame: Size, deadline_s: float
) -> Footage:
    """``look_at``, with the browser it was done in."""
    footage = await look_at(chromium, line, findings, windows, frame, deadline_s)
    footage.browser = f"{chromium.found.path} {chromium.version}"
    if chromium.unguarded:
        footage.notes.append(f"Chromium's own sandbox was off: {chromium.unguarded}")
    return footage


def nothing_to_see(line: Timeline) -> str:
    """Why a recording cannot be replayed; empty when it can."""
    if not line.times:
        return "the recording has no events"
    if not line.snapshots:
        return "the recording has no full snapshot, so there is no page to rebuild"
    return ""


def _unheard(share: float) -> None:
    """For callers who do not ask how far it is."""
