"""A marker's label and evidence read as one failure. Part of fingerprint v1: frozen once shipped.

Older clients send a label and evidence of any shape; what the evidence lacks is read from the label:
``TypeError: x is not a function at pay (app.js:1:2)``, ``POST /api/pay returned 500``, ``Rage click on #pay``.
"""

import re
from typing import Any

from msgspec import Struct, structs

from retrospec.domain.marker import Evidence, Signal, read_evidence
from retrospec.issues.stacks import Frame, parse_stack

_MAX_TEXT_CHARS = 20_000


class Failure(Struct, kw_only=True, frozen=True):
    """What a fingerprint is made of, before anything is masked."""

    label: str
    type: str = ""
    message: str = ""
    frames: tuple[Frame, ...] = ()
    raw_frames: tuple[Frame, ...] = ()
    """As the engine wrote them: ``frames`` itself unless those were mapped."""
    mapped: bool = False
    """The frames were put back to their sources by a source map."""


_ALIASES: dict[str, tuple[str, ...]] = {
    "type": ("type", "name", "errorClass", "errorType", "errorName", "exceptionType"),
    "message": ("message", "errorMessage", "msg", "reason", "text", "description"),
    "stack": ("stack", "stacktrace", "stackTrace", "trace"),
    "filename": ("filename", "fileName", "source", "sourceURL", "file", "script"),
    "lineno": ("lineno", "lineNumber", "line"),
    "colno": ("colno", "columnNumber", "column", "col"),
    "method": ("method", "httpMethod", "verb"),
    "url": ("url", "requestUrl", "endpoint", "path", "href", "uri"),
    "status": ("status", "statusCode", "httpStatus", "code"),
    "failure": ("failure", "failureMode"),
    "form": ("form", "formName", "formId", "formSelector"),
    "rule": ("rule", "validity", "validityState", "constraint"),
    "validation_message": ("validationMessage",),
}
_NESTED = ("error", "exception", "request", "response", "detail")
_OTHER_NAMES = frozenset(name for field, names in _ALIASES.items() for name in names) - {
    field.encode_name for field in structs.fields(Evidence)
} | set(_NESTED)


def as_evidence(raw: Any) -> Evidence:
    """``raw`` as Evidence, with the usual other names of its fields understood."""
    evidence = read_evidence(raw)
    if not isinstance(raw, dict) or (_OTHER_NAMES.isdisjoint(raw) and not isinstance(raw.get("rule"), dict)):
        return evidence
    flat = {**{k: v for name in _NESTED for k, v in _object(raw.get(name)).items()}, **raw}
    found: dict[str, Any] = {}
    for field, names in _ALIASES.items():
        if getattr(evidence, field) in ("", 0):
            value = next((flat[name] for name in names if name in flat and flat[name] not in (None, "")), None)
            found[field] = _converted(field, value)
    return structs.replace(evidence, **{k: v for k, v in found.items() if v is not None})


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _converted(field: str, value: Any) -> Any:
    if field in ("lineno", "colno", "status"):
        text = str(value)
        return int(text) if text.isdigit() and len(text) < 10 else None
    if field == "rule" and isinstance(value, dict):
        return next((str(flag) for flag, is_set in value.items() if is_set is True and flag != "valid"), None)
    return value if isinstance(value, str) else None


_UNCAUGHT = re.compile(
    r"(?:(?:uncaught|unhandled)(?: \(in promise\))?(?: promise)?(?: rejection| exception| error)?:?\s+"
    r"|console\.error:?\s+|js (?:error|exception):?\s+)+",
    re.I,
)
_TYPED = re.compile(r"(?P<type>[A-Za-z_$][\w$.]*(?:Error|Exception|Warning|Rejection|Failure|Fault)|DOMException)(?:: (?P<message>.*)|$)", re.S)
_TAIL = re.compile(
    r"(?P<rest>.*?)[ \n]+(?:at|in) (?:(?P<function>[\w$.<>]+) )?[(@]?"
    r"(?P<place>(?:[a-z][a-z0-9+.-]*://|/|[\w@.-]+[./])[^\s()]*:\d+(?::\d+)?)\)?",
    re.S,
)


def read_exception(label: str, raw: Any) -> Failure:
    """Type, message and frames of an exception, from wherever they stand."""
    evidence = _text_as_stack(as_evidence(raw))
    message = evidence.message if not isinstance(raw, str) else ""
    where = Frame("", evidence.filename, evidence.lineno, evidence.colno)
    failure = _as_reported(label, evidence.type, message, evidence.stack[:_MAX_TEXT_CHARS], where)
    listed, mapped = mapped_frames(raw)
    if listed:
        failure = structs.replace(failure, frames=listed, raw_frames=failure.raw_frames or listed, mapped=mapped)
    return failure if failure.message else structs.replace(failure, message=evidence.message)


