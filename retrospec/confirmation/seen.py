"""What a look shows: errors in view, blankness, spinners, and whether anything moved."""

from collections.abc import Sequence

import msgspec
import numpy as np

from retrospec.confirmation import pixels
from retrospec.confirmation.pixels import Cells, Pixels
from retrospec.confirmation.words import (
    asks_to_wait,
    finds_nothing,
    names_work_in_hand,
    says_it_failed,
    speaks_of_success,
    speaks_of_trouble,
)
from retrospec.domain.footage import Facts, Footage, Line, Look, Shot, Thing
from retrospec.domain.visual import Box

FAILS_AT = 0.7
"""Strength from which a text counts as a shown failure; weights in ``strength`` were set on the corpus."""
BLANK_EVENNESS = 0.985
BLANK_TEXT_SHARE = 0.15
BLANK_ELEMENT_SHARE = 0.3
CROWD_LINES = 12
"""So many texts new at once are a new view, not a message."""
PHRASE_WORDS = 3
"""In a crowd a lone “Failed” is a cell of a table; a message has more to say."""
ALIKE_LINES = 3
ALONE_LINES = 2
"""Text that appears by itself after a failure is most likely about it."""
GONE_SHARE, GONE_LEAST_CHARS = 0.4, 100
AREAS = frozenset({"canvas", "video", "frame", "image", "blocked"})
"""Parts of a page a recording does not hold."""


class ErrorShown(msgspec.Struct, frozen=True):
    """A failure that stood on the screen."""

    text: str
    box: Box
    strength: float
    first: int
    """Index into ``Seen.after``."""
    last: int


class Change(msgspec.Struct, frozen=True):
    """How one picture after the deed differs from the one before it."""

    t_ms: int
    boxes: list[Box]
    own: bool
    """Only the clicked control itself differs."""


class Seen(msgspec.Struct):
    """Everything the checker judges by, for one finding."""

    look: Look
    before: Shot
    after: list[Shot]
    errors: list[ErrorShown] = []
    fields: list[Thing] = []
    """Fields that turned refused."""
    blank_from: int = -1
    """Index into ``after`` from which the page stayed blank; -1 when it did not."""
    was_blank: bool = False
    gone_from: int = -1
    """Index into ``after`` from which most of the text was gone, with nothing in its place."""
    spinner_from: int = -1
    """Index into ``after`` from which a spinner stayed to the end; -1 when none did."""
    spinner: Thing | None = None
    old_spinner: Thing | None = None
    """One that turned before the deed and in every picture since."""
    busy_from: int = -1
    """Index into ``after`` from which what was clicked said to the end what it was doing; -1 when it did not."""
    changes: list[Change] = []
    """One for each picture up to ``look.until_ms`` that differs."""
    lasting: bool = False
    """The last picture up to ``look.until_ms`` differs."""
    success: str = ""
    moving_share: float = 0.0
    """Of the view that moved by itself before the deed."""
    blind_share: float = 0.0
    """Of the view that a recording does not hold."""

    @property
    def scrolled(self) -> bool:
        """Whether the page was scrolled after the deed, which also takes text out of view."""
        return any(shot.facts.scroll_y != self.before.facts.scroll_y for shot in self.after)

    @property
    def watched_ms(self) -> int:
        """How long the screen was watched after the deed with nothing else done."""
        start_ms = self.look.act.end_ms if self.look.act else self.look.t_ms
        return max(0, self.look.until_ms - start_ms)


def see(footage: Footage, look: Look) -> Seen:
    """Compare the pictures and facts of one look; it must have some before and after."""
    before = [footage.shots[index] for index in look.before]
    after = [footage.shots[index] for index in look.after]
    seen = Seen(look=look, before=before[-1], after=after)
    _see_text(seen)
    _see_spinner(seen)
    seen.busy_from = _busy_from(seen)
    _see_pixels(seen, before)
    seen.blind_share = _share([thing for thing in seen.before.facts.things if thing.kind in AREAS], seen.before)
    return seen


def strength(line: Line, fresh: Sequence[Line]) -> float:
    """How surely ``line`` reports a failure, 0…1, among the ``fresh`` lines that appeared with it."""
    text = line.text
    if speaks_of_success(text):
        return 0.0
    score = 0.5 if speaks_of_trouble(text) else 0.0
    strong = says_it_failed(text)
    score += 0.25 if strong else 0.0
    score += 0.25 * line.red + 0.25 * line.live + 0.15 * line.marked
    if len(fresh) <= ALONE_LINES and score:
        score += 0.2
    if len(fresh) > CROWD_LINES and not line.live and not _is_message(line, fresh):
        score -= 0.45
    if len(text) > 200:
        score -= 0.25
    return max(0.0, min(1.0, score))


def _is_message(line: Line, fresh: Sequence[Line]) -> bool:
    """Whether ``line`` stands out of a crowd: a phrase, and not one of many of its kind as in a log."""
    alike = sum(speaks_of_trouble(other.text) for other in fresh)
    return says_it_failed(line.text) and len(line.text.split()) >= PHRASE_WORDS and alike < ALIKE_LINES


