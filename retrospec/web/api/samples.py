"""Examples for the published description, made from the shapes themselves: they cannot drift apart."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import inspect

from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.shapes import issues, project, upkeep
from retrospec.shapes.base import Answer, Body

AT = datetime(2026, 11, 23, 12, 27, 27, tzinfo=UTC)
ISSUE_KEY = "api_error:9f3c21d07ab4"
SESSION_ID = "ses_01jd8k2v9w3m5n7p9r1t3v5x7z"
_SYMPTOM = "Paying fails with “We could not take your payment” and the order is not placed"
BODIES: dict[type[Body], Body] = {
    issues.ChangeIssue: issues.ChangeIssue(state=IssueState.RESOLVED, fix_in=FixIn.NEXT, assignee="Mara"),
    issues.ChangeIssues: issues.ChangeIssues(keys=[ISSUE_KEY], state=IssueState.ACKNOWLEDGED),
    issues.NewComment: issues.NewComment(text="Only with the old payment form."),
    issues.OtherIssue: issues.OtherIssue(other="js_exception:51be0c9a77d2"),
    issues.SplitOff: issues.SplitOff(cluster_key=ISSUE_KEY),
    issues.MoveSession: issues.MoveSession(session_id=SESSION_ID, other="js_exception:51be0c9a77d2"),
    issues.Feedback: issues.Feedback(is_real=True, cluster_key=ISSUE_KEY),
    project.NewKey: project.NewKey(name="Weekly report", scopes=["read"]),
    project.KeyBounds: project.KeyBounds(origins=["https://shop.example"], daily_mb=500),
    project.RotateKey: project.RotateKey(overlap_days=14),
    project.NewShare: project.NewShare(kind="session", subject=SESSION_ID, days=14),
    upkeep.ChangeRedaction: upkeep.ChangeRedaction(fields=["customerNumber"], patterns=["KD-[0-9]{6}"]),
    upkeep.NewChannel: upkeep.NewChannel(kind="webhook", address="https://hooks.example.com/retrospec", events=["new", "regression"]),
    upkeep.ChangeChannel: upkeep.ChangeChannel(events=["new"], paused=False),
    upkeep.AskFilm: upkeep.AskFilm(film="replay_video"),
    project.Erase: project.Erase(person="customer-20418"),
}
_BY_NAME: dict[str, Any] = {
    "key": ISSUE_KEY, "cluster_key": ISSUE_KEY, "issue_key": ISSUE_KEY, "kind": "api_error", "symptom": _SYMPTOM, "state": "active",
    "severity": "high", "basis": "visual", "page": "/checkout", "route": "/checkout", "site": "shop.example",
    "sites": ["shop.example"], "title": "POST /api/orders/:id/pay → 500", "label": "POST /api/orders/:id/pay → 500",
    "session_id": SESSION_ID, "representative_session_id": SESSION_ID, "next": None, "role": "at", "verdict": "confirmed",
    "browser": "Chrome 141", "os": "Windows", "device": "desktop", "country": "NL", "report_status": "ready", "receipt": "with_replay",
    "signal": "http_error", "standing": "confirmed", "outcome": "blocked", "stage": "done", "ref": "a12", "refs": ["a12"],
    "action": "click", "kinds": ["api_error"], "tags": {"plan": "pro"}, "redactions": {"email": 2}, "rows": {"sessions": 1},
    "name": "Pay now", "scopes": ["read"], "hint": "rs_1a2b3c4", "secret": "rs_…", "author": "Mara", "id": "id_01jd8k2v9w3m5n7p9r1t",
    "url": "https://retrospec.example.com/p/proj_default/…", "path": "/v2/…", "content_type": "image/webp", "type": "frame",
    "parts": [["method", "POST"], ["place", "/api/orders/:id/pay"]], "facts": {"people": 28}, "detail": "", "sentence": _SYMPTOM,
    "text": "Clicked “Pay now” button in Checkout form", "facet": "browser", "value": "Chrome 141", "release": "2026.11.2",
    "event": "new", "status": "ready", "tag": "button", "fix_in": "next", "note": "",
    "values": {"card_number": "4242 4242 4242 4242"}, "words": "the page shows a red message", "test": "def test_…(page): …",
}  # fmt: skip


def example_of(shape: type[msgspec.Struct]) -> Any:
    """An instance of a shape as plain JSON values."""
    made = BODIES[shape] if issubclass(shape, Body) else _answer(shape)
    return msgspec.to_builtins(made)


def _answer(shape: type[msgspec.Struct]) -> msgspec.Struct:
    described = inspect.type_info(shape)
    assert isinstance(described, inspect.StructType)
    values = {field.name: _value(field.name, field.type) for field in described.fields}
    return shape(**values)


def _value(name: str, kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Answer):
        return _answer(kind.cls)
    if isinstance(kind, inspect.ListType) and isinstance(kind.item_type, inspect.StructType):
        return [_answer(kind.item_type.cls)]
    if isinstance(kind, inspect.UnionType) and name not in _BY_NAME:
        return _value(name, next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    if name in _BY_NAME and _fits(_BY_NAME[name], kind):
        return _BY_NAME[name]
    return _PLAIN[type(kind)]()


def _fits(value: Any, kind: inspect.Type) -> bool:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return any(isinstance(value, _PYTHON.get(type(one), ())) for one in kinds)


_PLAIN: dict[type, Callable[[], Any]] = {
    inspect.StrType: str, inspect.IntType: lambda: 3, inspect.FloatType: lambda: 0.96, inspect.BoolType: lambda: True,
    inspect.DateTimeType: lambda: AT, inspect.ListType: list, inspect.DictType: dict,
}  # fmt: skip
_PYTHON: dict[type, type] = {
    inspect.StrType: str, inspect.ListType: list, inspect.DictType: dict, inspect.NoneType: type(None), inspect.IntType: int,
}  # fmt: skip
