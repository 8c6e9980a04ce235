"""The doorbell: rings reach a worker at once, and what it carries is JSON."""

import json
import sqlite3
import threading
from pathlib import Path

from retrospec.jobs.queue import LOG_KEPT_BYTES, LOG_PAGES, Doorbell


def test_a_ring_wakes_a_worker_with_the_session_it_names(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    both = threading.Event()

    def advance(project_id: str, session_id: str) -> None:
        heard.append((project_id, session_id))
        if len(heard) == 2:
            both.set()

    doorbell = Doorbell(tmp_path / "queue.db", advance)
    consumer = doorbell.consumer(threads=1)
    consumer.start()
    doorbell.ring([("p", "one"), ("p", "two")])
    assert both.wait(10)
    consumer.stop(graceful=True)
    doorbell.close()
    assert heard == [("p", "one"), ("p", "two")]


def test_its_log_stays_short_whatever_was_rung(tmp_path: Path) -> None:
    doorbell = Doorbell(tmp_path / "queue.db", lambda _project, _session: None)
    doorbell.ring([("project", f"session-{number}") for number in range(500)])
    doorbell.forget_all()
    assert (tmp_path / "queue.db-wal").stat().st_size <= LOG_KEPT_BYTES + LOG_PAGES * 4_200
    doorbell.close()


def test_a_queued_message_is_json_and_holds_ids_only(tmp_path: Path) -> None:
    doorbell = Doorbell(tmp_path / "queue.db", lambda _project, _session: None)
    doorbell.ring([("p", "one")])
    with sqlite3.connect(tmp_path / "queue.db") as connection:
        (stored,) = connection.execute("SELECT data FROM task").fetchone()
    connection.close()
    assert ["p", "one"] in json.loads(stored)
    assert doorbell.depth() == 1
    doorbell.forget_all()
    assert doorbell.depth() == 0
    doorbell.close()
