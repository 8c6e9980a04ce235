"""An artifact: a file made from a session."""

from datetime import datetime

import msgspec

from retrospec.domain.clock import utc_now
from retrospec.domain.session import Session
from retrospec.domain.window import Window


class Artifact(msgspec.Struct, kw_only=True):
    """``artifact_type`` is ``analysis_json``, ``replay_video``, ``clip`` or ``frame``."""

    id: str
    project_id: str
    session_id: str
    artifact_type: str
    artifact_key: str
    """Its key in the blob store; empty when skipped or failed."""
    trigger_kind: str
    status: str
    """``ready``, ``failed`` or ``skipped``."""
    reason: str = ""
    content_type: str = "application/json"
    size_bytes: int = 0
    generated_at: datetime
    created_at: datetime
    updated_at: datetime
    windows: list[Window] = []


def new_artifact(
    session: Session,
    kind: str,
    key: str,
    *,
    name: str = "",
    windows: list[Window],
    trigger: str,
    size_bytes: int,
    content_type: str = "application/json",
    reason: str = "",
) -> Artifact:
    """The row of a file just stored under ``key``; the same ``name`` (else kind) of a session again replaces it."""
    now = utc_now()
    return Artifact(
        id=f"{session.id}.{name or kind}",
        project_id=session.project_id,
        session_id=session.id,
        artifact_type=kind,
        artifact_key=key,
        trigger_kind=trigger,
        status="ready",
        reason=reason,
        content_type=content_type,
        size_bytes=size_bytes,
        generated_at=now,
        created_at=now,
        updated_at=now,
        windows=windows,
    )
