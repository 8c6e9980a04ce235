"""Which instants to look at for a finding: pure rules over a timeline."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from retrospec.domain.finding import Finding
from retrospec.domain.footage import Act
from retrospec.domain.marker import MarkerKind, Signal
from retrospec.domain.window import AFTER_MS, BEFORE_MS, Window
from retrospec.replay.timeline import Timeline, Touch

STILL_MS = (1_500, 600)
"""Before the deed: where these differ from the last moment before it, the page moves by itself."""
SETTLE_MS = 120
"""A burst of changes counts as over after so much quiet."""
MOST_AFTER_STOPS = 9
"""Pictures after the deed; a page that never rests is thinned out evenly."""
SERIES_GAP_MS, SERIES_REACH_PX = 1_500, 40
"""Clicks so near in time and place are one deed (rage click rules of FIELD.md, widest)."""
LONGEST_PRESS_MS = 3_000
OWN_SCROLL_MS = 700
"""A scroll so soon after a click follows from it; a later one is the person's."""

_CLICK_SIGNALS = frozenset({Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.ERROR_CLICK, Signal.UNRESPONSIVE})
_REACH_MS = {MarkerKind.API_ERROR: 10_000, MarkerKind.UI_NO_EFFECT: 10_000}
_REACH_OTHER_MS = 4_000
_CLOCK_SLACK_MS = 60
"""A marker's time and its click's are read in different tasks of the page."""


class LookPlan(msgspec.Struct):
    """Instants to photograph for one finding."""

    finding: Finding
    act: Act | None
    before_ms: list[int]
    after_ms: list[int]
    until_ms: int
    until: str
    window: Window
    loads: list[int]
    stirs: int
    stirs_later: bool


def plan_look(line: Timeline, finding: Finding, window: Window) -> LookPlan:
    """Before, at and after the deed ``finding`` follows from, within ``window`` and the recording."""
    act = find_act(line, finding)
    start_ms = act.start_ms if act else finding.t_ms
    last_ms = act.end_ms if act else finding.t_ms
    end_ms = max(min(window.end_ms, line.end_ms), last_ms)
    until_ms, until = _until(line, act, last_ms, end_ms, window.end_ms)
    return LookPlan(
        finding=finding,
        act=act,
        before_ms=sorted({max(0, start_ms - gap) for gap in (*_still_gaps(line, start_ms), 1)}),
        after_ms=_after_stops(line, start_ms, max(finding.t_ms, last_ms), until_ms, end_ms),
        until_ms=until_ms,
        until=until,
        window=window,
        loads=[t_ms for t_ms, _ in line.loads if start_ms < t_ms <= end_ms],
        stirs=len(line.changes_between(start_ms - 1, until_ms)),
        stirs_later=bool(line.changes_between(until_ms, _next_click_ms(line, until_ms, end_ms))),
    )


def _still_gaps(line: Timeline, start_ms: int) -> tuple[int, ...]:
    """How long before the deed to look for what moves by itself: never before the person's deed before it had its effect."""
    earlier = [touch.t_ms for touch in line.touches if touch.kind in ("click", "input", "scroll") and touch.t_ms < start_ms - 1]
    room_ms = start_ms - earlier[-1] - SETTLE_MS if earlier else STILL_MS[0]
    if room_ms >= STILL_MS[0]:
        return STILL_MS
    return tuple(round(room_ms * share) for share in (0.9, 0.4)) if room_ms >= SETTLE_MS else ()


def window_of(finding: Finding, windows: Sequence[Window]) -> Window:
    """The window ``finding`` lies in, or its own where none holds it."""
    for window in windows:
        if window.start_ms <= finding.t_ms <= window.end_ms:
            return window
    return Window(max(0, finding.t_ms - BEFORE_MS), finding.t_ms + AFTER_MS)


def find_act(line: Timeline, finding: Finding) -> Act | None:
    """The click or input ``finding`` follows from; None when the person did nothing before it."""
    reach_ms = _REACH_MS.get(finding.kind, _REACH_OTHER_MS) + finding.evidence.duration_ms
    latest_ms = finding.t_ms + _CLOCK_SLACK_MS
    near = [touch for touch in line.touches if finding.t_ms - reach_ms <= touch.t_ms and _began_ms(line, touch) <= latest_ms]
    clicks = [touch for touch in near if touch.kind == "click"]
    wanted = finding.evidence.control.node_id if finding.evidence.control else 0
    named = [touch for touch in clicks if wanted and touch.node_id == wanted]
    if named or clicks:
        return _click_series(line, (named or clicks)[-1])
    inputs = [touch for touch in near if touch.kind == "input"]
    if inputs and finding.signal not in _CLICK_SIGNALS:
        last = inputs[-1]
        return Act(kind="input", start_ms=last.t_ms, end_ms=last.t_ms, node_id=last.node_id)
    return None


