"""The trace told in words: what the person did and what followed."""

from typing import Any

import msgspec

from retrospec.domain.marker import Control, read_evidence
from retrospec.domain.trace import Effect, Trace, TraceRow
from retrospec.domain.visual import FindingVerdict, VisualResult

MAX_ROWS = 400
"""More rows than anybody reads; what is cut is said."""

ACTIONS = {
    "click": "Clicked",
    "dblclick": "Double-clicked",
    "input": "Typed into",
    "change": "Changed",
    "submit": "Submitted",
    "key": "Pressed a key in",
    "scroll": "Scrolled",
    "navigation": "Went to",
    "page": "Opened",
    "focus": "Moved to",
    "marker": "Failed:",
    "request": "The page asked for",
    "touch": "Tapped",
    "hover": "Pointed at",
    "resize": "Resized the window",
}
EFFECTS = {
    "request": "request",
    "navigation": "went to",
    "dialog": "dialog opened",
    "error_text": "error shown",
    "text_change": "text changed",
    "dom_change": "page changed",
    "enabled": "enabled",
    "disabled": "disabled",
    "spinner": "spinner",
    "scroll": "scrolled",
    "focus": "focus moved",
    "exception": "script error",
    "console_error": "console error",
    "validation": "form refused",
    "blank": "page went blank",
}
BAD_EFFECTS = frozenset({"error_text", "exception", "console_error", "validation", "blank"})
ICONS = {"click": "pointer", "dblclick": "pointer", "touch": "pointer", "input": "pencil", "change": "pencil"} | {
    "submit": "form", "navigation": "page", "page": "page", "marker": "flag", "scroll": "scroll", "key": "pencil",
    "request": "plug",
}  # fmt: skip


class EffectWords(msgspec.Struct):
    """One thing that followed."""

    text: str
    after_ms: int
    is_bad: bool


class StoryRow(msgspec.Struct, kw_only=True):
    """One line of the story."""

    ref: str
    t_ms: int
    icon: str
    text: str
    detail: str
    effects: list[EffectWords]
    flags: list[str]
    is_failure: bool


class Story(msgspec.Struct, kw_only=True):
    """What the analysis wrote down of a session."""

    rows: list[StoryRow] = []
    page_starts_ms: list[int] = []
    left_out: int = 0
    cut: str = ""
    verdicts: list[FindingVerdict] = []
    """Of the screen check, those with pictures."""
    moments: dict[str, int] = {}
    """Offset by row ref, for citations."""


class _Analysis(msgspec.Struct, forbid_unknown_fields=False):
    trace: Trace = msgspec.field(default_factory=Trace)
    visual: VisualResult | None = None


def read_story(document: bytes) -> tuple[Story, Trace]:
    """The story in an ``analysis_json`` artifact, and the trace it tells; empty ones where it holds none that can be read."""
    try:
        analysis = msgspec.json.decode(document, type=_Analysis)
    except msgspec.MsgspecError:
        return Story(cut="The analysis of this session is in a form this version cannot read."), Trace()
    trace = analysis.trace
    story = Story(
        rows=[tell(row) for row in trace.rows[:MAX_ROWS]],
        page_starts_ms=[segment.start_ms for segment in trace.segments],
        left_out=max(0, len(trace.rows) - MAX_ROWS),
        cut=trace.cut,
        verdicts=[one for one in analysis.visual.verdicts if one.frames] if analysis.visual else [],
        moments={row.ref: row.t_ms for row in trace.rows},
    )
    return story, trace


def tell(row: TraceRow) -> StoryRow:
    """A trace row as a line."""
    verb = ACTIONS.get(row.action, row.action.replace("_", " ").capitalize())
    target = name_control(row.target)
    effects = [_effect(effect) for effect in row.effects]
    return StoryRow(
        ref=row.ref,
        t_ms=row.t_ms,
        icon=ICONS.get(row.action, "dot"),
        text=f"{verb} {target or row.detail}".strip(),
        detail=row.detail if target else "",
        effects=effects,
        flags=[flag.replace("_", " ") for flag in row.flags],
        is_failure=row.action == "marker" or any(effect.is_bad for effect in effects),
    )


def _effect(effect: Effect) -> EffectWords:
    name = EFFECTS.get(effect.kind, effect.kind.replace("_", " "))
    text = f"{name}: {effect.detail}" if effect.detail else name
    return EffectWords(text=text, after_ms=effect.after_ms, is_bad=effect.kind in BAD_EFFECTS)


def name_control(control: Control | None) -> str:
    """A control as a person would call it: ``“Pay now” button in Checkout form``."""
    if control is None:
        return ""
    name = control.name or control.label or control.text or control.test_id
    sort = {"a": "link"}.get(control.tag, control.role or control.tag)
    named = f"“{name}” {sort}" if name else (control.selector or sort)
    return f"{named} in {control.landmark}".strip() if control.landmark else named.strip()


def evidence_lines(evidence: Any) -> list[str]:
    """The few facts of a marker's evidence worth a line each."""
    known = read_evidence(evidence)
    lines = []
    if known.type or known.message:
        lines.append(": ".join(part for part in (known.type, known.message) if part))
    if known.url:
        answered = str(known.status) if known.status else known.failure
        lines.append(" ".join(part for part in (known.method, known.url, f"→ {answered}" if answered else "") if part))
    if known.request_id:
        lines.append(f"Request id {known.request_id}")
    if known.filename:
        lines.append(f"{known.filename}:{known.lineno}:{known.colno}")
    if known.control is not None:
        named, selector = name_control(known.control), known.control.selector
        lines.append(f"{named} ({selector})" if selector and selector not in named else named)
    if known.validation_message or known.rule:
        lines.append(" · ".join(part for part in (known.validation_message, known.rule) if part))
    return [line[:300] for line in lines if line]
