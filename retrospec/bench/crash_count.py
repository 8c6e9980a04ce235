"""After the crashes: is everything that was accepted there, once, judged, and nothing left lying about?"""

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec

from retrospec.domain.clock import utc_now
from retrospec.retention.expiry import ORPHAN_AGE, sweep_orphans
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database

_UNFINISHED = "SELECT count(*) FROM sessions WHERE stage NOT IN ('done', 'dead')"
_WAITING_COLUMNS = ("id", "stage", "attempt", "not_before", "rung_at", "lease_owner", "lease_until", "last_error")
_WAITING = f"SELECT {', '.join(_WAITING_COLUMNS)} FROM sessions WHERE stage NOT IN ('done', 'dead')"
DOUBLED = {
    "sessions of issues": """SELECT count(*) FROM issues i WHERE session_count <> (SELECT count(*) FROM issue_sessions s
        WHERE s.project_id = i.project_id AND s.cluster_key = i.key AND s.counted)""",
    "people of issues": """SELECT count(*) FROM issues i WHERE user_count <> (SELECT count(*) FROM issue_people p
        WHERE p.project_id = i.project_id AND p.cluster_key = i.key)""",
    "hours of issues": """SELECT count(*) FROM issues i WHERE session_count <> (SELECT sum(session_count) FROM issue_hours h
        WHERE h.project_id = i.project_id AND h.cluster_key = i.key)""",
    "marker counts of sessions": """SELECT count(*) FROM sessions s WHERE marker_count <> (SELECT count(*) FROM markers m
        WHERE m.project_id = s.project_id AND m.session_id = s.id AND m.source = 'sdk')""",
    "event counts of sessions": """SELECT count(*) FROM sessions s WHERE event_count <> (SELECT sum(event_count) FROM chunks c
        WHERE c.project_id = s.project_id AND c.session_id = s.id)""",
}


class Accepted:
    """What the server said it kept."""

    def __init__(self) -> None:
        self.markers: dict[str, set[str]] = {}
        self.chunks: dict[str, int] = {}
        self._turn = threading.Lock()

    def note(self, session_id: str, marker_ids: list[str], chunks: int) -> None:
        """A 2xx for these."""
        with self._turn:
            self.markers.setdefault(session_id, set()).update(marker_ids)
            self.chunks[session_id] = max(chunks, self.chunks.get(session_id, 0))


class Count(msgspec.Struct, kw_only=True):
    """The account."""

    accepted_sessions: int = 0
    accepted_markers: int = 0
    lost: list[str] = []
    doubled: list[str] = []
    unfinished: int = 0
    dead: int = 0
    uncounted: int = 0
    """Judged ready, but missing in the issue their failure belongs to."""
    orphans: int = 0
    """Blobs that no row points at, after the sweep."""

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, unfinished, given up, uncounted or orphaned."""
        wrong = self.unfinished + self.dead + self.uncounted + self.orphans
        return not self.lost and not self.doubled and wrong == 0


def unfinished(data: Path) -> list[str]:
    """A line for each session without its final status: what it waits for, by its row."""
    with closing(sqlite3.connect(f"file:{data / 'retrospec.db'}?mode=ro", uri=True)) as database:
        rows = database.execute(_WAITING).fetchall()
    return [" ".join(f"{name}={value}" for name, value in zip(_WAITING_COLUMNS, row, strict=True)) for row in rows]


def count_up(data: Path, accepted: Accepted) -> Count:
    """Compare the stopped server's folder with what it had accepted; sweeps orphans first."""
    asyncio.run(_sweep(data))
    with closing(sqlite3.connect(data / "retrospec.db")) as database:
        count = Count(
            accepted_sessions=len(accepted.markers),
            accepted_markers=sum(map(len, accepted.markers.values())),
            lost=_lost(database, data / "blobs", accepted),
            doubled=[name for name, query in DOUBLED.items() if database.execute(query).fetchone()[0]],
            unfinished=database.execute(_UNFINISHED).fetchone()[0],
            dead=database.execute("SELECT count(*) FROM sessions WHERE stage = 'dead'").fetchone()[0],
        )
        count.uncounted = database.execute(
            "SELECT count(*) FROM sessions s WHERE report_status = 'ready' AND NOT EXISTS (SELECT 1 FROM issue_sessions i"
            " WHERE i.project_id = s.project_id AND i.session_id = s.id AND i.counted)"
        ).fetchone()[0]
        known = {row[0] for row in database.execute("SELECT object_key FROM chunks UNION SELECT artifact_key FROM artifacts")}
    stored = {str(path.relative_to(data / "blobs")) for path in (data / "blobs").rglob("*") if path.is_file()}
    count.orphans = sum(name.removesuffix(".zst") not in known for name in stored)
    return count


def _lost(database: sqlite3.Connection, blobs: Path, accepted: Accepted) -> list[str]:
    sessions = {row[0] for row in database.execute("SELECT id FROM sessions")}
    markers = {(row[0], row[1]) for row in database.execute("SELECT session_id, id FROM markers")}
    chunks: dict[str, list[str]] = {}
    for session_id, key in database.execute("SELECT session_id, object_key FROM chunks"):
        chunks.setdefault(session_id, []).append(key)
    lost = [f"session {name}" for name in accepted.markers if name not in sessions]
    for name, ids in accepted.markers.items():
        lost += [f"marker {each}" for each in sorted(ids) if (name, each) not in markers]
    for name, number in accepted.chunks.items():
        kept = [key for key in chunks.get(name, []) if (blobs / f"{key}.zst").is_file()]
        lost += [f"a chunk of {name}"] * max(0, number - len(kept))
    return lost


async def _sweep(data: Path) -> None:
    database, blobs = Database.open(f"sqlite:///{data / 'retrospec.db'}"), Blobs.open(f"file://{data / 'blobs'}")
    try:
        await sweep_orphans(database, blobs, now=utc_now() + ORPHAN_AGE + timedelta(hours=1))
    finally:
        await database.close()
