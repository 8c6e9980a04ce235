"""Gives each action what followed it: within its window and before the next action, without what the page does by itself."""

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict

from retrospec.analysis.base import is_noise
from retrospec.analysis.facts import Action, Change, Story
from retrospec.analysis.limits import MAX_EFFECTS_PER_ROW
from retrospec.domain.trace import Effect

WINDOW_MS = 7_000
"""Longest wait for an effect (source: Sentry's slow-click window)."""
REQUEST_WINDOW_MS = 2_000
"""A request belongs to the last action at most this long before it began."""
UNPROMPTED_MS = 3_000
"""A change so long after the last action, or ``SETTLE_MS`` after a page load, came by itself (PostHog waits 2.5 s)."""
SETTLE_MS = 700
AMBIENT_TIMES = 2
"""An element that changed by itself so often before an action proves nothing about it: clocks, tickers, carousels."""
QUIET_ROWS = frozenset({"scroll", "marker", "page"})
"""Rows that end no other row's window."""
_OTHER_TABS = 20
"""Actions of other tabs looked past; nobody does more in between."""
_PLAIN = ("dom_change", "text_change")


def attach_effects(story: Story) -> None:
    """Fills ``row.effects`` and ``window_end_ms`` of all actions."""
    story.deeds = [action for action in story.actions if action.row.action not in QUIET_ROWS]
    for tab in {action.tab for action in story.actions}:
        rows = [action for action in story.actions if action.tab == tab and action.row.action not in QUIET_ROWS]
        _set_windows(rows)
        _attach_changes(rows, [change for change in story.changes if change.tab == tab])
        _attach_navigations(rows)
    _attach_failures(story)


def _set_windows(rows: list[Action]) -> None:
    for action, following in zip(rows, [*rows[1:], None], strict=False):
        last_touch = max(action.window_end_ms, action.t_ms)
        end = last_touch + WINDOW_MS
        action.window_end_ms = end if following is None else min(end, following.t_ms)


def _attach_changes(rows: list[Action], changes: list[Change]) -> None:
    starts = [action.t_ms for action in rows]
    placed = [(change, bisect_right(starts, change.t_ms) - 1) for change in changes if not change.cosmetic]
    alone = _unprompted(rows, placed)
    told: set[tuple[int, str, str]] = set()
    for change, place in placed:
        effect = (place, change.kind, change.detail)
        if place < 0 or effect in told:
            continue
        action = rows[place]
        if change.t_ms <= action.window_end_ms and not _is_ambient(alone, change, action.t_ms):
            told.add(effect)
            add_effect(action, change.kind, change.detail, change.t_ms, node_id=change.node_id)


def _unprompted(rows: list[Action], placed: list[tuple[Change, int]]) -> dict[tuple[int, int], list[int]]:
    """When each element changed by itself."""
    alone: dict[tuple[int, int], list[int]] = defaultdict(list)
    for change, place in placed:
        if place < 0:
            since, quiet = UNPROMPTED_MS + 1, UNPROMPTED_MS
        else:
            action = rows[place]
            since, quiet = change.t_ms - max(action.t_ms, 0), UNPROMPTED_MS if action.by_person else SETTLE_MS
        if since > quiet:
            alone[change.segment, change.key].append(change.t_ms)
    return alone


def _is_ambient(alone: dict[tuple[int, int], list[int]], change: Change, action_ms: int) -> bool:
    times = alone.get((change.segment, change.key))
    return times is not None and bisect_left(times, action_ms) >= AMBIENT_TIMES


def _attach_navigations(rows: list[Action]) -> None:
    """A page load or route change is an effect of the person's action right before it."""
    for action, following in itertools.pairwise(rows):
        since = following.t_ms - max(action.t_ms, 0)
        if action.by_person and following.row.action == "navigation" and since <= WINDOW_MS:
            add_effect(action, "navigation", following.row.detail, following.t_ms, ref=following.row.ref)


def _attach_failures(story: Story) -> None:
    for fault in story.faults:
        if is_noise(fault.evidence, fault.label):
            continue
        action = action_before(story, fault.t_ms, WINDOW_MS, fault.segment)
        if action is not None:
            kind = "console_error" if fault.evidence.handled else "exception"
            add_effect(action, kind, fault.label, fault.t_ms, ref=fault.ref)
    for request in story.requests:
        began = request.t_ms - max(0, min(request.evidence.duration_ms, 600_000))
        action = action_before(story, began, REQUEST_WINDOW_MS, request.segment) or action_before(
            story, request.t_ms, REQUEST_WINDOW_MS, request.segment
        )
        if action is not None:
            add_effect(action, "request", request.label, request.t_ms, ref=request.ref)


def action_before(story: Story, t_ms: int, within_ms: int, segment: int) -> Action | None:
    """The last action of the person (or page load) at or before ``t_ms``, if it is recent and of that page load."""
    place = bisect_right(story.deeds, t_ms, key=lambda action: action.t_ms) - 1
    for action in reversed(story.deeds[max(0, place - _OTHER_TABS) : place + 1]):
        if t_ms - action.t_ms > within_ms:
            return None
        if segment < 0 or action.row.segment == segment:
            return action
    return None


def add_effect(action: Action, kind: str, detail: str, t_ms: int, *, ref: str = "", node_id: int = 0) -> None:
    """Appends an effect in time order, unless it says nothing new."""
    effects = action.row.effects
    if kind in _PLAIN and len(effects) >= MAX_EFFECTS_PER_ROW:
        return
    if any(known.kind == kind and known.detail == detail and (not ref or known.ref == ref) for known in effects):
        return
    if len(effects) >= MAX_EFFECTS_PER_ROW:
        plain = next((known for known in reversed(effects) if known.kind in _PLAIN), None)
        if plain is None:
            return
        effects.remove(plain)
    effect = Effect(kind=kind, detail=detail, after_ms=max(0, t_ms - action.t_ms), ref=ref, node_id=node_id)
    place = bisect_right(effects, effect.after_ms, key=lambda known: known.after_ms)
    effects.insert(place, effect)
