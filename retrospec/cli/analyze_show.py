"""An analysis as text: the verdict, the card, what the person did, line by line."""

import textwrap
from collections.abc import Iterator, Sequence

from retrospec.analysis import Analysis
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Control
from retrospec.domain.report import Sentence
from retrospec.domain.trace import Effect, Trace, TraceRow

WIDTH = 100
MAX_DETAIL_CHARS = 160
MAX_EFFECTS = 4
_SIGNS = {Standing.CONFIRMED: "failed", Standing.REFUTED: "harmless", Standing.UNSEEN: "not seen"}


def story_lines(name: str, analysis: Analysis) -> Iterator[str]:
    """The whole analysis of the recording called ``name``, for a terminal."""
    trace = analysis.trace
    yield clean(f"{name}: {trace.event_count:,} events, {clock(trace.duration_ms)}, {_pages(trace)}")
    yield ""
    yield from _wrapped(_verdict(analysis), "")
    yield from _card_lines(analysis)
    yield from _finding_lines(analysis.findings)
    yield from _trace_lines(trace)


def clean(text: str) -> str:
    """``text`` on one line without characters that steer a terminal: a recording is a stranger's words."""
    return "".join(c if c.isprintable() else " " for c in text)


def clock(t_ms: int) -> str:
    """``1:02.345`` from the session's first event."""
    seconds, ms = divmod(max(0, t_ms), 1_000)
    return f"{seconds // 60}:{seconds % 60:02}.{ms:03}"


def _pages(trace: Trace) -> str:
    count = len(trace.segments)
    return "1 page" if count == 1 else f"{count} pages"


def _verdict(analysis: Analysis) -> str:
    if analysis.status == "discarded":
        return f"No failure. {analysis.reason}"
    return f"Failure, {analysis.card.severity} severity, confidence {analysis.confidence:.2f}. {analysis.symptom}"


def _card_lines(analysis: Analysis) -> Iterator[str]:
    card = analysis.card
    yield from _sentences("Cause", card.cause)
    yield from _sentences("Where to look", card.look_at)
    yield from _sentences("What happened", card.story)
    yield from _plain("Why", card.confidence_reasons)
    yield from _plain("Not claimed, for want of evidence", card.dropped)


def _sentences(heading: str, sentences: Sequence[Sentence]) -> Iterator[str]:
    yield from _plain(heading, [f"{each.text} [{', '.join(each.refs)}]" if each.refs else each.text for each in sentences])


def _plain(heading: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield heading
    for each in texts:
        yield from _wrapped(each, "  ")


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield "Findings"
    for finding in findings:
        name = finding.signal.value.replace("_", " ")
        label = f": {finding.label}" if finding.label else ""
        yield from _wrapped(
            f"{clock(finding.t_ms):>9}  {_SIGNS[finding.standing]}, {finding.confidence:.2f}  {name}{label} [{', '.join(finding.refs)}]",
            "  ",
        )


def _trace_lines(trace: Trace) -> Iterator[str]:
    yield ""
    yield "Trace"
    for segment in trace.segments:
        if segment.seen != "exact" or segment.notes:
            notes = "; ".join(segment.notes) or "the recording does not show it whole"
            yield from _wrapped(f"page {segment.index + 1} ({clean(segment.url)}) is {segment.seen}: {notes}", "  ")
    width = max((len(row.ref) for row in trace.rows), default=0)
    for row in trace.rows:
        yield from _row_lines(row, width)
    if not trace.rows:
        yield "  The recording shows no action and no event worth a line."
    if trace.cut:
        yield from _wrapped(f"Cut short: {trace.cut}", "  ")


def _row_lines(row: TraceRow, width: int) -> Iterator[str]:
    what = " ".join(filter(None, (row.action, _named(row.target), _short(row.detail))))
    flags = f"  ({', '.join(row.flags)})" if row.flags else ""
    yield f"  {row.ref:<{width}}  {clock(row.t_ms):>9}  {what}{flags}"
    indent = " " * (width + 15)
    for effect in row.effects[:MAX_EFFECTS]:
        yield f"{indent}-> {_effect(effect)}"
    if len(row.effects) > MAX_EFFECTS:
        yield f"{indent}-> and {len(row.effects) - MAX_EFFECTS} more"


def _named(target: Control | None) -> str:
    if target is None:
        return ""
    name = target.name or target.label or target.text or target.test_id or target.selector
    return f"{target.role or target.tag} “{_short(name)}”" if name else target.role or target.tag


def _effect(effect: Effect) -> str:
    detail = f" {_short(effect.detail)}" if effect.detail else ""
    return f"{effect.kind.replace('_', ' ')}{detail} after {effect.after_ms:,} ms"


def _short(text: str) -> str:
    plain = clean(text)
    return plain if len(plain) <= MAX_DETAIL_CHARS else f"{plain[: MAX_DETAIL_CHARS - 1]}…"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(clean(text), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False)
