"""A marker: what the SDK (or a detector) saw fail, at one moment of one session."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class MarkerKind(StrEnum):
    """The four kinds of the wire, most severe first."""

    JS_EXCEPTION = "js_exception"
    API_ERROR = "api_error"
    VALIDATION_FAILED = "validation_failed"
    UI_NO_EFFECT = "ui_no_effect"


SEVERITY_ORDER: tuple[MarkerKind, ...] = tuple(MarkerKind)


def marker_kind(word: str) -> MarkerKind:
    """The kind named by ``word``; anything unknown is ``ui_no_effect`` (wire v1)."""
    try:
        return MarkerKind(word)
    except ValueError:
        return MarkerKind.UI_NO_EFFECT


class Signal(StrEnum):
    """What exactly was seen; finer than the kind. An older client sends none."""

    EXCEPTION = "exception"
    UNHANDLED_REJECTION = "unhandled_rejection"
    CONSOLE_ERROR = "console_error"
    HTTP_ERROR = "http_error"
    NETWORK_ERROR = "network_error"
    SLOW_REQUEST = "slow_request"
    RESOURCE_ERROR = "resource_error"
    VALIDATION_REFUSED = "validation_refused"
    FORM_ABANDONED = "form_abandoned"
    RAGE_CLICK = "rage_click"
    DEAD_CLICK = "dead_click"
    ERROR_CLICK = "error_click"
    UNRESPONSIVE = "unresponsive"
    RELOAD_LOOP = "reload_loop"
    QUICK_BACK = "quick_back"
    BLANK_PAGE = "blank_page"
    ENDLESS_SPINNER = "endless_spinner"
    ERROR_SHOWN = "error_shown"
    CSP_VIOLATION = "csp_violation"
    HYDRATION_ERROR = "hydration_error"
    LONG_TASK = "long_task"
    CRASH = "crash"
    CUSTOM = "custom"
    UNKNOWN = "unknown"


SIGNAL_KINDS: dict[Signal, MarkerKind] = {
    Signal.EXCEPTION: MarkerKind.JS_EXCEPTION,
    Signal.UNHANDLED_REJECTION: MarkerKind.JS_EXCEPTION,
    Signal.CONSOLE_ERROR: MarkerKind.JS_EXCEPTION,
    Signal.HYDRATION_ERROR: MarkerKind.JS_EXCEPTION,
    Signal.CRASH: MarkerKind.JS_EXCEPTION,
    Signal.HTTP_ERROR: MarkerKind.API_ERROR,
    Signal.NETWORK_ERROR: MarkerKind.API_ERROR,
    Signal.SLOW_REQUEST: MarkerKind.API_ERROR,
    Signal.RESOURCE_ERROR: MarkerKind.API_ERROR,
    Signal.CSP_VIOLATION: MarkerKind.API_ERROR,
    Signal.VALIDATION_REFUSED: MarkerKind.VALIDATION_FAILED,
    Signal.FORM_ABANDONED: MarkerKind.VALIDATION_FAILED,
}
"""Signals not listed here are of kind ``ui_no_effect``."""


class Control(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=False):
    """A page element as a person would name it; every part may be empty."""

    node_id: int = 0
    """rrweb's id of the node in the recording; 0 where unknown."""
    tag: str = ""
    role: str = ""
    name: str = ""
    """Accessible name."""
    text: str = ""
    label: str = ""
    test_id: str = ""
    landmark: str = ""
    """Nearest landmark or heading, e.g. ``Checkout form``."""
    selector: str = ""
    input_type: str = ""
    href: str = ""


class Breadcrumb(msgspec.Struct, rename="camel", omit_defaults=True):
    """One thing that happened before a marker."""

    at: int = 0
    """Client epoch milliseconds."""
    category: str = ""
    message: str = ""
    data: dict[str, Any] = {}


class Evidence(msgspec.Struct, rename="camel", omit_defaults=True):
    """What the SDK attaches to a marker. All optional: ``read_evidence`` never fails."""

    signal: Signal = Signal.UNKNOWN
    type: str = ""
    """Error class, e.g. ``TypeError``."""
    message: str = ""
    stack: str = ""
    """The engine's own stack text, unparsed."""
    filename: str = ""
    lineno: int = 0
    colno: int = 0
    method: str = ""
    url: str = ""
    status: int = 0
    duration_ms: int = 0
    request_id: str = ""
    failure: str = ""
    """For requests without a status: ``network``, ``timeout``, ``aborted``, ``cors``."""
    control: Control | None = None
    form: str = ""
    """The form's name, id or accessible name."""
    rule: str = ""
    """The ``ValidityState`` flag that refused, e.g. ``valueMissing``."""
    validation_message: str = ""
    count: int = 0
    """Clicks, reloads or repeats."""
    debug_id: str = ""
    handled: bool = False
    breadcrumbs: list[Breadcrumb] = []
    extra: dict[str, Any] = {}


_EVIDENCE_FIELDS = msgspec.structs.fields(Evidence)


def read_evidence(raw: Any) -> Evidence:
    """``raw`` (any JSON value a client sent) as Evidence.

    Text becomes the message; an object is read field by field, and a field of the wrong
    type is left out rather than refused, since older clients send free-form objects.
    """
    if isinstance(raw, str):
        return Evidence(message=raw)
    if not isinstance(raw, dict):
        return Evidence()
    kept: dict[str, Any] = {}
    for field in _EVIDENCE_FIELDS:
        if field.encode_name not in raw:
            continue
        try:
            kept[field.name] = msgspec.convert(raw[field.encode_name], field.type, strict=False)
        except msgspec.ValidationError:
            continue
    return Evidence(**kept)


class Marker(msgspec.Struct, kw_only=True):
    """One failure as it was seen. ``(project_id, session_id, id)`` names it."""

    id: str
    project_id: str
    session_id: str
    kind: MarkerKind
    label: str
    cluster_key: str
    """``<kind>:<fingerprint>``, given by the server: the key of the issue it may become."""
    replay_offset_ms: int
    """From the session's first event, which is the player's zero."""
    observed_at: datetime
    """Aware UTC: session start plus the offset, bounded by the time of arrival."""
    evidence: Any = None
    """As received, redacted; see ``read_evidence``."""
    source: str = "sdk"
    """``sdk`` or ``analysis`` (a detector found it in the recording)."""
    state: str = "seen"
    """``seen``, ``confirmed``, ``refuted``, or ``symptom`` (joined under another marker)."""
