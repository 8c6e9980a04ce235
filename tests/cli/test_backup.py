import json
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from retrospec.domain.settings import Settings
from tests.conftest import Client, make_key, marker, serving, settings_for

from .conftest import Run


def filled(folder: Path, *names: str) -> Settings:
    settings = settings_for(folder)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name in names:
            client.send(name, marker())
            client.judged(name)
        client.http.close()
    return settings


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_backup_made_under_load_is_whole_and_comes_back_elsewhere(retrospec: Run, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.send("before", marker())
        client.judged("before")
        is_over = threading.Event()

        def load() -> None:
            number = 0
            while not is_over.is_set():
                client.send(f"during-{number}", marker())
                number += 1

        sending = threading.Thread(target=load)
        sending.start()
        for name in ("one.tar", "two.tar"):
            assert retrospec("backup", str(tmp_path / name), "--data", "data").returncode == 0
        is_over.set()
        sending.join()
        client.http.close()
    for name in ("one.tar", "two.tar"):
        assert "is whole" in retrospec("restore", name, "--verify", "--data", "data").stdout
    restored = json.loads(retrospec("restore", "two.tar", "--data", "moved", "--json").stdout)
    assert restored["rows"]["sessions"] >= 2
    moved = settings_for(tmp_path / "moved")
    with serving(moved) as server:
        client = Client(server, make_key(moved))
        assert client.judged("before")["reportCard"]["status"] == "ready"
        assert client.http.get("/v1/sessions/before/events").json()["events"]
        client.http.close()


def test_a_restore_replaces_what_is_there_and_keeps_it_beside(retrospec: Run, tmp_path: Path) -> None:
    filled(tmp_path / "data", "old")
    assert retrospec("backup", "copy.tar", "--data", "data").returncode == 0
    filled(tmp_path / "data", "newer")
    done = retrospec("restore", "copy.tar", "--data", "data")
    assert "Restored 1 sessions" in done.stdout
    with sqlite3.connect(tmp_path / "data" / "retrospec.db") as database:
        assert database.execute("SELECT id FROM sessions").fetchall() == [("old",)]
    database.close()
    (kept,) = (tmp_path / "data").glob("before-restore-*")
    with sqlite3.connect(kept / "retrospec.db") as database:
        assert len(database.execute("SELECT id FROM sessions").fetchall()) == 2
    database.close()


@pytest.mark.parametrize("damage", ["a byte", "the end", "not a tar"])
def test_a_damaged_backup_changes_nothing(retrospec: Run, tmp_path: Path, damage: str) -> None:
    filled(tmp_path / "data", "kept")
    assert retrospec("backup", "copy.tar", "--data", "data").returncode == 0
    content = bytearray((tmp_path / "copy.tar").read_bytes())
    with tarfile.open(tmp_path / "copy.tar") as tar:
        blob = next(member for member in tar if member.name.startswith("blobs/"))
    if damage == "a byte":
        content[blob.offset_data + 5] ^= 1
    (tmp_path / "copy.tar").write_bytes(content[: len(content) // 2] if damage == "the end" else b"x" * 600 if damage == "not a tar" else content)
    before = files_below(tmp_path / "data")
    done = retrospec("restore", "copy.tar", "--data", "data")
    assert done.returncode == 1 and "Nothing was changed" in done.stderr
    assert files_below(tmp_path / "data").keys() == before.keys()
    assert files_below(tmp_path / "data")["retrospec.db"] == before["retrospec.db"]


def test_a_running_server_is_not_restored_over(retrospec: Run, tmp_path: Path) -> None:
    settings = filled(tmp_path / "data", "kept")
    assert retrospec("backup", "copy.tar", "--data", "data").returncode == 0
    with serving(settings):
        done = retrospec("restore", "copy.tar", "--data", "data")
    assert done.returncode == 1 and "Another RetroSpec" in done.stderr


def test_only_so_many_scheduled_backups_stay(retrospec: Run, tmp_path: Path) -> None:
    filled(tmp_path / "data", "kept")
    folder = tmp_path / "data" / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"retrospec-2026110{day}T000000Z.tar").write_bytes(b"")
    (folder / "by-hand.tar").write_bytes(b"")
    done = retrospec("backup", "--data", "data", environ={"RETROSPEC_BACKUP_KEEP": "2"})
    assert done.returncode == 0
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3 and {"by-hand.tar", "retrospec-20261103T000000Z.tar"} < set(names)
