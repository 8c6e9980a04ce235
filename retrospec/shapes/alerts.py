"""What a webhook is sent: ``retrospec.alert.v1``. Published as ``/api/alert.v1.schema.json``; within v1 fields are only added."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

SCHEMA = "retrospec.alert.v1"


class AlertFacts(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What is known of the issue at that moment; what does not apply is left out. Its texts stem from recordings."""

    symptom: str
    title: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    severity: str | UnsetType = UNSET
    people: int | UnsetType = UNSET
    sessions: int | UnsetType = UNSET
    confidence: float | UnsetType = UNSET
    basis: str | UnsetType = UNSET
    first_seen_at: datetime | UnsetType = UNSET
    last_seen_at: datetime | UnsetType = UNSET
    site: str | UnsetType = UNSET
    route: str | UnsetType = UNSET
    release: str | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    jump_ms: int | UnsetType = UNSET
    fixed_in: str | UnsetType = UNSET
    """Of a regression: the release the fix was in; empty where none was named."""
    seen_in: str | UnsetType = UNSET
    """Of a regression: the release it was met in."""
    sessions_in_hour: int | UnsetType = UNSET
    """Of a spike."""
    usual_per_hour: float | UnsetType = UNSET
    """Of a spike."""
    limit: float | UnsetType = UNSET
    """Of a spike."""
    by: str | UnsetType = UNSET
    """Of a test message: who pressed the button."""


class AlertEvent(msgspec.Struct, rename="camel", kw_only=True):
    """One thing that happened."""

    id: str
    """The same in every attempt, and in the message of every rule that tells of it."""
    event: Literal["new", "regression", "spike", "test"]
    at: datetime
    project_id: str
    issue_key: str
    """Empty for a test message."""
    facts: AlertFacts
    issue_url: str
    moment_url: str
    """The replay, at the moment it failed."""
    image_url: str
    """A picture of the moment, by a signed link; empty where none was taken."""


class Alert(msgspec.Struct, kw_only=True):
    """The body of a webhook: one event, or several of a digest."""

    schema: Literal["retrospec.alert.v1"] = "retrospec.alert.v1"
    id: str
    """Of the message, as in ``Idempotency-Key``; the same when it is sent again."""
    events: list[AlertEvent]


def alert_schema() -> dict[str, Any]:
    """JSON Schema of a webhook's body."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Alert)}
