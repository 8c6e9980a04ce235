"""Writes the report card: plain sentences, each with the rows that show it. Names and numbers come from the trace, never from anywhere else."""

import msgspec

from retrospec.analysis.facts import Action, Story
from retrospec.analysis.sources import excerpts
from retrospec.analysis.whereabouts import Place, places_of
from retrospec.analysis.wording import (
    BEHAVIOUR,
    cause_text,
    host_of,
    pressed,
    quoted,
    symptom_text,
    without_host,
)
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import SIGNAL_KINDS, MarkerKind, Signal
from retrospec.domain.report import Card, Sentence
from retrospec.domain.trace import Effect

_STORY_BEFORE = 5
"""Actions told before the failure."""
_STORY_AFTER = 4
_FIELDS_AT_ONCE = 6
"""Fields named in one sentence."""
_LED_ON_MS = 5_000
_TELLING = ("error_text", "exception", "validation", "dialog")
"""Effects worth telling before all others; the rest in order of time."""
_CHOSEN = frozenset({"radio", "checkbox"})
_PLAIN = frozenset({"request", "dom_change", "focus", "navigation"})
"""Effects that need no telling; of a page that opens, its contents neither."""


class PlainText(msgspec.Struct):
    """The card's parts as plain text."""

    symptom: str = ""
    cause: str = ""
    look_at: str = ""
    story: str = ""


def write_card(story: Story, findings: list[Finding], lead: Finding | None) -> Card:
    """The card of a session whose strongest finding is ``lead``."""
    if lead is None:
        return Card(severity="low", confidence_reasons=[_refuted(f) for f in findings[:5]])
    symptoms = [f for f in findings if f.id in lead.symptom_ids]
    card = Card(severity=severity_of(lead))
    card.symptom = [Sentence(symptom_text(story, lead, symptoms), _real(story, lead.refs), lead.t_ms)]
    card.cause = _causes(story, [lead, *symptoms[:3]])
    card.look_at = [_place(story, lead, place) for place in places_of(story, lead, symptoms)]
    card.code = next((found for each in (lead, *symptoms) if (found := excerpts(each.evidence))), [])
    card.story = _tell(story, lead)
    card.confidence_reasons = _reasons(story, lead, findings)
    return card


def severity_of(finding: Finding) -> str:
    """By what it meant for the person."""
    if finding.outcome == Outcome.BLOCKED:
        return "high"
    return "low" if finding.outcome == Outcome.UNAFFECTED else "medium"


def plain_text(card: Card) -> PlainText:
    """The card without its citations."""
    parts = (card.symptom, card.cause, card.look_at, card.story)
    return PlainText(*(" ".join(sentence.text for sentence in part) for part in parts))


def _causes(story: Story, findings: list[Finding]) -> list[Sentence]:
    sentences: dict[str, Sentence] = {}
    for finding in _telling(findings):
        text = cause_text(finding, host_of(story))
        if text and text not in sentences:
            sentences[text] = Sentence(text, _real(story, finding.refs), finding.t_ms)
    return list(sentences.values())


def _telling(findings: list[Finding]) -> list[Finding]:
    """Where code or network is the cause, that the control did nothing goes without saying."""
    lead = findings[0]
    if SIGNAL_KINDS.get(lead.signal) in (MarkerKind.JS_EXCEPTION, MarkerKind.API_ERROR):
        return [finding for finding in findings if finding is lead or finding.signal not in BEHAVIOUR]
    return [lead, *(finding for finding in findings[1:] if finding.signal != Signal.ERROR_CLICK)]


def _place(story: Story, lead: Finding, place: Place) -> Sentence:
    is_own = place.t_ms < 0
    return Sentence(place.text, _real(story, [*lead.refs, *place.refs] if is_own else list(place.refs)), lead.t_ms if is_own else place.t_ms)


def _real(story: Story, refs: list[str]) -> list[str]:
    known = {row.ref for row in story.trace.rows}
    return [ref for ref in dict.fromkeys(refs) if ref in known][:12]


def _tell(story: Story, lead: Finding) -> list[Sentence]:
    """The actions around the failure, one sentence each, and how it ended."""
    told = _worth_telling([action for action in story.actions if action.row.action in ("click", "input", "submit", "key", "navigation")])
    runs = _runs(told)
    before = [run for run in runs if run[0].t_ms <= lead.t_ms][-_STORY_BEFORE:]
    after = [run for run in runs if run[0].t_ms > lead.t_ms][:_STORY_AFTER]
    host = host_of(story)
    return [*(_sentence(run, host, is_start=run is runs[0]) for run in [*before, *after]), _ending(story, lead)]


def _worth_telling(actions: list[Action]) -> list[Action]:
    """Without what goes without saying: the click into a field that is then filled in, the value a chosen radio button takes."""
    told: list[Action] = []
    for action, following in zip(actions, [*actions[1:], None], strict=False):
        if not _leads_to(action, following) and not (told and _is_echo(told[-1], action)):
            told.append(action)
    return told


def _leads_to(action: Action, following: Action | None) -> bool:
    """A click into a field that is then filled in, or on a label whose field takes it."""
    if following is None or action.row.action != "click" or not _is_same_target(action, following):
        return False
    target = action.row.target
    return target is not None and (target.tag == "label" or (following.row.action == "input" and target.role not in _CHOSEN))


def _is_echo(told: Action, action: Action) -> bool:
    """The value a radio button or check box takes from the click just told."""
    target = action.row.target
    return action.row.action == "input" and target is not None and target.role in _CHOSEN and _is_same_target(told, action)


