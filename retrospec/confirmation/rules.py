"""From what was seen to a verdict: the rules, strongest evidence first."""

from collections.abc import Callable

import msgspec

from retrospec.confirmation.seen import ErrorShown, Seen
from retrospec.domain.finding import Finding
from retrospec.domain.marker import MarkerKind, Signal
from retrospec.domain.visual import Box, VerdictWord

STUCK_MS = 4_000
"""A spinner that long, with nothing after it, is a failure to the person who waits."""
BRIEF_MS, LONG_MS = 1_000, 2_500
"""A screen watched for less than the first proves nothing; PostHog calls a click dead after 2.5 s (FIELD.md)."""
BLANK_MS = 800
MOMENT_MS = 50
"""Sooner than that, tenths of a second would read as none."""
LINKED_MS = 1_500
"""An error so soon after a click (its request's time aside) is taken to come from it."""
RELOADS = 3
MOVING_SHARE, BLIND_SHARE = 0.5, 0.5

_CLICKS = frozenset({Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.ERROR_CLICK, Signal.UNRESPONSIVE})
_BEHAVIOUR = frozenset({Signal.QUICK_BACK, Signal.FORM_ABANDONED, Signal.CSP_VIOLATION, Signal.LONG_TASK, Signal.RESOURCE_ERROR})
"""What these report does not show on a screen, or not in a recording of one."""


class Judgement(msgspec.Struct):
    """A verdict before it is measured against the wanted confidence."""

    word: VerdictWord
    confidence: float
    sentence: str
    shot: int = -1
    """Index into ``Seen.after`` of the picture that shows it."""
    boxes: list[Box] = []


def judge(finding: Finding, seen: Seen) -> Judgement:
    """The first rule that has an answer gives it."""
    rules: list[Callable[[Finding, Seen], Judgement | None]] = [
        _blank, _error_shown, _field_refused, _content_gone, _stuck, _reloads, _unshowable, _click, _failure_after_deed, _failure_alone,
    ]  # fmt: skip
    for rule in rules:
        if (judged := rule(finding, seen)) is not None:
            return judged
    return _cant_tell("The pictures do not show whether this failed")


def _blank(finding: Finding, seen: Seen) -> Judgement | None:
    if seen.blank_from < 0:
        if finding.signal == Signal.BLANK_PAGE and not seen.was_blank:
            return _refuted(0.85, "The page was never blank in the pictures")
        return None
    if seen.was_blank and finding.signal not in (Signal.BLANK_PAGE, Signal.CRASH):
        return None
    lasted_ms = seen.after[-1].t_ms - seen.after[seen.blank_from].t_ms
    where = Box(0, 0, seen.before.width, seen.before.height)
    sentence = f"The page went blank {_when(seen, seen.blank_from)} and stayed so"
    return _confirmed(0.93 if lasted_ms >= BLANK_MS else 0.72, sentence, seen.blank_from, [where])


def _error_shown(finding: Finding, seen: Seen) -> Judgement | None:
    if not seen.errors:
        return None
    error = seen.errors[0]
    if _recovered(seen, error):
        return _refuted(0.78, f"“{_short(error.text)}” was shown, then went by itself and the page went on", error.last + 1)
    sentence = f"The page showed “{_short(error.text)}” {_when(seen, error.first)}"
    return _confirmed(0.7 + 0.28 * error.strength, sentence, error.first, [error.box])


def _recovered(seen: Seen, error: ErrorShown) -> bool:
    """Gone before the person did anything else, with the page changed for good."""
    if error.last == len(seen.after) - 1:
        return False
    next_shot = seen.after[error.last + 1]
    in_time = next_shot.t_ms <= seen.look.until_ms
    return in_time and (bool(seen.success) or (seen.lasting and bool(seen.changes) and not seen.changes[-1].own))


def _field_refused(finding: Finding, seen: Seen) -> Judgement | None:
    if not seen.fields or (finding.kind != MarkerKind.VALIDATION_FAILED and seen.lasting and seen.after[-1].page != seen.before.page):
        return None
    count = len(seen.fields)
    what = "A field" if count == 1 else f"{count} fields"
    index = next(i for i, shot in enumerate(seen.after) if any(t.node_id == seen.fields[0].node_id for t in shot.facts.things))
    confidence = 0.85 if finding.kind == MarkerKind.VALIDATION_FAILED else 0.7
    return _confirmed(confidence, f"{what} turned red {_when(seen, index)}", index, [thing.box for thing in seen.fields[:6]])