def _as_reported(label: str, type_: str, message: str, stack: str, where: Frame) -> Failure:
    parsed = parse_stack(stack)
    own, tail = _without_tail(label)
    label_type, label_message = typed(own)
    header_type, header_message = typed(parsed.header)
    message_type, bare_message = typed(message)
    frames = parsed.frames or tail or ((where,) if where.file else ())
    return Failure(
        label=label,
        type=_error_type(type_) or header_type or message_type or label_type,
        message=bare_message or header_message or label_message,
        frames=frames,
        raw_frames=frames,
    )


def _text_as_stack(evidence: Evidence) -> Evidence:
    if not evidence.stack and "\n" in evidence.message and parse_stack(evidence.message[:_MAX_TEXT_CHARS]).frames:
        return structs.replace(evidence, stack=evidence.message, message="")
    return evidence


def _error_type(word: str) -> str:
    """An evidence's ``type`` when it names an error class: browsers' events have a ``type`` too."""
    return word if word[:1].isupper() or word.endswith(("Error", "Exception")) else ""


def typed(text: str) -> tuple[str, str]:
    """``Uncaught TypeError: it broke`` as (``TypeError``, ``it broke``); the type is empty where there is none."""
    bare = _UNCAUGHT.sub("", text.strip(), count=1) if _UNCAUGHT.match(text.strip()) else text.strip()
    match = _TYPED.match(bare)
    if match is None:
        return "", bare.removeprefix("Error: ")
    inner = match["message"] or ""
    nested = _TYPED.match(inner)
    if nested and match["type"] in ("Error", nested["type"]):
        return nested["type"], nested["message"] or ""
    return match["type"], inner


def _without_tail(label: str) -> tuple[str, tuple[Frame, ...]]:
    """A label without the place it ends in, and that place as a frame."""
    match = _TAIL.fullmatch(label.strip())
    if match is None:
        return label, ()
    return match["rest"], parse_stack(f"    at {match['function'] or ''} ({match['place']})").frames


def mapped_frames(raw: Any) -> tuple[tuple[Frame, ...], bool]:
    """Frames that came as objects under ``frames``: ``function, file, line, column``; source-mapped ones say so.

    ``extra.frames`` is where the server leaves what its source maps gave; a frame is mapped when ``mapped`` is true.
    """
    source = _object(raw)
    listed = source.get("frames") or _object(source.get("extra")).get("frames")
    if not isinstance(listed, list):
        return (), False
    objects = [item for item in listed[:100] if isinstance(item, dict)]
    return tuple(map(_frame, objects)), any(item.get("mapped") is True for item in objects)


def _frame(item: dict[str, Any]) -> Frame:
    def number(*names: str) -> int:
        found = next((item[n] for n in names if isinstance(item.get(n), int)), 0)
        return found if 0 < found < 2**31 else 0

    def text(*names: str) -> str:
        return next((item[n] for n in names if isinstance(item.get(n), str) and item[n]), "")[:2_000]

    file = text("file", "filename", "url", "source")
    return Frame(
        text("function", "functionName", "name", "fn"), file, number("line", "lineno", "lineNumber"),
        number("column", "colno", "columnNumber", "col"), native=file in ("", "<anonymous>", "[native code]"),
    )  # fmt: skip


_SIGNAL_WORDS: tuple[tuple[str, Signal], ...] = (
    (r"rage|repeated(?:ly)? click|angry", Signal.RAGE_CLICK),
    (r"dead click|no effect|nothing happen", Signal.DEAD_CLICK),
    (r"reload", Signal.RELOAD_LOOP),
    (r"blank|white screen", Signal.BLANK_PAGE),
    (r"spinner|loading forever|stuck loading", Signal.ENDLESS_SPINNER),
    (r"unresponsive", Signal.UNRESPONSIVE),
    (r"quick ?back", Signal.QUICK_BACK),
    (r"long task|frozen|freeze", Signal.LONG_TASK),
)
_SIGNALS = tuple((re.compile(words, re.I), signal) for words, signal in _SIGNAL_WORDS)


def read_signal(label: str, evidence: Evidence) -> Signal:
    """The evidence's signal, or what the label's words say."""
    if evidence.signal is not Signal.UNKNOWN:
        return evidence.signal
    return next((signal for words, signal in _SIGNALS if words.search(label)), Signal.UNKNOWN)
