"""What makes two failed requests the same. Part of fingerprint v1: frozen once shipped."""

import re
from typing import Any

from msgspec import Struct

from retrospec.domain.marker import Evidence, Signal
from retrospec.issues.drafts import Draft
from retrospec.issues.failure import as_evidence
from retrospec.issues.templates import MASK, file_stem, host_and_path, message_template, path_template

_MAX_MESSAGE_CHARS = 2_000
_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b")
_ADDRESS = re.compile(r"(?:https?|wss?)://[^\s\"'<>)\]]+|(?<![\w/])/(?!/)[^\s\"'<>)\]]*")
_STATUS = re.compile(
    r"(?:\b(?:status|code|https?(?:/[\d.]+)?|return(?:ed|s)|respon(?:ded|ds|se)|answer(?:ed|s)?|with|got|error|failed)|->|→|=>|[:(\[])"
    r"[\s:=(]*([45]\d\d)\b|^\s*([45]\d\d)\b",
    re.I,
)
_LAST_STATUS = re.compile(r"\s([45]\d\d)\s*$", re.M)
_OPERATION = re.compile(r"[A-Za-z_]\w{0,79}")
_FAILURES = (
    ("timeout", re.compile(r"time(?:d)?[ _-]?out", re.I)),
    ("aborted", re.compile(r"abort|cancel", re.I)),
    ("cors", re.compile(r"\bcors\b|cross-origin|access-control", re.I)),
    ("network", re.compile(r"network|failed to fetch|load failed|offline|no (?:answer|response)|connection", re.I)),
)


class Request(Struct, frozen=True):
    """A failed request as its evidence and label tell it."""

    method: str
    url: str
    status: int
    failure: str


def read_request(label: str, evidence: Evidence) -> Request:
    """The evidence's fields, and from the label what they lack."""
    text = f"{label}\n{evidence.message[:_MAX_MESSAGE_CHARS]}" if not evidence.url else label
    address = _ADDRESS.search(text)
    url = evidence.url or (address[0].rstrip(".,:;") if address else "")
    rest = _ADDRESS.sub(" ", text)
    method = _METHOD.search(rest)
    return Request(
        method=(evidence.method or (method[1] if method else "")).upper()[:10],
        url=url,
        status=evidence.status or _status_in(rest, beside_url=bool(address)),
        failure=evidence.failure or next((mode for mode, words in _FAILURES if words.search(rest)), ""),
    )


def _status_in(words: str, *, beside_url: bool) -> int:
    """The status a sentence names; a bare number is one only at its end beside a URL."""
    match = _STATUS.search(words) or (_LAST_STATUS.search(words) if beside_url else None)
    return int(next(digits for digits in match.groups() if digits)) if match else 0


def outcome_class(status: int, failure: str) -> str:
    """What the status says of the cause.

    Every 5xx is the server's fault, and one fault answers 500 or, through a proxy, 502, 503 or 504. A 4xx stays exact:
    401 (signed out), 403 (not allowed), 404 (gone), 409, 422 and 429 are different bugs with different owners.
    """
    if status >= 500:
        return "5xx"
    if status >= 400:
        return str(status)
    return failure or ("no answer" if status <= 0 else f"{status // 100}xx")


def draft_request(label: str, raw: Any, *, site: str, route: str) -> Draft:
    """Method, host where it is not the page's own, templated path, and the class of what came back."""
    evidence = as_evidence(raw)
    if evidence.signal is Signal.CSP_VIOLATION:
        return _draft_csp(label, evidence)
    request = read_request(label, evidence)
    outcome = "slow" if evidence.signal is Signal.SLOW_REQUEST else outcome_class(request.status, request.failure)
    if not request.url:
        return _draft_words(label or evidence.message, request, outcome)
    host, path = host_and_path(request.url)
    own = {host_and_path(text)[0] or text.lower().removeprefix("www.") for text in (site, route) if text}
    template = _resource(path) if evidence.signal is Signal.RESOURCE_ERROR else path_template(path)
    shown_host = "" if host in own else host
    parts = [("method", request.method or "GET"), ("host", shown_host), ("path", template),
             ("operation", _operation(evidence)), ("outcome", outcome)]  # fmt: skip
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=["ids in the path", "the query string", *(["the exact 5xx status"] if outcome == "5xx" else []), "the page it happened on"],
        tokens=[f"outcome:{outcome}", f"method:{request.method}", f"url:{host}{path}", *(f"seg:{s}" for s in template.split("/") if s)],
        title=f"{request.method or 'GET'} {shown_host}{template.replace(MASK, '…')} {_shown(outcome)}",
    )


def _draft_words(words: str, request: Request, outcome: str) -> Draft:
    template = message_template(words)
    parts = [("method", request.method), ("message", template), ("outcome", outcome)]
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=["ids and numbers"],
        tokens=[f"outcome:{outcome}", *(f"word:{word}" for word in template.lower().split())],
        title=template.replace(MASK, "…")[:120] or "Request failed",
    )


def _draft_csp(label: str, evidence: Evidence) -> Draft:
    host, path = host_and_path(evidence.url)
    parts = [("rule", message_template(evidence.rule or evidence.message or label, keep_quoted=True)), ("blocked", host or path_template(path))]
    return Draft(parts=parts, ignored=["the blocked path"], tokens=[f"{k}:{v}" for k, v in parts], title=f"Blocked by policy: {parts[1][1]}")


def _resource(path: str) -> str:
    """A file that failed to load: its name without the content hash, so that a release doesn't rename the failure."""
    folder, _, name = path.rpartition("/")
    extension = name.rpartition(".")[2] if "." in name else ""
    return f"{path_template(folder).rstrip('/')}/{file_stem(name)}{'.' + extension if extension else ''}"


def _operation(evidence: Evidence) -> str:
    """A GraphQL operation's name: all of them share one path."""
    name = evidence.extra.get("operationName") or evidence.extra.get("operation")
    return name if isinstance(name, str) and _OPERATION.fullmatch(name) else ""


def _shown(outcome: str) -> str:
    if outcome == "5xx":
        return "fails on the server (5xx)"
    if outcome.isdigit():
        return f"is refused ({outcome})"
    return "is slow" if outcome == "slow" else f"gets no answer ({outcome})"
