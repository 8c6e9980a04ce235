"""The trace: what a person did in a session and what followed, row by row.

Pure data, versioned; compiled by ``analysis`` and cited by report cards.
"""

import msgspec

from retrospec.domain.marker import Control

TRACE_VERSION = 1


class Effect(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that followed an action within its window."""

    kind: str
    """``request``, ``navigation``, ``dialog``, ``error_text``, ``text_change``, ``dom_change``,
    ``enabled``, ``disabled``, ``spinner``, ``scroll``, ``focus``, ``exception``, ``console_error``,
    ``validation``, ``blank``."""
    detail: str = ""
    after_ms: int = 0
    """From the action to this effect."""
    ref: str = ""
    """The marker id or row ref it stems from, where there is one."""
    node_id: int = 0


class TraceRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One action of the person, or one page event that no action caused."""

    ref: str
    """Stable within the trace, e.g. ``a12``; report sentences cite it."""
    t_ms: int
    """From the session's first event."""
    action: str
    """``click``, ``input``, ``submit``, ``key``, ``scroll``, ``navigation``, ``page``, ``marker``, ..."""
    segment: int = 0
    target: Control | None = None
    detail: str = ""
    effects: list[Effect] = []
    flags: list[str] = []
    x: int = -1
    y: int = -1


class Segment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page load of the recording."""

    index: int
    url: str
    start_ms: int
    end_ms: int
    seen: str
    """``exact``, ``stale`` (a gap or missing nodes) or ``blind`` (no snapshot)."""
    notes: list[str] = []


class Trace(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The whole story of a recording."""

    version: int = TRACE_VERSION
    started_at_ms: int = 0
    """Client epoch milliseconds of the first event: the player's zero."""
    duration_ms: int = 0
    event_count: int = 0
    segments: list[Segment] = []
    rows: list[TraceRow] = []
    cut: str = ""
    """Why the trace was cut short; empty when it was not."""
