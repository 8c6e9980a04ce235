"""Which of a model's claims the trace supports. Numbers and names are the recording's, or the claim is dropped. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SIGNAL_KINDS, MarkerKind, Signal
from retrospec.domain.report import Card
from retrospec.domain.trace import Trace, TraceRow

_NUMBER = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)(?:\s*(ms|milliseconds?|s|sec|seconds?|min|minutes?)\b)?", re.IGNORECASE)
_NAMES = re.compile(r"“([^”]+)”|\"([^\"]+)\"|`([^`]+)`|«([^»]+)»|(https?://[^\s)>\]]+)|(?<![\w/.])(/[\w][\w./-]*)")
_UNIT_MS = {"m": 1.0, "s": 1_000.0, "min": 60_000.0}
_SLACK_SHARE = 0.05
_SLACK_MS = 50.0
"""A duration may be told this much off, as when it is rounded."""

_FAULTS = frozenset(signal for signal, kind in SIGNAL_KINDS.items() if kind is MarkerKind.JS_EXCEPTION)
_NO_EFFECT = frozenset({Signal.DEAD_CLICK, Signal.RAGE_CLICK, Signal.UNRESPONSIVE, Signal.ERROR_CLICK})
_NEEDS_A_FINDING: tuple[tuple[re.Pattern[str], frozenset[Signal]], ...] = (
    (re.compile(r"\brage[- ]?click"), frozenset({Signal.RAGE_CLICK})),
    (re.compile(r"\bdead[- ](?:click|button|link)"), _NO_EFFECT),
    (re.compile(r"\bblank (?:page|screen)|\bwhite screen"), frozenset({Signal.BLANK_PAGE})),
    (re.compile(r"\breload loop"), frozenset({Signal.RELOAD_LOOP})),
    (re.compile(r"\bendless spinner"), frozenset({Signal.ENDLESS_SPINNER})),
    (re.compile(r"\bhydration"), frozenset({Signal.HYDRATION_ERROR})),
    (re.compile(r"\bexceptions?\b|\buncaught\b|\bcrash(?:ed|es)?\b"), _FAULTS),
    (re.compile(r"\btime[ds]?[- ]?out|\bslow(?:ly|ness)?\b"), frozenset({Signal.SLOW_REQUEST, Signal.NETWORK_ERROR, Signal.ENDLESS_SPINNER, Signal.LONG_TASK})),
)  # fmt: skip
"""Words that name a kind of failure, and the findings of which one must be there for them, unless the recording has the words."""
_CODE = re.compile(r"(?<![\w/.-])(?:[a-z$_][a-z0-9$]*(?:[A-Z][\w$]*)+|[A-Za-z$][\w$]*(?:_[\w$]+)+|[\w$]+(?:\.[\w$]+)*\(\)|[\w-]+\.(?:[cm]?[jt]sx?|vue|svelte|py|go|rb|php|java))(?![\w(])")
"""What is a name in code by the look of it: ``applyDiscount``, ``order_id``, ``pay()``, ``cart.ts``."""
_NUMBER_WORDS = {"twice": "2", "two": "2", "three": "3", "thrice": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b")


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """One statement of a model and the trace rows it names as evidence."""

    text: Annotated[str, Meta(max_length=4_000)]
    refs: Annotated[list[str], Meta(max_length=100)]


class Shown(msgspec.Struct, kw_only=True):
    """What a claim can rest on."""

    times_ms: dict[str, int]
    """Moments of the trace's rows by ref."""
    words: str
    """All that trace, findings and the built-in card say, folded."""
    numbers: frozenset[str]
    spans_ms: list[float]
    signals: frozenset[Signal]


def what_is_shown(trace: Trace, findings: Iterable[Finding], card: Card) -> Shown:
    """The evidence of a session, ready to be looked up."""
    standing = [finding for finding in findings if finding.standing is not Standing.REFUTED]
    texts = [text for row in trace.rows for text in _row_texts(row)]
    texts += [text for finding in standing for text in _finding_texts(finding)]
    texts += [sentence.text for part in (card.symptom, card.cause, card.look_at, card.story) for sentence in part]
    texts += [segment.url for segment in trace.segments]
    words = _folded("\n".join(texts))
    spans = [float(row.t_ms) for row in trace.rows] + [float(effect.after_ms) for row in trace.rows for effect in row.effects]
    spans += [float(finding.evidence.duration_ms) for finding in standing] + [float(trace.duration_ms)]
    return Shown(
        times_ms={row.ref: row.t_ms for row in trace.rows},
        words=words,
        numbers=frozenset(found[1] for found in _NUMBER.finditer(words)) | _clicks_counted(trace),
        spans_ms=[span for span in spans if span > 0],
        signals=frozenset(finding.signal for finding in standing),
    )


def _clicks_counted(trace: Trace) -> frozenset[str]:
    """How often each thing was clicked, and all things together."""
    by_node = Counter(row.target.node_id for row in trace.rows if row.action == "click" and row.target is not None)
    return frozenset(str(count) for count in (*by_node.values(), by_node.total()))


def why_unsupported(claim: Claim, shown: Shown) -> str:
    """Why ``claim`` is dropped, in a clause; empty where the trace supports it."""
    unknown = [ref for ref in claim.refs if ref not in shown.times_ms]
    if not claim.refs:
        return "it names no row of the trace"
    if unknown:
        return f"the trace has no row {unknown[0][:20]}"
    text = _folded(claim.text)
    for name in _names_in(text):
        if name not in shown.words:
            return f"the recording does not show “{name[:60]}”"
    for number, unit in _NUMBER.findall(text):
        if number not in shown.numbers and not _is_span(number, unit, shown):
            return f"the recording does not show the number {number}"
    for word in _NUMBER_WORD.findall(text):
        if word not in shown.words and _NUMBER_WORDS[word] not in shown.numbers:
            return f"the recording does not show “{word}”"
    for name in _CODE.findall(claim.text):
        if name.casefold().removesuffix("()") not in shown.words:
            return f"the recording does not show “{name[:60]}”"
    for pattern, signals in _NEEDS_A_FINDING:
        named = pattern.search(text)
        if named and named[0] not in shown.words and not signals & shown.signals:
            return f"no finding says “{named[0]}”"
    return ""


def _names_in(text: str) -> Iterator[str]:
    for found in _NAMES.finditer(text):
        name = next(group for group in found.groups() if group).rstrip(".,;:!?")
        if name:
            yield name


def _is_span(number: str, unit: str, shown: Shown) -> bool:
    if not unit:
        return False
    scale = _UNIT_MS["min" if unit.startswith("min") else unit[0]]
    try:
        told_ms = float(number.replace(",", ".")) * scale
    except ValueError:
        return False
    return any(abs(told_ms - span) <= max(_SLACK_MS, _SLACK_SHARE * span) for span in shown.spans_ms)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _row_texts(row: TraceRow) -> Iterator[str]:
    yield row.detail
    if row.target is not None:
        target = row.target
        yield from (target.name, target.text, target.label, target.test_id, target.landmark, target.selector, target.href)
    yield from (effect.detail for effect in row.effects)


def _finding_texts(finding: Finding) -> Iterator[str]:
    seen = finding.evidence
    yield from (finding.label, *finding.reasons, seen.type, seen.message, seen.stack, seen.filename, seen.method)
    yield from (seen.url, seen.form, seen.rule, seen.validation_message)
    yield from (str(number) for number in (seen.status, seen.count, seen.lineno, seen.colno) if number)
