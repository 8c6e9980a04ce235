import asyncio
import json
from datetime import timedelta
from pathlib import Path

from retrospec.domain.clock import utc_now
from retrospec.storage.arrivals import Arrival, land
from retrospec.storage.database import Database

from .conftest import Run


async def store_session(file: Path, session_id: str, *, days_ago: int) -> None:
    then = utc_now() - timedelta(days=days_ago)
    arrival = Arrival(
        project_id="proj_default", session_id=session_id, site="shop", route="/", started_at=then,
        duration_ms=1, events_object_key="",
    )  # fmt: skip
    database = Database.open(f"sqlite:///{file}")
    async with database.write() as connection:
        await land(connection, arrival, now=then, max_markers=10)
    await database.close()


def test_what_is_past_its_time_goes_and_the_rest_stays(retrospec: Run, tmp_path: Path) -> None:
    assert retrospec("project", "create", "Shop").returncode == 0
    file = tmp_path / "retrospec-data" / "retrospec.db"
    for session_id, days_ago in [("old", 8), ("older", 40), ("young", 6)]:
        asyncio.run(store_session(file, session_id, days_ago=days_ago))
    done = retrospec("cleanup", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["deletedSessions"], told["retentionDays"]) == (2, 7)
    shorter = retrospec("cleanup", environ={"RETROSPEC_RETENTION_DAYS": "3"})
    assert "Deleted what is older than 3 days: 1 sessions" in shorter.stdout
    assert json.loads(retrospec("cleanup", "--json").stdout)["deletedSessions"] == 0
