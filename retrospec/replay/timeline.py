"""The order of a recording: what happened when, read once, without building the pages."""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from retrospec.domain.recording import Fetch, Recording
from retrospec.domain.rrweb import EventType, MouseInteraction, Source

_VISIBLE_SOURCES = frozenset(
    {
        Source.MUTATION,
        Source.SCROLL,
        Source.VIEWPORT_RESIZE,
        Source.INPUT,
        Source.STYLE_SHEET_RULE,
        Source.STYLE_DECLARATION,
        Source.ADOPTED_STYLE_SHEET,
        Source.FONT,
        Source.SELECTION,
    }
)
_POINTER_SOURCES = frozenset({Source.MOUSE_MOVE, Source.TOUCH_MOVE, Source.DRAG})
_PRESSES = frozenset({MouseInteraction.MOUSE_DOWN, MouseInteraction.TOUCH_START})
_CLICKS = frozenset({MouseInteraction.CLICK, MouseInteraction.DBL_CLICK})
LEAST_SIDE_PX, MOST_SIDE_PX = 100, 4_096
"""Recorded viewports are hostile input: one of 10^9 pixels would exhaust memory."""


class _Position(msgspec.Struct):
    x: float = 0
    y: float = 0
    timeOffset: float = 0


class _Node(msgspec.Struct):
    id: int = 0


class _Facts(msgspec.Struct):
    source: int = -1
    type: int = -1
    id: int = 0
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    href: str = ""
    node: _Node | None = None
    positions: list[_Position] = []


class _Event(msgspec.Struct):
    type: int
    timestamp: float
    data: _Facts | None = None


class Touch(msgspec.Struct, frozen=True):
    """One deed of the person: ``press``, ``click``, ``input`` or ``scroll``."""

    t_ms: int
    kind: str
    node_id: int = 0
    x: int = -1
    y: int = -1


class Size(msgspec.Struct, frozen=True):
    """A viewport in CSS pixels."""

    width: int
    height: int


class Timeline(msgspec.Struct):
    """A recording in order of time; every ``t_ms`` counts from its first event."""

    zero_epoch_ms: float = 0
    end_ms: int = 0
    times: list[int] = []
    """Of each kept event, ascending; parallel to ``raws``."""
    raws: list[msgspec.Raw] = []
    snapshots: list[int] = []
    """Indexes of full snapshots."""
    loads: list[tuple[int, str]] = []
    """Time and address of each page load."""
    sizes: list[tuple[int, Size]] = []
    changes: list[int] = []
    """Times of events that can change what is seen, pointer excepted."""
    touches: list[Touch] = []
    pointer: list[tuple[int, int, int]] = []
    """``(t_ms, x, y)``."""
    unreadable: int = 0
    assets: Fetch | None = None
    """Answers for the vault's addresses in the recording."""
    last_href: str = ""

    def size_at(self, t_ms: int) -> Size:
        """The viewport at ``t_ms``; before the first report of one, the first."""
        index = bisect_right(self.sizes, t_ms, key=lambda entry: entry[0]) - 1
        return self.sizes[max(0, index)][1] if self.sizes else Size(1280, 720)

    def page_at(self, t_ms: int) -> int:
        """How many page loads had begun by ``t_ms``."""
        return bisect_right(self.loads, t_ms, key=lambda entry: entry[0])

    def address_at(self, t_ms: int) -> str:
        """The page's address at ``t_ms``; empty before the first load."""
        page = self.page_at(t_ms)
        return self.loads[page - 1][1] if page else ""

    def changes_between(self, start_ms: int, end_ms: int) -> list[int]:
        """Times in ``(start_ms, end_ms]`` at which something visible may have changed."""
        return self.changes[bisect_right(self.changes, start_ms) : bisect_right(self.changes, end_ms)]

    def slice(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, msgspec.Raw]]:
        """The events that show ``[start_ms, end_ms]``: from the last full snapshot before it.

        A window before the first snapshot begins with that snapshot's own events.
        """
        last = bisect_right(self.times, end_ms)
        first = bisect_right(self.times, start_ms)
        anchors = [index for index in self.snapshots if index < first]
        begin = max(0, anchors[-1] - 1) if anchors else 0
        return list(zip(self.times[begin:last], self.raws[begin:last], strict=True))


def read_timeline(recording: Recording) -> Timeline:
    """Read every event's head once; events that are not rrweb's are counted and left out."""
    line = Timeline(assets=recording.assets)
    decoder = msgspec.json.Decoder(_Event)
    read: list[tuple[float, _Event, msgspec.Raw]] = []
    for raw in recording.raw_events():
        try:
            event = decoder.decode(raw)
        except msgspec.ValidationError:
            line.unreadable += 1
            continue
        read.append((event.timestamp, event, raw))
    read.sort(key=lambda entry: entry[0])
    if read:
        line.zero_epoch_ms = read[0][0]
    for timestamp, event, raw in read:
        _place(line, round(timestamp - line.zero_epoch_ms), event, raw)
    line.touches.sort(key=lambda touch: touch.t_ms)
    line.pointer.sort()
    return line


def _place(line: Timeline, t_ms: int, event: _Event, raw: msgspec.Raw) -> None:
    line.times.append(t_ms)
    line.raws.append(raw)
    line.end_ms = t_ms
    data = event.data or _Facts()
    if event.type == EventType.META:
        _place_size(line, t_ms, data)
        line.last_href = data.href
    elif event.type == EventType.FULL_SNAPSHOT:
        line.snapshots.append(len(line.times) - 1)
        line.changes.append(t_ms)
        _place_load(line, t_ms, data)
    elif event.type == EventType.INCREMENTAL:
        _place_increment(line, t_ms, data)


def _place_load(line: Timeline, t_ms: int, data: _Facts) -> None:
    """A recorder numbers nodes from 1 in each new document; a checkpoint of the same one goes on counting."""
    fresh = data.node is not None and data.node.id == 1
    if fresh or not line.loads or line.loads[-1][1] != line.last_href:
        line.loads.append((t_ms, line.last_href))


def _place_size(line: Timeline, t_ms: int, data: _Facts) -> None:
    if data.width and data.height and data.width > 0 and data.height > 0:
        sides = [round(min(max(side, LEAST_SIDE_PX), MOST_SIDE_PX)) for side in (data.width, data.height)]
        line.sizes.append((t_ms, Size(*sides)))


def _place_increment(line: Timeline, t_ms: int, data: _Facts) -> None:
    if data.source in _VISIBLE_SOURCES:
        line.changes.append(t_ms)
    if data.source == Source.VIEWPORT_RESIZE:
        _place_size(line, t_ms, data)
    elif data.source in _POINTER_SOURCES:
        line.pointer += [(t_ms + round(spot.timeOffset), round(spot.x), round(spot.y)) for spot in data.positions]
    elif data.source == Source.MOUSE_INTERACTION:
        _place_touch(line, t_ms, data)
    elif data.source == Source.INPUT:
        line.touches.append(Touch(t_ms, "input", data.id))
    elif data.source == Source.SCROLL:
        line.touches.append(Touch(t_ms, "scroll", data.id))


def _place_touch(line: Timeline, t_ms: int, data: _Facts) -> None:
    x, y = round(data.x or 0), round(data.y or 0)
    if data.type in _PRESSES:
        line.touches.append(Touch(t_ms, "press", data.id, x, y))
        line.pointer.append((t_ms, x, y))
    elif data.type in _CLICKS:
        line.touches.append(Touch(t_ms, "click", data.id, x, y))
        line.pointer.append((t_ms, x, y))