def _content_gone(finding: Finding, seen: Seen) -> Judgement | None:
    """With an exception or a failed request only: closing something also takes text away."""
    if finding.kind not in (MarkerKind.JS_EXCEPTION, MarkerKind.API_ERROR) or seen.gone_from < 0 or seen.scrolled:
        return None
    return _confirmed(0.78, f"Most of the content vanished {_when(seen, seen.gone_from)} and nothing took its place", seen.gone_from)


def _stuck(finding: Finding, seen: Seen) -> Judgement | None:
    if finding.signal == Signal.ENDLESS_SPINNER and seen.old_spinner is not None:
        lasted_ms = seen.after[-1].t_ms - seen.before.t_ms
        return _spinning(seen, lasted_ms, -1, seen.old_spinner.box)
    if seen.spinner_from < 0 or seen.spinner is None:
        if finding.kind == MarkerKind.API_ERROR and seen.busy_from >= 0 and seen.look.point.box:
            lasted_ms = seen.after[-1].t_ms - seen.after[seen.busy_from].t_ms
            return _spinning(seen, lasted_ms, seen.busy_from, seen.look.point.box)
        if finding.signal == Signal.ENDLESS_SPINNER:
            return _refuted(0.82, "No spinner stayed: the page finished loading")
        return None
    lasted_ms = seen.after[-1].t_ms - seen.after[seen.spinner_from].t_ms
    return _spinning(seen, lasted_ms, seen.spinner_from, seen.spinner.box)


def _spinning(seen: Seen, lasted_ms: int, index: int, where: Box) -> Judgement | None:
    if lasted_ms < STUCK_MS:
        return _cant_tell(f"The page was still waiting when the recording went on elsewhere, after {_seconds(lasted_ms)}")
    return _confirmed(0.86, f"The page was still waiting after {_seconds(lasted_ms)}", index, [where])


def _reloads(finding: Finding, seen: Seen) -> Judgement | None:
    if finding.signal != Signal.RELOAD_LOOP:
        return None
    if len(seen.look.loads) >= RELOADS - 1:
        return _confirmed(0.8, f"The page loaded {len(seen.look.loads) + 1} times within the window")
    return _cant_tell("The window does not hold enough of the reloads to see them repeat")


def _unshowable(finding: Finding, seen: Seen) -> Judgement | None:
    if finding.signal in _BEHAVIOUR:
        return _cant_tell("No failure is in view, and this kind of failure need not show on the screen")
    point = seen.look.point
    if point.blind:
        return _cant_tell(f"What was clicked ({point.blind}) is not part of a recording")
    if point.leads_away and not seen.lasting:
        return _cant_tell(f"The effect of {_name(seen)} would not show on this page")
    if not seen.lasting and seen.moving_share > MOVING_SHARE:
        return _cant_tell("The page was moving by itself, so a change cannot be told from it")
    if not seen.lasting and seen.look.stirs and seen.blind_share > 0:
        return _cant_tell("The page changed where a recording cannot show it")
    if not seen.lasting and seen.blind_share > BLIND_SHARE:
        return _cant_tell("Most of the view is not part of the recording")
    return None


def _click(finding: Finding, seen: Seen) -> Judgement | None:
    if not _is_click_suspicion(finding):
        return None
    if seen.look.act is None:
        return _cant_tell("The recording holds no click at this moment")
    if _worked(seen) or any(not change.own for change in seen.changes):
        return _worked_after_all(seen)
    point = seen.look.point
    if point.editable and not point.disabled:
        return _refuted(0.75, f"{_name(seen)} is a text field: a click only puts the cursor there")
    if point.disabled:
        return _cant_tell(f"{_name(seen)} was disabled, so that nothing happened may be meant")
    if not point.control:
        return _refuted(0.7, "What was clicked does not look as if it did anything")
    return _nothing_happened(seen)


def _is_click_suspicion(finding: Finding) -> bool:
    if finding.signal in _CLICKS:
        return True
    return finding.signal in (Signal.UNKNOWN, Signal.CUSTOM) and finding.kind == MarkerKind.UI_NO_EFFECT


def _failure_after_deed(finding: Finding, seen: Seen) -> Judgement | None:
    act = seen.look.act
    if act is None or finding.t_ms - act.end_ms > LINKED_MS + finding.evidence.duration_ms:
        return None
    if _worked(seen):
        return _worked_after_all(seen)
    if act.kind != "click" or not seen.look.point.control or seen.look.point.disabled:
        return None
    if finding.kind == MarkerKind.VALIDATION_FAILED:
        return _confirmed(0.72, f"After {_name(seen)} the form stayed as it was") if seen.watched_ms >= BRIEF_MS else None
    return _nothing_happened(seen)


