"""Are the issues that came out the faults that were planted, no fewer and no more?"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from retrospec.demo.faults import FAULTS, Fault
from retrospec.demo.product import Product

REPORTS_DEADLINE_S = 90.0
POLL_EVERY_S = 0.3
QUIET_S = 1.5
"""Nothing may move for so long after all were judged."""


class Found(msgspec.Struct):
    """An issue that came out; ``fault`` is None when nobody planted it."""

    key: str
    kind: str
    symptom: str
    session_count: int
    user_count: int
    basis: str
    url: str
    labels: list[str]
    visitors: list[str]
    fault: Fault | None = None


class Inspection(msgspec.Struct):
    """What came out against what was planted."""

    found: list[Found]
    missing: list[Fault]
    statuses: dict[str, str]
    """Report status by session id."""

    @property
    def unplanted(self) -> list[Found]:
        """Issues that are no planted fault, or a planted one for the second time."""
        return [found for found in self.found if found.fault is None]

    @property
    def is_clean(self) -> bool:
        """Exactly the planted faults came out."""
        return not self.missing and not self.unplanted


class Met(msgspec.Struct, frozen=True):
    """Who a session was, and which planted fault this visitor met (empty: none)."""

    visitor: str
    fault: str


def wait_for_reports(
    product: Product, session_ids: Sequence[str], on_report: Callable[[], None]
) -> dict[str, str]:
    """Report status by session, once all have settled; the others as they are when the deadline has passed.

    A session is judged anew when a last beacon comes late, so all are looked at until nothing moves.
    """
    deadline = time.monotonic() + REPORTS_DEADLINE_S
    seen: dict[str, _Look] = {}
    while time.monotonic() < deadline:
        before, seen = seen, {session_id: _look(product, session_id) for session_id in session_ids}
        for _ in range(_settled(seen) - _settled(before)):
            on_report()
        if seen == before and _settled(seen) == len(seen):
            break
        time.sleep(QUIET_S if _settled(seen) == len(seen) else POLL_EVERY_S)
    return {session_id: look.status for session_id, look in seen.items()}


class _Look(msgspec.Struct, frozen=True):
    stage: str
    status: str
    markers: int


def _settled(looks: Mapping[str, _Look]) -> int:
    return sum(look.stage in ("done", "dead") for look in looks.values())


def _look(product: Product, session_id: str) -> _Look:
    session = product.get(f"/v1/sessions/{quote(session_id)}")["session"]
    card = session.get("reportCard") or {}
    return _Look(session["stage"], str(card.get("status", "pending")), len(session["markers"]))


def inspect(product: Product, met: Mapping[str, Met], statuses: dict[str, str]) -> Inspection:
    """Compare all shown issues with the planted faults. ``met`` is by session id."""
    found = [_found(product, issue, met) for issue in product.get("/v1/issues?state=active")["issues"]]
    missing = []
    for fault in FAULTS:
        same = [issue for issue in found if _is_about(issue, fault, met)]
        if same:
            same[0].fault = fault
        else:
            missing.append(fault)
    found.sort(key=lambda issue: FAULTS.index(issue.fault) if issue.fault else len(FAULTS))
    return Inspection(found, missing, statuses)


def _found(product: Product, issue: dict[str, Any], met: Mapping[str, Met]) -> Found:
    key = issue["key"]
    rows = product.get(f"/v1/issues/{quote(key, safe='')}/sessions?limit=200")["sessions"]
    ours = [row["sessionId"] for row in rows if row["sessionId"] in met]
    labels = {label for session_id in ours[:3] for label in _labels(product, session_id, key)}
    return Found(
        key=key, kind=issue["kind"], symptom=issue["symptom"], session_count=issue["sessionCount"],
        user_count=issue["userCount"], basis=issue["basis"], url=product.issue_url(key), labels=sorted(labels),
        visitors=[met[session_id].visitor for session_id in ours],
    )  # fmt: skip


def _labels(product: Product, session_id: str, key: str) -> list[str]:
    markers = product.get(f"/v1/sessions/{quote(session_id)}")["session"]["markers"]
    return [marker["label"] for marker in markers if marker["clusterKey"] == key]


def _is_about(found: Found, fault: Fault, met: Mapping[str, Met]) -> bool:
    """The right kind, about the right thing, and seen by nobody who did not meet the fault."""
    faults = {one.fault for one in met.values() if one.visitor in found.visitors}
    says_so = any(fault.clue in label.lower() for label in found.labels)
    return found.kind == fault.kind and faults == {fault.name} and says_so
