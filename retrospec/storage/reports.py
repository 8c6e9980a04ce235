"""Report cards and artifacts of a session."""

from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from retrospec.domain.artifact import Artifact
from retrospec.domain.finding import Finding
from retrospec.domain.report import Basis, Card, ReportCard, ReportStatus
from retrospec.domain.window import Window
from retrospec.storage.tables import artifacts, reports
from retrospec.storage.upsert import insert_into

_NAMED = (reports.c.project_id == bindparam("p")) & (reports.c.session_id == bindparam("s"))
_REPORT = select(reports).where(_NAMED)
_ARTIFACTS = (
    select(artifacts)
    .where(artifacts.c.project_id == bindparam("p"), artifacts.c.session_id == bindparam("s"))
    .order_by(artifacts.c.generated_at.desc(), artifacts.c.id.desc())
)


async def of_session(connection: AsyncConnection, project_id: str, session_id: str) -> ReportCard | None:
    """The session's report card, or None before there is one."""
    row = (await connection.execute(_REPORT, {"p": project_id, "s": session_id})).first()
    return None if row is None else _to_report(row)


async def findings_of(connection: AsyncConnection, project_id: str, session_id: str) -> list[Finding]:
    """What stage 1 concluded of the session."""
    row = (await connection.execute(_REPORT, {"p": project_id, "s": session_id})).first()
    return [] if row is None else msgspec.convert(row.findings, list[Finding])


async def save(
    connection: AsyncConnection, report: ReportCard, findings: list[Finding] | None = None
) -> None:
    """Write the card, keeping its id and creation time when there was one; findings stay unless given."""
    values: dict[str, Any] = msgspec.structs.asdict(report) | {"card": msgspec.to_builtins(report.card)}
    if findings is not None:
        values["findings"] = msgspec.to_builtins(findings)
    statement = insert_into(connection, reports).values(**values)
    kept = {"id", "created_at", "project_id", "session_id"}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "session_id"],
            set_={name: statement.excluded[name] for name in values if name not in kept},
        )
    )


async def artifacts_of(connection: AsyncConnection, project_id: str, session_id: str) -> list[Artifact]:
    """The session's artifacts, newest first."""
    found = await connection.execute(_ARTIFACTS, {"p": project_id, "s": session_id})
    return [_to_artifact(row) for row in found]


async def latest_artifact(
    connection: AsyncConnection, project_id: str, session_id: str, artifact_type: str
) -> Artifact | None:
    """The newest artifact of that type, or None."""
    for artifact in await artifacts_of(connection, project_id, session_id):
        if artifact.artifact_type == artifact_type:
            return artifact
    return None


async def save_artifact(connection: AsyncConnection, artifact: Artifact) -> None:
    """Write an artifact's row; the same id again replaces it."""
    values = msgspec.structs.asdict(artifact) | {"windows": msgspec.to_builtins(artifact.windows)}
    statement = insert_into(connection, artifacts).values(**values)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "session_id", "id"],
            set_={name: statement.excluded[name] for name in values if name != "created_at"},
        )
    )


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