def _failure_alone(finding: Finding, seen: Seen) -> Judgement | None:
    if seen.watched_ms < BRIEF_MS and len(seen.after) < 3:
        return _cant_tell("The recording ends too soon after it")
    if seen.look.act is None and finding.kind == MarkerKind.API_ERROR and not seen.lasting:
        return _refuted(0.68, "Nothing on the screen told of it: the page stayed as it was")
    return _refuted(0.75, "Nothing on the screen told of it: the page went on as before")


def _worked(seen: Seen) -> bool:
    """Something followed: it stayed, or it said so, or another page came."""
    return bool(seen.success) or seen.lasting or (bool(seen.changes) and bool(seen.look.loads))


def _worked_after_all(seen: Seen) -> Judgement:
    if not seen.changes:
        return _refuted(0.8, f"The page said “{_short(seen.success)}” after {_name(seen)}")
    first = seen.changes[0]
    after_ms = first.t_ms - (seen.look.act.end_ms if seen.look.act else seen.look.t_ms)
    index = next(i for i, shot in enumerate(seen.after) if shot.t_ms == seen.changes[-1].t_ms)
    return _refuted(0.84, f"{_name(seen)} had an effect, seen {'at once' if after_ms < MOMENT_MS else 'after ' + _seconds(after_ms)}", index, seen.changes[-1].boxes)


def _nothing_happened(seen: Seen) -> Judgement:
    watched_ms = seen.watched_ms
    box = [seen.look.point.box] if seen.look.point.box else []
    if watched_ms < BRIEF_MS:
        return _cant_tell(f"The screen could be watched for only {_seconds(watched_ms)} after {_name(seen)}")
    if seen.look.stirs_later and watched_ms < LONG_MS:
        return _cant_tell(f"The page changed only after the person did something else than {_name(seen)}")
    blinked = bool(seen.changes)
    what = "came back to what it was" if blinked else "did not change"
    confidence = (0.88 if watched_ms >= LONG_MS else 0.72) - 0.08 * blinked
    last = max((index for index, shot in enumerate(seen.after) if shot.t_ms <= seen.look.until_ms), default=-1)
    return _confirmed(confidence, f"The view {what} in the {_seconds(watched_ms)} after {_name(seen)}", last, box)


def words_before(seen: Seen) -> str:
    """What the picture right before the deed is of."""
    page = _short(seen.before.facts.url.partition("://")[2].partition("?")[0]) or "The page"
    return f"{page}, right before {_name(seen)}" if seen.look.act else f"{page}, right before it"


def words_at(seen: Seen, index: int) -> str:
    """What the picture at the finding's own moment shows."""
    change = next((change for change in seen.changes if change.t_ms == seen.after[index].t_ms), None)
    if change is None:
        return f"The view {_when(seen, index)}: nothing has changed yet"
    return f"The view {_when(seen, index)}: {'only what was clicked' if change.own else 'a part of it'} has changed"


def _confirmed(confidence: float, sentence: str, shot: int = -1, boxes: list[Box] | None = None) -> Judgement:
    return Judgement(VerdictWord.CONFIRMED, min(0.98, confidence), sentence + ".", shot, boxes or [])


def _refuted(confidence: float, sentence: str, shot: int = -1, boxes: list[Box] | None = None) -> Judgement:
    return Judgement(VerdictWord.REFUTED, confidence, sentence + ".", shot, boxes or [])


def _cant_tell(sentence: str) -> Judgement:
    return Judgement(VerdictWord.CANT_TELL, 0.5, sentence + ".")


def _name(seen: Seen) -> str:
    act, words = seen.look.act, " ".join(seen.look.point.text.split())
    if act is not None and act.kind == "input":
        return "the input"
    deed = "the click" if act is None or act.count == 1 else f"{act.count} clicks"
    return f"{deed} on “{_short(words)}”" if words else deed


def _when(seen: Seen, index: int) -> str:
    shot = seen.after[index]
    start_ms = seen.look.act.end_ms if seen.look.act else seen.look.t_ms
    after_ms = shot.t_ms - start_ms
    since = f"after {_name(seen)}" if seen.look.act else "after it"
    if after_ms < MOMENT_MS:
        return f"right {since}"
    return f"{_seconds(after_ms)} {since}"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:88] + "…"
