"""The doorbell: a Huey queue that says "look at this session", and the consumer that answers.

The queue may forget (Huey removes a task before it runs); the stage column does not, and the
sweep rings again. Messages are JSON: Huey's default, pickle, would make a shared queue a way to
run code.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huey import Huey
from huey.consumer import Consumer, Worker
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from retrospec.storage.engines import is_read_only
from retrospec.storage.nodes import QueueConnections

QUEUE_NAME = "retrospec"
POLL_MAX_S = 5.0
"""Between looks for rings from other processes; rings of our own wake the worker at once."""

LOG_PAGES, LOG_KEPT_BYTES = 50, 200_000
"""The queue's log is folded at so many pages; left alone it stood at 4 MB for a few rings."""

LISTEN_S = 1.0
"""How long one wait for another process's ring takes; a stop waits for its end."""

SHUTDOWN_S = 3.0
"""Work in hand that takes longer is left to be rung again."""

Advance = Callable[[str, str], None]


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Huey messages as JSON arrays of their fields."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


class Bell:
    """Wakes workers of this process; a strike between a worker's look into the queue and its sleep is not missed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._strikes = 0

    def strike(self) -> None:
        """Wake whoever waits, and whoever is about to."""
        with self._changed:
            self._strikes += 1
            self._changed.notify_all()

    def wait(self, heard: int, timeout_s: float) -> int:
        """Wait for a strike after the ``heard``-th; how many there were by now."""
        with self._changed:
            self._changed.wait_for(lambda: self._strikes != heard, timeout_s)
            return self._strikes


class Doorbell:
    """Rings for sessions; ``advance(project_id, session_id)`` runs in a worker thread for each ring."""

    def __init__(self, place: Path | str, advance: Advance) -> None:
        """``place``: a file of this process, or the URL of the PostgreSQL database that all processes share."""
        self.is_shared = isinstance(place, str)
        self._connections = QueueConnections(place) if isinstance(place, str) else None
        self._huey = _shared_queue(self._connections) if self._connections else _own_queue(Path(place))
        self._bell = Bell()
        self._task = self._huey.task(name="advance")(advance)

    def ring(self, named: Sequence[tuple[str, str]]) -> None:
        """Queue these ``(project_id, session_id)`` and wake this process's workers."""
        tasks = [self._task.s(project_id, session_id) for project_id, session_id in named]
        self._huey.storage.enqueue_all([self._huey.serialize_task(task) for task in tasks])
        self._bell.strike()

    def depth(self) -> int:
        """Rings not yet answered."""
        return int(self._huey.pending_count())

    def forget_all(self) -> None:
        """Empty the queue: at start everything due is rung anew from the stage column."""
        self._huey.flush()

    def close(self) -> None:
        """Close the queue's file, or its connections."""
        self._huey.storage.close()
        if self._connections:
            self._connections.close()

    def consumer(self, threads: int) -> "BellConsumer":
        """A consumer for this queue with that many worker threads, not started."""
        return BellConsumer(self._huey, self._bell, threads)


class _SmallLog(SqliteStorage):  # type: ignore[misc]
    """Folds its log often, which costs nothing without fsync, and keeps it short."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA secure_delete = ON").fetchall()  # names of sessions that were erased do not stay in free pages
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}").fetchall()
        return connection

    def enqueue_all(self, many: Sequence[bytes]) -> None:
        """In one commit."""
        with self.db(commit=True) as cursor:
            cursor.executemany("insert into task (queue, data, priority) values (?, ?, 0)", [(self.name, each) for each in many])


def _own_queue(path: Path) -> Huey:
    # fsync off: a doorbell need not survive a power cut, and the sweep covers it.
    return Huey(
        QUEUE_NAME, storage_class=_SmallLog, filename=str(path), fsync=False, cache_mb=1, results=False, serializer=JsonSerializer()
    )


def _shared_queue(connections: QueueConnections) -> Huey:
    """Each waiting worker listens on a connection of its own: a ring anywhere wakes one, wherever it runs."""
    from huey.storage import PostgresStorage

    class Storage(PostgresStorage):  # type: ignore[misc]
        """Leaves a server that became read-only, as it does after a failover: the next connection finds the new one."""

        def enqueue_all(self, many: Sequence[bytes]) -> None:
            """In one way to the server and back; one call wakes all who listen, and each takes what is left."""
            told = (
                f"with rung as (insert into {self.table_task} (queue, data, priority) select %s, unnest(%s::bytea[]), 0)"
                " select pg_notify(%s, '')"
            )
            with self._left_when_read_only():
                self.sql(told, (self.name, list(many), self.channel))

        def dequeue(self) -> bytes | None:
            with self._left_when_read_only():
                found: bytes | None = super().dequeue()
            return found

        @contextmanager
        def _left_when_read_only(self) -> Iterator[None]:
            try:
                yield
            except Exception as error:
                if is_read_only(error):
                    self.conn.close()
                raise

    return Huey(
        QUEUE_NAME, storage_class=Storage, connection=connections, read_timeout=LISTEN_S, table_prefix="doorbell", results=False,
        serializer=JsonSerializer(),
    )  # fmt: skip


def _in_one_line(record: logging.LogRecord) -> bool:
    """A database that is away is said in a line, not in a page for each look into the queue."""
    if record.exc_info and isinstance(record.exc_info[1], Exception):
        record.msg, record.args = f"{record.getMessage()}: {str(record.exc_info[1]).partition(chr(10))[0]}", ()
        record.exc_info = None
    return True


class BellConsumer(Consumer):  # type: ignore[misc]
    """Huey's consumer inside our process: no signal handlers, workers that wake on a ring."""

    def __init__(self, huey: Huey, bell: Bell, threads: int) -> None:
        self._bell = bell
        logging.getLogger("huey.consumer.Worker").addFilter(_in_one_line)
        super().__init__(
            huey,
            workers=threads,
            periodic=False,
            max_delay=POLL_MAX_S,
            scheduler_interval=60,
            shutdown_timeout=SHUTDOWN_S,
        )

    def _set_signal_handlers(self) -> None:
        """The server owns the process's signals."""

    def _create_worker(self) -> Worker:
        worker = super()._create_worker()
        worker.heard = 0
        worker.sleep = lambda: self._wait_for_ring(worker)
        return worker

    def _wait_for_ring(self, worker: Worker) -> None:
        if self.stop_flag.is_set():
            return
        heard = self._bell.wait(worker.heard, min(worker.delay, POLL_MAX_S))
        worker.delay = worker.delay * worker.backoff if heard == worker.heard else worker.default_delay
        worker.heard = heard

    def stop(self, graceful: bool = False) -> None:
        """Stop the workers; from a thread, never from the event loop, which their tasks need."""
        self.stop_flag.set()
        self._bell.strike()
        super().stop(graceful=graceful)