def _began_ms(line: Timeline, touch: Touch) -> int:
    """When the button went down for a click: what a page does on the way, as while dragging, follows from it too."""
    if touch.kind != "click":
        return touch.t_ms
    presses = [t.t_ms for t in line.touches if t.kind == "press" and touch.t_ms - LONGEST_PRESS_MS <= t.t_ms <= touch.t_ms]
    return presses[-1] if presses else touch.t_ms


def _click_series(line: Timeline, last: Touch) -> Act:
    series = [last]
    for touch in reversed([t for t in line.touches if t.kind == "click" and t.t_ms < last.t_ms]):
        if series[0].t_ms - touch.t_ms > SERIES_GAP_MS or not _same_place(touch, last):
            break
        series.insert(0, touch)
    end = last
    for touch in [t for t in line.touches if t.kind == "click" and t.t_ms > last.t_ms]:
        if touch.t_ms - end.t_ms > SERIES_GAP_MS or not _same_place(touch, last):
            break
        series.append(end := touch)
    first = series[0]
    presses = [
        t.t_ms for t in line.touches if t.kind == "press" and first.t_ms - 1_000 <= t.t_ms <= first.t_ms and _same_place(t, first)
    ]
    return Act(
        kind="click",
        start_ms=presses[-1] if presses else first.t_ms,
        end_ms=end.t_ms,
        count=len(series),
        node_id=last.node_id,
        x=last.x,
        y=last.y,
    )


def _same_place(one: Touch, other: Touch) -> bool:
    near = abs(one.x - other.x) <= SERIES_REACH_PX and abs(one.y - other.y) <= SERIES_REACH_PX
    return near or (one.node_id == other.node_id != 0)


def _until(line: Timeline, act: Act | None, last_ms: int, end_ms: int, window_end_ms: int) -> tuple[int, str]:
    """When the person's next deed began, after which a change no longer speaks of this one."""
    for touch in line.touches:
        if touch.t_ms <= last_ms or touch.t_ms > end_ms:
            continue
        if touch.kind == "scroll" and touch.t_ms - last_ms <= OWN_SCROLL_MS:
            continue
        if touch.kind == "input" and _own_input(act, touch, last_ms):
            continue
        word = "click" if touch.kind == "press" else touch.kind
        return max(last_ms, touch.t_ms - 1), word
    return end_ms, "window" if line.end_ms >= window_end_ms else "end"


def _own_input(act: Act | None, touch: Touch, last_ms: int) -> bool:
    """A click on a checkbox reports its input by itself at once."""
    return act is not None and act.kind == "click" and touch.t_ms - last_ms <= 50


def _next_click_ms(line: Timeline, after_ms: int, end_ms: int) -> int:
    later = [touch.t_ms for touch in line.touches if touch.kind in ("press", "click") and touch.t_ms > after_ms + 1]
    return min(later[0] if later else end_ms, end_ms)


def _after_stops(line: Timeline, start_ms: int, at_ms: int, until_ms: int, end_ms: int) -> list[int]:
    """The moment itself, the end of every burst of changes, the last moment that counts, the end."""
    changes = line.changes_between(start_ms - 1, end_ms)
    bursts = [t_ms for t_ms, next_ms in pairwise([*changes, end_ms + SETTLE_MS + 1]) if next_ms - t_ms > SETTLE_MS]
    fixed = {min(at_ms, end_ms), until_ms, end_ms}
    room = max(1, MOST_AFTER_STOPS - len(fixed))
    return sorted(fixed | set(thin(bursts, room)))


def thin(stops: Sequence[int], room: int) -> list[int]:
    """At most ``room`` of ``stops``, evenly chosen, the first and last among them."""
    if len(stops) <= room:
        return list(stops)
    if room == 1:
        return [stops[-1]]
    return [stops[round(index * (len(stops) - 1) / (room - 1))] for index in range(room)]
