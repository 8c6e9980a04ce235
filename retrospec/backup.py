"""Backups: the database and every blob in one checksummed file, made while the server runs; and the way back.

The file is a tar: ``retrospec.db``, ``secret.key``, ``blobs/…``, and last ``manifest.json`` with the SHA-256
of each. The database is copied first: whatever its rows point at was stored before them.
"""

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import msgspec

from retrospec import __version__
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound, RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.storage.blobs import Blobs
from retrospec.storage.folder import held_folder
from retrospec.storage.migrate import known_revisions
from retrospec.storage.snapshot import copy_database, counts_of, damages_of, revision_of

DATABASE, SECRET, MANIFEST, BLOBS = "retrospec.db", "secret.key", "manifest.json", "blobs/"
BACKUP_SUFFIX = ".tar"
READ_BYTES = 1 << 20


class BadBackup(RetroSpecError):
    """A backup that cannot be restored; nothing was changed."""


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup holds."""

    version: str
    revision: str
    """Of the database's schema."""
    created_at: datetime
    rows: dict[str, int]
    files: dict[str, str]
    """Name in the archive → SHA-256."""
    missing: int = 0
    """Blobs deleted while the backup ran."""


class Backup(msgspec.Struct, kw_only=True):
    """A backup just made."""

    name: str
    size_bytes: int
    blobs: int
    rows: dict[str, int]
    missing: int


class _Counted(io.RawIOBase):
    """Passes bytes on and counts them."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._sink.write(bytes(content))
        self.written += len(content)
        return len(content)


async def back_up(settings: Settings, store: Blobs, name: str = "") -> Backup:
    """Write a backup called ``name`` into ``store``; the file appears there once it is whole."""
    name = name or f"retrospec-{utc_now():%Y%m%dT%H%M%S}Z{BACKUP_SUFFIX}"
    blobs = Blobs.open(settings.blobs_url)
    with tempfile.TemporaryDirectory(prefix="retrospec-backup-") as scratch:
        copy = Path(scratch) / DATABASE
        copy_database(settings.database_url, copy)
        manifest = Manifest(
            version=__version__, revision=revision_of(copy), created_at=utc_now(), rows=counts_of(copy), files={}
        )
        with closing(store.open_writer(name)) as sink:
            counted = _Counted(sink)
            with tarfile.open(fileobj=cast(IO[bytes], counted), mode="w|", format=tarfile.PAX_FORMAT) as archive:
                _add_file(archive, manifest, DATABASE, copy)
                if (settings.data_dir / SECRET).is_file():
                    _add_file(archive, manifest, SECRET, settings.data_dir / SECRET)
                await _add_blobs(archive, manifest, blobs)
                _add_bytes(archive, MANIFEST, msgspec.json.encode(manifest))
    count = sum(each.startswith(BLOBS) for each in manifest.files)
    return Backup(name=name, size_bytes=counted.written, blobs=count, rows=manifest.rows, missing=manifest.missing)


async def _add_blobs(archive: tarfile.TarFile, manifest: Manifest, blobs: Blobs) -> None:
    async for blob in blobs.list(""):
        try:
            content = await blobs.get(blob.key)
        except NotFound:
            manifest.missing += 1  # past its time, and deleted since the listing
            continue
        manifest.files[f"{BLOBS}{blob.key}"] = hashlib.sha256(content).hexdigest()
        _add_bytes(archive, f"{BLOBS}{blob.key}", content)


def _add_file(archive: tarfile.TarFile, manifest: Manifest, name: str, path: Path) -> None:
    with path.open("rb") as file:
        manifest.files[name] = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        info = _info(name, path.stat().st_size)
        archive.addfile(info, file)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_info(name, len(content)), io.BytesIO(content))


def _info(name: str, size_bytes: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size_bytes, 0o600, int(utc_now().timestamp())
    return info


async def rotate(store: Blobs, keep: int) -> list[str]:
    """Delete all but the ``keep`` newest backups made by schedule; their names."""
    names = sorted([blob.key async for blob in _own(store)])
    gone = names[:-keep]
    for name in gone:
        await store.delete(name)
    return gone


async def _own(store: Blobs) -> AsyncIterator[Any]:
    async for blob in store.list(""):
        if blob.key.startswith("retrospec-") and blob.key.endswith(f"Z{BACKUP_SUFFIX}"):
            yield blob


def restore(settings: Settings, archive: Path) -> tuple[Manifest, Path]:
    """Verify ``archive`` whole, then put it in the place of what is there.

    The manifest, and the folder beside it that keeps what was replaced. Raises BadBackup before anything
    is changed, Conflict while a server runs.
    """
    data = settings.data_dir
    stamp = f"{utc_now():%Y%m%dT%H%M%SZ}"
    with held_folder(data):
        fresh, old = data / f"restoring-{stamp}", data / f"before-restore-{stamp}"
        try:
            manifest = _unpack(archive, fresh)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        old.mkdir()
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "queue.db", "queue.db-wal", "queue.db-shm", SECRET, "blobs"):
            if (data / name).exists():
                (data / name).replace(old / name)
        for part in fresh.iterdir():
            part.replace(data / part.name)
        fresh.rmdir()
        _place_blobs_elsewhere(settings)
    return manifest, old


def verify(archive: Path, scratch: Path) -> Manifest:
    """Unpack into ``scratch`` and check every byte. Raises BadBackup."""
    return _unpack(archive, scratch)


def _unpack(archive: Path, folder: Path) -> Manifest:
    folder.mkdir(mode=0o700)
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(archive, mode="r|") as tar:
            for member, content in _members(tar):
                if member.name == MANIFEST:
                    manifest = msgspec.json.decode(content.read(), type=Manifest)
                else:
                    found[member.name] = _keep(content, folder, member.name)
    except FileNotFoundError as error:
        raise NotFound(f"There is no backup {archive}.") from error
    except (tarfile.TarError, msgspec.DecodeError, EOFError) as error:
        raise BadBackup(f"{archive} cannot be read: {error}. Nothing was changed.") from error
    if manifest is None:
        raise BadBackup(f"{archive} has no manifest: it was cut short. Nothing was changed.")
    _check(archive, folder, manifest, found)
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        parts = Path(member.name).parts
        if content is None or ".." in parts or Path(member.name).is_absolute():
            raise BadBackup(f"{member.name!r} has no place in a backup. Nothing was changed.")
        yield member, cast(BinaryIO, content)


def _keep(content: BinaryIO, folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := content.read(READ_BYTES):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _check(archive: Path, folder: Path, manifest: Manifest, found: dict[str, str]) -> None:
    wrong = [name for name, digest in manifest.files.items() if found.get(name) != digest]
    if wrong or set(found) - set(manifest.files):
        named = ", ".join([*wrong, *sorted(set(found) - set(manifest.files))][:3])
        raise BadBackup(f"{archive} is not what was written: {named}. Nothing was changed.")
    if damages := damages_of(folder / DATABASE):
        raise BadBackup(f"The database in {archive} is damaged: {damages[0]}. Nothing was changed.")
    if manifest.revision not in known_revisions():
        raise BadBackup(
            f"{archive} was made by RetroSpec {manifest.version}, which is newer than this. Nothing was changed.",
            hint="Restore it with that version.",
        )


def _place_blobs_elsewhere(settings: Settings) -> None:
    """Where recordings are not kept in the data folder, bring them to where they are."""
    source = settings.data_dir / "blobs"
    store = Blobs.open(settings.blobs_url)
    if store.folder == source or not source.is_dir():
        return
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        store.put_here(path.relative_to(source).as_posix(), path.read_bytes())
    shutil.rmtree(source)
