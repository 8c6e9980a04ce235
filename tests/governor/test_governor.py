"""The disk's budget and the door in front of it; the full disk is a real one, of a few megabytes."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrospec.admission import Admission, Room
from retrospec.bench.breaking import Breaker
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.errors import StorageFull, TooManyRequests, Unavailable
from retrospec.domain.settings import Settings
from retrospec.governor import Governor
from retrospec.serving import RunningServer
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for
from tests.servers.choice import on_sqlite_only, rows_of

DISK_BYTES = 24_000_000


def chunk(session_id: str, seq: int, *, has_marker: bool, padding: str = "") -> dict[str, Any]:
    now = to_epoch_ms(utc_now())
    seen = {"id": f"m{seq}", "at": now, "kind": "js_exception", "label": "TypeError: x", "evidence": {}}
    return {
        "v": 2, "sessionId": session_id, "tabId": "t", "visitorId": "v", "seq": seq, "segment": 0, "site": "shop", "route": "/",
        "url": "https://shop.example/", "startedAt": now, "sentAt": now, "final": True, "dropped": [],
        "events": [{"type": 5, "timestamp": now, "data": {"tag": "p", "payload": padding}}],
        "markers": [seen] if has_marker else [],
    }  # fmt: skip


def stop_looking(server: RunningServer) -> None:
    """The governor stands still from here on; a look that was under way has ended."""
    stands = threading.Event()

    async def look() -> None:
        stands.set()
        await asyncio.Event().wait()

    server.app.state.governor.look = look
    assert stands.wait(30)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[RunningServer, Client, Settings]]:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        yield server, client, settings
        client.http.close()


def test_behind_its_limit_the_server_asks_to_wait_and_takes_markers_longest(tmp_path: Path) -> None:
    settings = Settings()
    settings.limits.max_backlog = 10
    admission = Admission(settings=settings, backlog=10)
    admission.admit(has_markers=False)
    admission.backlog = 11
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(has_markers=False)
    assert refused.value.retry_after_s > 0
    admission.admit(has_markers=True)
    admission.backlog = 21
    with pytest.raises(TooManyRequests):
        admission.admit(has_markers=True)
    assert admission.refused == {"backlog": 2}


def test_a_refusal_reaches_the_browser_as_429_with_a_time_to_come_back(running: tuple[RunningServer, Client, Settings]) -> None:
    server, client, settings = running
    settings.limits.max_backlog = 1
    stop_looking(server)
    server.app.state.admission.backlog = 2
    refused = client.http.post("/v2/chunks", json=chunk("a", 0, has_marker=False))
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert client.http.post("/v2/chunks", json=chunk("a", 1, has_marker=True)).status_code == 202


def test_with_room_for_markers_only_the_recording_is_left_out_and_counted(running: tuple[RunningServer, Client, Settings]) -> None:
    server, client, _ = running
    stop_looking(server)
    server.app.state.admission.room = Room.MARKERS_ONLY
    assert client.http.post("/v2/chunks", json=chunk("a", 0, has_marker=False)).status_code == 503
    assert client.http.post("/v2/chunks", json=chunk("a", 1, has_marker=True)).status_code == 202
    assert [each["id"] for each in client.judged("a")["markers"]] == ["m1"]
    assert client.http.get("/v1/sessions/a/events").json()["events"] == []
    ((dropped,),) = rows_of(server.app.state.settings, "SELECT dropped FROM sessions")
    assert "disk_full" in dropped


@on_sqlite_only  # what lies on another machine weighs nothing here
def test_over_its_budget_the_healthy_go_first_and_the_pinned_last(running: tuple[RunningServer, Client, Settings]) -> None:
    _, client, settings = running
    for name in ("healthy", "pinned", "old", "shown"):
        client.send(name, *([] if name == "healthy" else [marker()]))
        client.judged(name)
    with sqlite3.connect(settings.data_dir / "retrospec.db") as connection:
        connection.execute("UPDATE sessions SET pinned = 1 WHERE id = 'pinned'")
        connection.execute("UPDATE issues SET representative_session_id = 'shown'")
    connection.close()
    gone: list[str] = []

    async def evict_all() -> None:
        database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
        governor = Governor(settings, database, blobs, Admission(settings=settings))
        settings.storage.max_gb = 1e-9
        import retrospec.governor as module

        kept = module.BATCH
        module.BATCH = 1
        left = {"healthy", "pinned", "old", "shown"}
        forget = module.forget

        async def note(*given: Any, now: Any) -> int:
            gone.extend(name for _, name in given[2])
            left.difference_update(gone)
            return await forget(*given, now=now)

        module.forget = note
        try:
            await governor.look()
        finally:
            module.forget, module.BATCH = forget, kept
            await database.close()
        assert governor._admission.room is Room.MARKERS_ONLY  # the database alone is over so small a budget

    asyncio.run(evict_all())
    assert gone == ["healthy", "old", "shown", "pinned"]
    (issue,) = client.http.get("/v1/issues").json()["issues"]
    assert issue["sessionCount"] == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_harms_nothing_is_told_and_passes(small_disk: Path) -> None:
    """Until the very last byte, filled by us and by others; then room again."""
    settings = settings_for(small_disk)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.send("before", marker())
        client.judged("before")
        state = server.app.state
        wait_for(lambda: (small_disk / "reserve").exists())

        filler = small_disk / "somebody-elses"
        _fill(filler, leave=shutil.disk_usage(small_disk).total // 30)
        wait_for(lambda: state.admission.room is Room.MARKERS_ONLY)
        assert client.http.post("/v2/chunks", json=chunk("tight", 0, has_marker=True)).status_code == 202

        _fill(small_disk / "to-the-last-byte", leave=0)
        wait_for(lambda: state.admission.room is Room.FULL)
        refused = client.http.post("/v2/chunks", json=chunk("full", 0, has_marker=True))
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
        assert client.http.get("/healthz").json()["status"] == "ok"
        assert client.session("before")["stage"] == "done"
        assert "disk is full" in state.admission.notice

        (small_disk / "to-the-last-byte").unlink()
        filler.unlink()
        wait_for(lambda: state.admission.room is Room.OPEN)
        client.send("after", marker())
        assert client.judged("after")["stage"] == client.judged("tight")["stage"] == "done"
        client.http.close()
    with sqlite3.connect(small_disk / "retrospec.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@on_sqlite_only  # the disk is another machine's
def test_a_disk_that_fills_between_two_looks_refuses_the_write_and_loses_nothing(small_disk: Path) -> None:
    """Nobody looked: the writes themselves meet the end of the disk."""
    settings = settings_for(small_disk)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.send("before", marker())
        client.judged("before")
        stop_looking(server)
        (small_disk / "reserve").unlink(missing_ok=True)
        _fill(small_disk / "everything", leave=0)
        noise = "".join(f"{number * 7919 % 99991:05d}" for number in range(60_000))
        answers = [client.http.post("/v2/chunks", json=chunk(f"x{n}", 0, has_marker=True, padding=noise)) for n in range(3)]
        assert {answer.status_code for answer in answers} == {503}
        assert all("full" in answer.json()["error"] for answer in answers)
        assert client.session("before")["stage"] == "done"
        (small_disk / "everything").unlink()
        assert client.http.post("/v2/chunks", json=chunk("x0", 0, has_marker=True, padding=noise)).status_code == 202
        assert client.judged("x0")["reportCard"]["status"] == "ready"
        client.http.close()
    with sqlite3.connect(small_disk / "retrospec.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def _fill(path: Path, *, leave: int) -> None:
    """Write until only ``leave`` bytes are free."""
    block = b"x" * 4096
    with path.open("wb", buffering=0) as file:
        try:
            while shutil.disk_usage(path.parent).free > leave:
                file.write(block)
        except OSError:
            return


def test_a_refused_point_is_unavailable_once(tmp_path: Path) -> None:
    breaker = Breaker("ring", 2, "refuse", str(tmp_path / "seen"))
    breaker.passing("ring")
    with pytest.raises(Unavailable):
        breaker.passing("ring")
    breaker.passing("ring")
    assert (tmp_path / "seen").read_text() == "ring\n"
    assert issubclass(StorageFull, Unavailable)
