"""Report cards and artifacts of a session."""

from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select

from retrospec.domain.artifact import Artifact
from retrospec.domain.finding import Finding
from retrospec.domain.report import Basis, Card, ReportCard, ReportStatus
from retrospec.domain.session import Session
from retrospec.domain.window import Window
from retrospec.storage.database import Connection
from retrospec.storage.tables import artifacts, reports
from retrospec.storage.upsert import upsert

_NAMED = (reports.c.project_id == bindparam("p")) & (reports.c.session_id == bindparam("s"))
_REPORT = select(reports).where(_NAMED)
_ARTIFACTS = (
    select(artifacts)
    .where(artifacts.c.project_id == bindparam("p"), artifacts.c.session_id == bindparam("s"))
    .order_by(artifacts.c.generated_at.desc(), artifacts.c.id.desc())
)


def artifact_folder(session: Session) -> str:
    """``artifacts/<project>/<yyyy>/<mm>/<dd>/<session>``: stable, so that a repeated stage overwrites."""
    return f"artifacts/{session.project_id}/{session.created_at:%Y/%m/%d}/{session.id}"


async def of_session(connection: Connection, project_id: str, session_id: str) -> ReportCard | None:
    """The session's report card, or None before there is one."""
    row = (await connection.execute(_REPORT, {"p": project_id, "s": session_id})).first()
    return None if row is None else _to_report(row)


async def with_findings(
    connection: Connection, project_id: str, session_id: str
) -> tuple[ReportCard | None, list[Finding]]:
    """The report card and what stage 1 concluded."""
    row = (await connection.execute(_REPORT, {"p": project_id, "s": session_id})).first()
    if row is None:
        return None, []
    return _to_report(row), msgspec.convert(row.findings, list[Finding])


async def save(connection: Connection, report: ReportCard, findings: list[Finding] | None = None) -> None:
    """Write the card, keeping its id and creation time when there was one; findings stay unless given."""
    values: dict[str, Any] = msgspec.structs.asdict(report) | {"card": msgspec.to_builtins(report.card)}
    if findings is not None:
        values["findings"] = msgspec.to_builtins(findings)
    kept = ("id", "created_at", "project_id", "session_id")
    replaced = tuple(name for name in values if name not in kept)
    await connection.execute(upsert(connection, reports, replaced=replaced), values)


async def artifacts_of(connection: Connection, project_id: str, session_id: str) -> list[Artifact]:
    """The session's artifacts, newest first."""
    found = await connection.execute(_ARTIFACTS, {"p": project_id, "s": session_id})
    return [_to_artifact(row) for row in found]


async def latest_artifact(
    connection: Connection, project_id: str, session_id: str, artifact_type: str
) -> Artifact | None:
    """The newest artifact of that type, or None."""
    for artifact in await artifacts_of(connection, project_id, session_id):
        if artifact.artifact_type == artifact_type:
            return artifact
    return None


async def save_artifact(connection: Connection, artifact: Artifact) -> None:
    """Write an artifact's row; the same id again replaces it."""
    values = msgspec.structs.asdict(artifact) | {"windows": msgspec.to_builtins(artifact.windows)}
    replaced = tuple(name for name in values if name != "created_at")
    await connection.execute(upsert(connection, artifacts, replaced=replaced), values)


def _to_report(row: Row[Any]) -> ReportCard:
    values = dict(row._mapping)
    values.pop("findings")
    values["status"] = ReportStatus(values["status"])
    values["basis"] = Basis(values["basis"])
    values["card"] = msgspec.convert(values["card"], Card)
    return ReportCard(**values)


def _to_artifact(row: Row[Any]) -> Artifact:
    values = dict(row._mapping)
    values["windows"] = msgspec.convert(values["windows"], list[Window])
    return Artifact(**values)
