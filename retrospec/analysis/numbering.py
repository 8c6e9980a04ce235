"""Gives every row its ref and turns what the page said by itself into rows, so that all of it can be cited."""

from collections import Counter

from retrospec.analysis.facts import Action, Story
from retrospec.domain.trace import TraceRow

CRASH_MS = 2_000
"""Longest from an exception to what it takes down (source: OpenReplay's crash rule)."""
SLACK_MS = 300
"""A framework may empty the page just before its exception is reported."""
_LETTERS = {"marker": "m", "navigation": "n", "page": "p"}


def number_rows(story: Story) -> None:
    """Refs by time and sort of row: ``a3`` the third action, ``n1`` the first page, ``m2`` a marker, ``p1`` a page event."""
    _add_page_rows(story)
    story.actions.sort(key=lambda action: action.t_ms)
    counts: Counter[str] = Counter()
    renamed: dict[str, str] = {}
    for action in story.actions:
        letter = _LETTERS.get(action.row.action, "a")
        counts[letter] += 1
        old, action.row.ref = action.row.ref, f"{letter}{counts[letter]}"
        if old:
            renamed[old] = action.row.ref
    for facts in (story.faults, story.requests, story.refusals, story.suspicions, story.blanks, story.collapses, story.spinners, story.messages):
        for fact in facts:
            fact.ref = renamed.get(fact.ref, fact.ref)
    story.trace.rows = [action.row for action in story.actions]


def _add_page_rows(story: Story) -> None:
    for number, fault in enumerate(story.faults):
        if not fault.ref:
            fault.ref = f"fault:{number}"
            _add(story, fault.ref, fault.t_ms, fault.segment, fault.label, "exception")
    for number, request in enumerate(story.requests):
        if not request.ref and request.failed:
            request.ref = f"request:{number}"
            _add(story, request.ref, request.t_ms, request.segment, request.label, "request")
    for number, blank in enumerate(story.blanks):
        blank.ref = f"blank:{number}"
        _add(story, blank.ref, blank.start_ms, blank.segment, "nothing left to see", "blank")
    for number, collapse in enumerate(story.collapses):
        if any(fault.segment == collapse.segment and 0 <= collapse.start_ms + SLACK_MS - fault.t_ms <= CRASH_MS + SLACK_MS for fault in story.faults):
            collapse.ref = f"collapse:{number}"
            detail = f"{collapse.share:.0%} of what the page showed was gone"
            _add(story, collapse.ref, collapse.start_ms, collapse.segment, detail, "collapse")
    for number, spinner in enumerate(story.spinners):
        if not spinner.ended:
            spinner.ref = f"spinner:{number}"
            _add(story, spinner.ref, spinner.start_ms, spinner.segment, spinner.label or "busy sign", "spinner")
    for number, message in enumerate(story.messages):
        message.ref = f"message:{number}"
        _add(story, message.ref, message.t_ms, message.segment, message.text, "error_text")


def _add(story: Story, ref: str, t_ms: int, segment: int, detail: str, flag: str) -> None:
    row = TraceRow(ref=ref, t_ms=t_ms, action="page", segment=segment, detail=detail, flags=[flag])
    story.actions.append(Action(row=row, by_person=False))
