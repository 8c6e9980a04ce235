"""Doors for an outside analyzer or renderer (wire v1)."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import post

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Forbidden
from retrospec.domain.report import ReportStatus
from retrospec.domain.window import Window
from retrospec.storage import reports
from retrospec.web.access import needs_internal
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import find_session
from retrospec.web.api.wire import ArtifactAnswer, ReportAnswer, wire_artifact, wire_report

ARTIFACT_TYPES = ("analysis_json", "replay_video")
ARTIFACT_STATUSES = ("ready", "failed", "skipped")
CONTENT_TYPES = {"analysis_json": "application/json", "replay_video": "video/webm"}


class OutsideReport(msgspec.Struct, rename="camel", kw_only=True):
    """A report card written elsewhere; an empty field keeps what the card had."""

    project_id: str
    session_id: str
    status: ReportStatus
    symptom: str = ""
    technical_root_cause: str = ""
    suggested_fix: str = ""
    text_summary: str = ""
    visual_summary: str = ""
    confidence: Annotated[float, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": 1})] = 0.0
    generated_at: datetime | None = None


class OutsideArtifact(msgspec.Struct, rename="camel", kw_only=True):
    """An artifact made elsewhere and already in the blob store."""

    project_id: str
    session_id: str
    artifact_type: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*ARTIFACT_TYPES]})]
    artifact_key: str = ""
    trigger_kind: str = ""
    status: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*ARTIFACT_STATUSES]})]
    generated_at: datetime | None = None
    windows: list[Window] = []


@post("/v1/internal/analysis-reports", guards=[needs_internal], status_code=202, tags=["internal"])
async def report_from_outside(request: AnyRequest) -> ReportAnswer:
    """Write a session's card; ``pending`` sends it on to replay, any other status settles it."""
    sent = _read(await request.body(), OutsideReport)
    _stay_in_project(request, sent.project_id)
    if not 0 <= sent.confidence <= 1:
        raise BadRequest(f"confidence is {sent.confidence}; use 0 to 1", field="confidence")
    await find_session(request, sent.session_id, sent.project_id)
    report = await request.app.state.pipeline.accept_report(sent)
    return ReportAnswer(wire_report(report))


@post("/v1/internal/replay-results", guards=[needs_internal], status_code=202, tags=["internal"])
async def replay_from_outside(request: AnyRequest) -> ArtifactAnswer:
    """Note an artifact that an outside renderer stored."""
    sent = _read(await request.body(), OutsideArtifact)
    _stay_in_project(request, sent.project_id)
    session = await find_session(request, sent.session_id, sent.project_id)
    _check_artifact(sent)
    now = utc_now()
    artifact = Artifact(
        id=f"{session.id}.{sent.artifact_type}",
        project_id=session.project_id,
        session_id=session.id,
        artifact_type=sent.artifact_type,
        artifact_key=sent.artifact_key,
        trigger_kind=sent.trigger_kind,
        status=sent.status,
        content_type=CONTENT_TYPES[sent.artifact_type],
        size_bytes=await _size_of(request, sent),
        generated_at=sent.generated_at or now,
        created_at=now,
        updated_at=now,
        windows=sent.windows,
    )
    async with request.app.state.database.write() as connection:
        await reports.save_artifact(connection, artifact)
    request.app.state.metrics.replay_artifacts.labels(sent.status).inc()
    return ArtifactAnswer(wire_artifact(artifact))


async def _size_of(request: AnyRequest, sent: OutsideArtifact) -> int:
    if sent.status != "ready":
        return 0
    return len(await request.app.state.blobs.get(sent.artifact_key))


def _check_artifact(sent: OutsideArtifact) -> None:
    if sent.artifact_type not in ARTIFACT_TYPES:
        raise BadRequest(f"artifactType is {sent.artifact_type!r}; use one of {', '.join(ARTIFACT_TYPES)}")
    if sent.status not in ARTIFACT_STATUSES:
        raise BadRequest(f"status is {sent.status!r}; use one of {', '.join(ARTIFACT_STATUSES)}")
    parts = sent.artifact_key.split("/")
    is_own = len(parts) > 2 and sent.project_id in parts[1:2] and sent.session_id in "/".join(parts[2:])
    if sent.status == "ready" and (not is_own or ".." in parts):
        raise BadRequest("artifactKey is not below this session's own folder.", field="artifactKey")


def _stay_in_project(request: AnyRequest, project_id: str) -> None:
    key = request.state.key
    if key is not None and key.project_id != project_id:
        raise Forbidden("This key belongs to another project.")


def _read(body: bytes, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body does not fit: {error}") from error


ROUTES = [report_from_outside, replay_from_outside]
