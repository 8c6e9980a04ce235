"""What a visitor was using when something failed, and whether a later session used it as well. Pure.

A watch is a control where the failure has one, else the endpoint of its request, else the page. It is named coarsely on
purpose (no landmark, no page beside a control): a use that is missed would leave a fix unverified for ever.
"""

from msgspec import Struct

from retrospec.domain.marker import Control, Evidence, MarkerKind
from retrospec.domain.trace import Trace
from retrospec.issues.controls import identify
from retrospec.issues.request_rule import read_request
from retrospec.issues.templates import host_and_path, page_template, path_template

MAX_USES = 400
"""Of one session; a visitor rarely touches a tenth of that."""
_PRESSES = frozenset({"click", "input", "submit", "key", "tap"})
_METHODS = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS ")


class Watch(Struct, frozen=True):
    """``name`` to look it up by, ``shown`` for people."""

    name: str
    shown: str


def watch_of(kind: MarkerKind, label: str, evidence: Evidence, route: str) -> Watch | None:
    """What to watch for a failure; None when nothing about it is stable."""
    if evidence.control is not None and (control := _control_watch(evidence.control)):
        return control
    if kind is MarkerKind.API_ERROR:
        request = read_request(label, evidence)
        if request.url:
            named = _endpoint(request.method or "GET", request.url)
            return Watch(f"endpoint:{named}"[:192], f"requests to {named}")
    page = page_template(route)
    return Watch(f"page:{page}"[:192], f"page {page}") if page else None


def uses_in(trace: Trace, route: str) -> frozenset[str]:
    """The names of all that the session used; at most ``MAX_USES``."""
    uses = {f"page:{page}"[:192] for page in [page_template(route), *(page_template(s.url) for s in trace.segments)] if page}
    seen: set[tuple[str, ...]] = set()
    for row in trace.rows:
        if len(uses) >= MAX_USES:
            break
        if row.action == "navigation" and (page := page_template(row.detail)):
            uses.add(f"page:{page}"[:192])
        if row.target is not None and row.action in _PRESSES and _looks_of(row.target) not in seen:
            seen.add(_looks_of(row.target))
            if control := _control_watch(row.target):
                uses.add(control.name)
        requests = [effect.detail for effect in row.effects if effect.kind == "request"]
        uses.update(_endpoint_named(text) for text in [row.detail, *requests] if text.startswith(_METHODS))
    return frozenset(uses)


def _looks_of(control: Control) -> tuple[str, ...]:
    return control.test_id, control.selector, control.role, control.name, control.text


def _control_watch(control: Control) -> Watch | None:
    identity = identify(control)
    if identity is None:
        return None
    parts = [f"{name}={value}" for name, value in identity.parts if name != "landmark"]
    return Watch(f"control:{';'.join(parts)}"[:192], identity.shown)


def _endpoint_named(text: str) -> str:
    """``POST https://shop.example/api/pay/17 500`` → ``endpoint:POST /api/pay/<*>``."""
    method, _, rest = text.partition(" ")
    return f"endpoint:{_endpoint(method, rest.split(' ')[0])}"[:192]


def _endpoint(method: str, url: str) -> str:
    return f"{method} {path_template(host_and_path(url)[1])}"
