"""Sessions that were judged before there were documents are found like the others, after a while."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert

from retrospec import filling
from retrospec.capture.compress import compress
from retrospec.domain.artifact import Artifact
from retrospec.filling import fill
from retrospec.search.documents import document_of
from retrospec.search.parse import parse
from retrospec.storage import reports, search
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.search import Page
from retrospec.storage.tables import sessions
from tests.servers.choice import blobs_url, rows_url

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STORY = b'{"trace":{"rows":[{"ref":"a1","t_ms":1,"action":"click","target":{"name":"Pay now"}}]},"findings":[],"more":1}'


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_old_sessions_get_their_documents_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_at_once: bool) -> None:
    monkeypatch.setattr(filling, "AT_ONCE", 2)
    url = rows_url(tmp_path)
    migrate(url)
    database, blobs = Database.open(url), Blobs.open(blobs_url(tmp_path))
    async with database.write() as connection:
        for number in range(5):
            at = NOW if is_at_once else NOW - timedelta(minutes=number)
            row = {"project_id": "p", "id": f"s{number}", "site": "x", "route": "/pay", "started_at": at, "duration_ms": 1, "events_object_key": "k"}
            stage = "recording" if number == 4 else "dead" if number == 3 else "done"
            await connection.execute(insert(sessions), row | {"created_at": at, "updated_at": at, "stage": stage, "not_before": at, "report_status": "ready"})
        made = Artifact(
            id="a", project_id="p", session_id="s0", artifact_type="analysis_json", artifact_key="artifacts/a.json", trigger_kind="", status="ready",
            content_type="application/json", size_bytes=1, generated_at=NOW, created_at=NOW, updated_at=NOW, windows=[],
        )  # fmt: skip
        await reports.save_artifact(connection, made)
        await reports.save_artifact(connection, msgspec.structs.replace(made, id="b", session_id="s1", artifact_key="artifacts/gone.json"))
    await blobs.put("artifacts/a.json.zst", compress(STORY))
    assert await fill(database, blobs, since=datetime(9000, 1, 1, tzinfo=UTC)) == 0, "none came since"
    assert await fill(database, blobs) == 4
    for asked, names in (("clicked:pay", {"s0"}), ("route:/pay", {"s0", "s1", "s2", "s3"})):
        async with database.read() as connection:
            found = await search.search_sessions(connection, "p", parse(asked, now=NOW), Page(), document_of)
        assert {row.id for row in found.rows} == names
    assert await fill(database, blobs) == 0
    await database.close()
