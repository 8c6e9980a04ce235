"""``retrospec move``: a whole installation from one database and blob store to another, and back.

Rows go over in pieces, each with a note of how far it came; recordings are read back and compared as they go.
Whatever stops it, the same command goes on where it stopped. At the end both sides are counted and summed up, and
only then may a server start over the target. The source is only read.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import msgspec

from retrospec.domain.errors import Conflict, SettingsError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import without_password
from retrospec.storage import move_rows
from retrospec.storage.blobs import Blobs
from retrospec.storage.folder import held_folder
from retrospec.storage.migrate import make_ready_for_move
from retrospec.storage.move_rows import Engine, MoveFailed, Reached, Sum
from retrospec.storage.nodes import is_shared

BLOBS = "blobs"
AT_ONCE = 8
"""Blobs on their way at the same time."""
BATCH_BLOBS = 64
KEY_FILES = ("secret.key", "secret.previous.key")
"""The folder's signing keys: what they signed is still read where they go along."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0…1."""


class Moved(msgspec.Struct, kw_only=True, rename="camel"):
    """What is in the target now, checked against the source."""

    tables: dict[str, Sum]
    blobs: int
    bytes: int
    was_resumed: bool
    keeps_links: bool
    """Whether what the source signed (links to artifacts) is read by the target."""

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(each.rows for each in self.tables.values())


def move(source: Settings, target: Settings, progress: Progress) -> Moved:
    """Bring everything of ``source`` into ``target``, or what a move before left to do.

    Raises Conflict while either is in use or the target holds anything else, SettingsError where the two cannot be
    source and target, MoveFailed when what arrived is not what was sent, Unavailable when a server goes away meanwhile.
    """
    _refuse_same(source, target)
    from_rows = move_rows.open_source(source.database_url)
    move_rows.refuse_other_schema(from_rows)
    with _unused(source, "source"), _unused(target, "target"):
        move_rows.refuse_in_use(from_rows, "source")
        make_ready_for_move(target.database_url)
        to_rows = move_rows.open_target(target.database_url)
        try:
            move_rows.refuse_in_use(to_rows, "target")
            return _move(source, target, from_rows, to_rows, progress)
        finally:
            from_rows.dispose()
            to_rows.dispose()


def _move(source: Settings, target: Settings, from_rows: Engine, to_rows: Engine, progress: Progress) -> Moved:
    blobs = _BlobMove(source, target, to_rows)
    blobs.refuse_foreign()
    was_resumed = move_rows.begin(to_rows, without_password(source.database_url))
    rows = _Share("rows", sum(move_rows.count_rows(from_rows, table) for table in move_rows.tables()), progress)
    for table in move_rows.tables():
        move_rows.move_table(from_rows, to_rows, table, rows.add)
    move_rows.set_sequences(to_rows)
    blobs.move(progress)
    sums = _compare(from_rows, to_rows, _Share("checking", 2 * rows.total, progress))
    blobs.compare()
    keeps_links = _take_keys_along(source, target)
    move_rows.finish(to_rows)
    return Moved(tables=sums, blobs=blobs.count, bytes=blobs.bytes, was_resumed=was_resumed, keeps_links=keeps_links)


class _Share:
    """How much of something is done."""

    def __init__(self, what: str, total: int, progress: Progress) -> None:
        self._what, self.total, self._progress, self._done = what, total, progress, 0

    def add(self, count: int) -> None:
        """So many more."""
        self._done += count
        self._progress(self._what, self._done / self.total if self.total else 1.0)


def _compare(source: Engine, target: Engine, checked: _Share) -> dict[str, Sum]:
    sums = {}
    for table in move_rows.tables():
        sent, arrived = (move_rows.sum_of(engine, table, checked.add) for engine in (source, target))
        if sent != arrived:
            raise MoveFailed(
                f"{table.name} has {sent.rows:,} rows in the source and {arrived.rows:,} in the target, or their contents differ.",
                hint="Was the source used since the move began? Empty the target and move again; the source was not changed.",
            )
        sums[table.name] = arrived
    return sums


