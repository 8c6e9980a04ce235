"""The stage: a recording set up in a page of the browser and moved from instant to instant."""

import base64
import contextlib
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import msgspec
from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from retrospec.domain.footage import Facts, Point
from retrospec.replay.chromium import Chromium
from retrospec.replay.timeline import Size, Timeline

FEED_BYTES = 4_000_000
"""Events go to the browser in messages of about this size."""


SRCDOC, UNREAD_SRCDOC = b'"srcdoc":', b'"data-srcdoc":'
"""A frame's own text would load late and wipe the document that was recorded of it. Only a key has these quotes bare."""


class Seek(msgspec.Struct, frozen=True):
    """What a seek did to the page."""

    moving: bool
    """Something on the page is still moving by itself."""
    stirred: bool
    """Something other than the pointer was applied since the last seek, so a new picture may differ."""


class Stage:
    """``async with Stage(...)``: seek forward, read facts, take pictures. Going back costs a rebuild."""

    def __init__(self, chromium: Chromium, line: Timeline, size: Size, scale: float, *, hover: bool) -> None:
        self._chromium = chromium
        self._line = line
        self._hover = hover
        self._fed = -1
        """Index of the next event to feed; -1 before the first."""
        self._at_ms = -1
        self._page: Page | None = None
        self._cdp: CDPSession | None = None
        self.size = size
        self.scale = scale

    async def __aenter__(self) -> "Stage":
        self._page, self._cdp = await self._chromium.open_stage(self.size, self._line.assets)
        if self.scale < 1:
            await self._draw_at_scale()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._page is not None:
            with contextlib.suppress(PlaywrightError):
                await self._page.context.close()

    @property
    def page(self) -> Page:
        """The page; only inside ``async with``."""
        assert self._page is not None and self._cdp is not None, "the stage is not open"
        return self._page

    async def resize(self, size: Size, scale: float) -> bool:
        """Another recorded viewport, drawn at ``scale``; False where it is the one already shown."""
        if (size, scale) == (self.size, self.scale):
            return False
        self.size, self.scale = size, scale
        await self._draw_at_scale()
        return True

    async def _draw_at_scale(self) -> None:
        """The frame keeps the recorded size, so nothing in it is laid out anew, and is drawn smaller.

        A capture that shrinks would lay out and draw the page twice for every picture.
        """
        await self.page.evaluate("scale => retrospecStage.shrink(scale)", self.scale)
        assert self._cdp is not None
        shown = {"width": math.ceil(self.size.width * self.scale), "height": math.ceil(self.size.height * self.scale)}
        screen = {"screenWidth": self.size.width, "screenHeight": self.size.height}
        await self._cdp.send("Emulation.setDeviceMetricsOverride", {**shown, **screen, "deviceScaleFactor": 1, "mobile": False})

    async def seek(self, t_ms: int) -> Seek:
        """Show the recording as it was at ``t_ms``, all events of that instant applied."""
        last = await self._feed_until(t_ms)
        self._at_ms = t_ms
        answer = await self.page.evaluate("([t, text]) => { if (text) retrospecStage.feed(JSON.parse(text)); return retrospecStage.seek(t) }", [t_ms, last])
        return Seek(moving=bool(answer["moving"]), stirred=bool(answer["stirred"]))

    async def facts(self) -> Facts:
        """What the page's structure says now."""
        return msgspec.convert(await self.page.evaluate("() => retrospecStage.facts()"), Facts, strict=False)

    async def point(self, node_id: int, x: int, y: int) -> Point:
        """What is at a clicked node or place now."""
        found = await self.page.evaluate("([id, x, y]) => retrospecStage.point(id, x, y)", [node_id, x, y])
        return msgspec.convert(found, Point, strict=False)

    async def picture(self, *, lossy: bool = False) -> bytes:
        """The viewport as PNG, or JPEG where lossy, ``scale`` times its size."""
        _ = self.page
        assert self._cdp is not None
        wanted: dict[str, Any] = {"format": "jpeg", "quality": 88} if lossy else {"format": "png"}
        answer = await self._cdp.send("Page.captureScreenshot", {**wanted, "optimizeForSpeed": True, "fromSurface": True})
        return base64.b64decode(answer["data"])

    async def broken_events(self) -> int:
        """Events the replayer could not apply since the last rebuild."""
        return int(await self.page.evaluate("() => retrospecStage.broken"))

    async def _feed_until(self, t_ms: int) -> str:
        """Send what the page needs to know by ``t_ms``; the last message is left to go with the seek itself."""
        start = self._start_index(t_ms)
        if self._fed < 0 or t_ms < self._at_ms or start > self._fed:
            await self.page.evaluate("hover => retrospecStage.open(hover)", self._hover)
            self._fed = start
        end = bisect_right(self._line.times, t_ms)
        if end <= self._fed:
            return ""
        entries = list(zip(self._line.times[self._fed : end], self._line.raws[self._fed : end], strict=True))
        self._fed = end
        *first, last = _messages(entries)
        for text in first:
            await self.page.evaluate("text => retrospecStage.feed(JSON.parse(text))", text)
        return last

    def _start_index(self, t_ms: int) -> int:
        """From the last full snapshot at or before ``t_ms``, with the page facts that precede it."""
        seen = bisect_right(self._line.times, t_ms)
        earlier = [index for index in self._line.snapshots if index < seen]
        return max(0, earlier[-1] - 1) if earlier else 0


def _messages(entries: Sequence[tuple[int, msgspec.Raw]]) -> Iterator[str]:
    part: list[bytes] = []
    size_bytes = 0
    for t_ms, raw in entries:
        part.append(b"[%d,%b]" % (t_ms, bytes(raw).replace(SRCDOC, UNREAD_SRCDOC)))
        size_bytes += len(part[-1])
        if size_bytes >= FEED_BYTES:
            yield _text(part)
            part, size_bytes = [], 0
    if part:
        yield _text(part)


def _text(part: Sequence[bytes]) -> str:
    return (b"[" + b",".join(part) + b"]").decode("utf-8", "replace")
