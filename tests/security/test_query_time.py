"""A question the database would take for ever over is given up, and holds up nobody else."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from retrospec.domain.errors import Unavailable
from retrospec.serving import RunningServer
from retrospec.storage import issues
from retrospec.storage.database import Connection, Database
from retrospec.storage.scope import OutsideProject, within_project
from tests.conftest import Client, make_key, marker, serving, settings_for

FOR_EVER = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


async def _slow(connection: Connection, *_: Any, **__: Any) -> Any:
    return (await connection.execute(FOR_EVER)).all()


@pytest.fixture
def impatient(tmp_path: Path) -> Any:
    settings = settings_for(tmp_path)
    settings.limits.query_seconds = 0.2
    with serving(settings) as server:
        yield server, make_key(settings)


def test_a_slow_question_gets_a_sentence_and_a_time_to_come_back(
    impatient: tuple[RunningServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, key = impatient
    client = Client(server, key)
    assert client.send("s1", marker()).status_code == 202
    with monkeypatch.context() as patched:
        patched.setattr(issues, "list_promoted", _slow)
        refused = client.http.get("/v1/issues")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert refused.status_code == 503
    assert "limits.query_seconds" in refused.json()["error"]
    assert int(refused.headers["Retry-After"]) > 0
    assert client.http.get("/v1/issues").status_code == 200


@pytest.mark.parametrize("door", ["read", "read_once", "write", "write_soon"])
async def test_each_door_gives_up_for_requests_and_goes_on(tmp_path: Path, door: str) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'x.db'}", request_seconds=0.1)
    within_project("proj_a")
    try:
        with pytest.raises(Unavailable, match="given up"):
            await _through(database, door, _slow)
        assert (await _through(database, door, _one))[0][0] == 1
    finally:
        within_project("")
        await database.close()


@pytest.mark.parametrize("door", ["read", "read_once", "write", "write_soon"])
async def test_no_door_leads_to_another_project(tmp_path: Path, door: str) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'x.db'}")
    within_project("proj_a")
    try:
        with pytest.raises(OutsideProject):
            await _through(database, door, _theirs)
    finally:
        within_project("")
        await database.close()


async def _one(connection: Connection) -> Any:
    return (await connection.execute(text("SELECT 1"))).all()


async def _theirs(connection: Connection) -> Any:
    from sqlalchemy import select

    from retrospec.storage.tables import sessions

    return await connection.execute(select(sessions).where(sessions.c.project_id == "proj_b"))


async def _through(database: Database, door: str, work: Any) -> Any:
    if door in ("read_once", "write_soon"):
        return await getattr(database, door)(work)
    async with getattr(database, door)() as connection:
        return await work(connection)