def _refuse_same(source: Settings, target: Settings) -> None:
    if source.database_url == target.database_url:
        raise SettingsError(
            "Source and target name the same database.",
            hint="--config (or --data) names where everything is now, --to the settings of where it shall be.",
        )


@contextmanager
def _unused(settings: Settings, what: str) -> Iterator[None]:
    """Hold the data folder of an installation on SQLite, so that no server starts meanwhile."""
    try:
        with nullcontext() if is_shared(settings) else held_folder(settings.data_dir):
            yield
    except Conflict as error:
        if "is serving" not in error.message:
            raise
        raise Conflict(
            f"The {what} is in use: {error.message}",
            hint="Stop that server first (Ctrl-C, kill -TERM, or systemctl stop retrospec), then move again.",
        ) from error


def _take_keys_along(source: Settings, target: Settings) -> bool:
    if source.server.signing_secret or target.server.signing_secret:
        return source.server.signing_secret == target.server.signing_secret
    target.data_dir.mkdir(parents=True, exist_ok=True)
    for name in KEY_FILES:
        if (source.data_dir / name).exists() and source.data_dir != target.data_dir:
            shutil.copy2(source.data_dir / name, target.data_dir / name)
    return True


class _BlobMove:
    """Recordings, pictures and films from one store to the other; nothing where both are the same store."""

    def __init__(self, source: Settings, target: Settings, state: Engine) -> None:
        self._is_needed = source.blobs_url != target.blobs_url
        self._source, self._target = Blobs.open(source.blobs_url), Blobs.open(target.blobs_url)
        self._state = state
        self.count = self.bytes = 0

    def refuse_foreign(self) -> None:
        """Raises Conflict where a move that begins finds blobs in the target already."""
        if self._is_needed and not move_rows.is_begun(self._state) and asyncio.run(_any(self._target)):
            raise Conflict("The target's blob store is not empty.", hint="Name an empty bucket, prefix or folder: nothing is ever overwritten.")

    def move(self, progress: Progress) -> None:
        """Bring over what is not there yet. Raises MoveFailed when one reads back differently."""
        if not self._is_needed:
            return
        sizes = asyncio.run(_sizes(self._source))
        keys, at = sorted(sizes), move_rows.reached(self._state, BLOBS)
        left = [key for key in keys if not at.key or key > at.key[0]]
        share = _Share("recordings", len(keys), progress)
        share.add(len(keys) - len(left))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for first in range(0, len(left), BATCH_BLOBS):
                batch = left[first : first + BATCH_BLOBS]
                list(threads.map(self._move_one, batch))
                move_rows.note_alone(self._state, BLOBS, Reached([batch[-1]], len(keys) - len(left) + first + len(batch)))
                share.add(len(batch))
        self.count, self.bytes = len(keys), sum(sizes.values())

    def _move_one(self, key: str) -> None:
        content = self._source.get_here(key)
        self._target.put_here(key, content)
        if hashlib.sha256(self._target.get_here(key)).digest() != hashlib.sha256(content).digest():
            raise MoveFailed(f"{key} reads back differently from the target's blob store.")

    def compare(self) -> None:
        """Raises MoveFailed unless both stores list the same keys with the same sizes."""
        if not self._is_needed:
            return
        sent, arrived = asyncio.run(_sizes(self._source)), asyncio.run(_sizes(self._target))
        if differing := sorted(set(sent.items()) ^ set(arrived.items())):
            raise MoveFailed(f"The stores differ in {len(differing)} blobs, among them {differing[0][0]}.", hint="Run the same command again.")


async def _any(blobs: Blobs) -> bool:
    async for _ in blobs.list(""):
        return True
    return False


async def _sizes(blobs: Blobs) -> dict[str, int]:
    return {blob.key: blob.size_bytes async for blob in blobs.list("")}
