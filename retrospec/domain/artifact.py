"""An artifact: a file made from a session."""

from datetime import datetime

import msgspec

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