def _see_text(seen: Seen) -> None:
    known = {line.text for line in seen.before.facts.lines if not line.covered}
    found: dict[str, ErrorShown] = {}
    for index, shot in enumerate(seen.after):
        fresh = [line for line in shot.facts.lines if line.text not in known and not line.covered]
        for line in fresh:
            score = strength(line, fresh)
            if score >= FAILS_AT:
                first = found[line.text].first if line.text in found else index
                found[line.text] = ErrorShown(line.text, line.box, score, first, index)
            elif not seen.success and speaks_of_success(line.text):
                seen.success = line.text
        if not seen.fields:
            seen.fields = _new_fields(seen.before.facts, shot)
        told = [line for line in fresh if not finds_nothing(line.text)]
        gone = not told and _lost_most(seen.before.facts, shot.facts) and shot.page == seen.before.page
        seen.gone_from = (index if seen.gone_from < 0 else seen.gone_from) if gone else -1
    seen.errors = sorted(found.values(), key=lambda error: -error.strength)


def _lost_most(before: Facts, after: Facts) -> bool:
    few = after.visible_elements <= before.visible_elements * 0.6
    return few and before.text_chars >= GONE_LEAST_CHARS and after.text_chars <= before.text_chars * GONE_SHARE


def _new_fields(before: Facts, shot: Shot) -> list[Thing]:
    known = {thing.node_id for thing in before.things if thing.kind == "invalid"}
    return [thing for thing in shot.facts.things if thing.kind == "invalid" and thing.node_id not in known]


def _spinners(shot: Shot) -> list[Thing]:
    shown = [thing for thing in shot.facts.things if thing.kind == "spinner"]
    waits = [line for line in shot.facts.lines if asks_to_wait(line.text) and not line.covered]
    return shown + [Thing(kind="spinner", node_id=line.node_id, box=line.box, text=line.text) for line in waits]


def _see_spinner(seen: Seen) -> None:
    before = {thing.node_id: thing for thing in _spinners(seen.before)}
    shown = [_spinners(shot) for shot in seen.after]
    if before and all(shown):
        seen.old_spinner = shown[-1][0]
    for index in reversed(range(len(shown))):
        fresh = [thing for thing in shown[index] if thing.node_id not in before]
        if not fresh:
            return
        seen.spinner_from, seen.spinner = index, fresh[0]


def _busy_from(seen: Seen) -> int:
    """From when on the clicked control's words were new and of work in hand, to the last picture."""
    own = seen.look.point.node_id
    before = {line.text for line in seen.before.facts.lines if line.node_id == own}
    first = -1
    for index in reversed(range(len(seen.after))):
        words = [line.text for line in seen.after[index].facts.lines if line.node_id == own and own]
        if not any(names_work_in_hand(text) and text not in before for text in words):
            break
        first = index
    return first


def _see_pixels(seen: Seen, before: Sequence[Shot]) -> None:
    grids = [pixels.read_pixels(shot.image) for shot in before]
    start = grids[-1]
    moving = _moving(grids, before)
    seen.moving_share = float(moving.mean())
    own = pixels.cells_of(seen.look.point.box, seen.before.scale, moving.shape) if seen.look.point.box else None
    seen.was_blank = _is_blank(before[0], start, None) and _is_blank(before[-1], start, None)
    for index, shot in enumerate(seen.after):
        picture = pixels.read_pixels(shot.image)
        blank = _is_blank(shot, picture, None if seen.was_blank else seen.before.facts)
        seen.blank_from = (index if seen.blank_from < 0 else seen.blank_from) if blank else -1
        if shot.t_ms <= seen.look.until_ms:
            change = _change(seen.before, start, shot, picture, moving, own)
            seen.lasting = change is not None
            seen.changes += [change] if change else []


def _moving(grids: Sequence[Pixels], shots: Sequence[Shot]) -> Cells:
    """What differed among the pictures before the deed, on the same page and equally far scrolled."""
    last = grids[-1]
    moving: Cells = np.zeros((last.shape[0] // pixels.CELL_PX, last.shape[1] // pixels.CELL_PX), dtype=np.bool_)
    for grid, shot in zip(grids[:-1], shots[:-1], strict=True):
        stood = shot.page == shots[-1].page and shot.facts.scroll_y == shots[-1].facts.scroll_y
        if grid.shape == last.shape and stood:
            moving |= pixels.changed_cells(grid, last)
    return pixels.widened(moving)


def _change(before: Shot, start: Pixels, shot: Shot, picture: Pixels, moving: Cells, own: Cells | None) -> Change | None:
    if shot.page != before.page or picture.shape != start.shape:
        return Change(shot.t_ms, [Box(0, 0, shot.width, shot.height)], own=False)
    cells = pixels.changed_cells(start, picture) & ~moving
    if not cells.any():
        return None
    inside = own is not None and not bool((cells & ~own).any())
    return Change(shot.t_ms, pixels.regions(cells, shot.scale), inside)


def _is_blank(shot: Shot, picture: Pixels, before: Facts | None) -> bool:
    """One even colour and next to no text; against ``before``, most of what was there is gone."""
    if pixels.evenness(picture) < BLANK_EVENNESS or _share([t for t in shot.facts.things if t.kind in AREAS], shot) > 0.3:
        return False
    if before is None:
        return shot.facts.text_chars < 20
    few = shot.facts.visible_elements <= max(3, before.visible_elements * BLANK_ELEMENT_SHARE)
    return few and shot.facts.text_chars <= before.text_chars * BLANK_TEXT_SHARE


def _share(things: Sequence[Thing], shot: Shot) -> float:
    view = shot.width * shot.height
    return min(1.0, sum(thing.box.width * thing.box.height for thing in things) / view) if view else 0.0