def _is_same_target(one: Action, other: Action) -> bool:
    a, b = one.row.target, other.row.target
    return a is not None and b is not None and (a.node_id == b.node_id or (bool(a.name) and a.name == b.name))


def _runs(actions: list[Action]) -> list[list[Action]]:
    """What is told in one sentence: repeated clicks on one thing, fields filled in one after the other, a click and where it led."""
    runs: list[list[Action]] = []
    for action in actions:
        if runs and _goes_on(runs[-1], action):
            runs[-1].append(action)
        else:
            runs.append([action])
    return runs


def _goes_on(run: list[Action], action: Action) -> bool:
    last = run[-1]
    kinds = last.row.action, action.row.action
    if kinds == ("click", "click"):
        return action.row.target is not None and last.row.target is not None and action.row.target.node_id == last.row.target.node_id
    if kinds == ("input", "input"):
        return last.row.segment == action.row.segment and not _telling_effect([last]) and len(run) < _FIELDS_AT_ONCE
    led_on = any(effect.kind == "navigation" for effect in last.row.effects)
    return kinds == ("click", "navigation") and led_on and action.t_ms - last.t_ms <= _LED_ON_MS


def _sentence(run: list[Action], host: str, *, is_start: bool) -> Sentence:
    first = run[0]
    opens = is_start and first.row.action == "navigation"
    when = "" if opens else f"After {_clock(first.t_ms)} "
    telling = _telling_effect(run)
    follow = f", then {_effect_words(telling.kind, telling.detail)}" if telling is not None else ""
    text = f"{when}{_did(run, host, is_start=opens)}{follow}."
    return Sentence(text[0].upper() + text[1:], [action.row.ref for action in run][:12], first.t_ms)


def _clock(t_ms: int) -> str:
    """``9.6 s``, ``2 min 5 s``."""
    if t_ms < 60_000:
        return f"{t_ms // 100 / 10} s"  # cut off, as the clock beside it is
    minutes, seconds = divmod(t_ms // 1000, 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def _telling_effect(run: list[Action]) -> Effect | None:
    """The most telling thing that followed; of what a new page shows, only failures."""
    plain = _PLAIN if run[-1].row.action != "navigation" else _PLAIN | {"text_change", "dialog", "enabled", "disabled", "scroll"}
    effects = [effect for action in run for effect in action.row.effects if effect.kind not in plain]
    return min(effects, key=lambda effect: _TELLING.index(effect.kind) if effect.kind in _TELLING else len(_TELLING), default=None)


def _did(run: list[Action], host: str, *, is_start: bool) -> str:
    row, last = run[0].row, run[-1].row
    if row.action == "navigation":
        place = quoted(without_host(row.detail, host)) if row.detail else "a page"
        return f"the visit began on {place}" if is_start else f"the page {place} opened" if row.detail else "a page opened"
    if row.action == "input":
        return f"the visitor filled in {_listed(list(dict.fromkeys(map(_name, run))))}"
    if row.action == "click":
        led_to = f" and came to {quoted(without_host(last.detail, host))}" if last.action == "navigation" and last.detail else ""
        return f"the visitor {pressed(row.target, sum(each.row.action == 'click' for each in run))}{led_to}"
    return "the visitor sent a form" if row.action == "submit" else "the visitor pressed a key"


def _listed(names: list[str]) -> str:
    """``“A”, “B” and “C”``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _name(action: Action) -> str:
    control = action.row.target
    name = (control.name or control.label or control.selector) if control else ""
    return quoted(name) if name else "a field"


def _effect_words(kind: str, detail: str) -> str:
    shown = quoted(detail) if detail else ""
    words = {
        "error_text": f"the page showed the error {shown}", "text_change": f"the page showed {shown}", "dialog": f"a dialog appeared {shown}".rstrip(),
        "spinner": f"the page was busy {shown}".rstrip(), "exception": f"the code failed with {shown}", "console_error": f"the page logged {shown}",
        "validation": "an entry was marked invalid", "enabled": f"{shown or 'it'} became usable", "disabled": f"{shown or 'it'} was switched off",
    }  # fmt: skip
    return words.get(kind, "the page changed")


def _ending(story: Story, lead: Finding) -> Sentence:
    end = story.trace.duration_ms
    words = {
        Outcome.BLOCKED: "The visitor did not get through before the recording ended.",
        Outcome.OVERCAME: "The visitor got through in the end.",
        Outcome.UNAFFECTED: "The visitor was not held up.",
        Outcome.UNKNOWN: "The recording doesn't show how it ended.",
    }
    last = next((a.row.ref for a in reversed(story.actions) if a.row.action != "marker"), "")
    return Sentence(words[lead.outcome], [last] if last else _real(story, lead.refs), min(end, max(lead.t_ms, end)))


def _reasons(story: Story, lead: Finding, findings: list[Finding]) -> list[str]:
    reasons = list(lead.reasons)
    segments = story.trace.segments
    if any(segment.seen == "stale" for segment in segments):
        reasons.append("parts of the recording are missing, which lowers the confidence")
    if story.trace.cut:
        reasons.append(f"the trace was cut: {story.trace.cut}")
    reasons.extend(_refuted(f) for f in findings if f.standing == Standing.REFUTED and f.marker_ids)
    return list(dict.fromkeys(reasons))[:12]


def _refuted(finding: Finding) -> str:
    return f"{quoted(finding.label or finding.signal.value)} was ruled out: {'; '.join(finding.reasons)}"
