"""The blob store: recordings and artifacts, on the local disk or in an S3-compatible store."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from obstore import open_writer
from obstore.exceptions import BaseError as StoreError
from obstore.store import LocalStore, ObjectStore, S3Store

from retrospec.domain.errors import NotFound, SettingsError, StorageFull, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config

_STAGED = re.compile(r"#\d+$")
"""How the local store names a file until it is whole; listings leave those out."""


class BlobMeta(msgspec.Struct):
    """A stored blob's name, size and age."""

    key: str
    size_bytes: int
    modified_at: datetime


class Blobs:
    """Opened with ``Blobs.open``. Keys are relative paths with ``/``.

    A put is atomic: readers see the whole old blob or the whole new one.
    """

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self.folder = folder
        """Where blobs lie as files; None for a store elsewhere."""

    @classmethod
    def open(cls, url: str) -> "Blobs":
        """The store at ``file:///folder`` (made if missing) or ``s3://bucket/prefix?endpoint=…``."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            Path(parts.path).mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(prefix=parts.path, automatic_cleanup=True), Path(parts.path))
        if parts.scheme == "s3":
            return cls(_s3_store(parts.netloc, parts.path.strip("/"), parts.query))
        raise SettingsError(
            f"blobs.url starts with {parts.scheme!r}; use file:///folder or s3://bucket/prefix"
        )

    async def put(self, key: str, content: bytes) -> None:
        """Store ``content`` under ``key``, replacing what was there."""
        await asyncio.to_thread(self.put_here, key, content)

    def put_here(self, key: str, content: bytes) -> None:
        """``put`` for a worker thread that has other work on the same content anyway."""
        with _failures_named(key):
            self._store.put(key, content)

    def open_writer(self, key: str) -> Any:
        """A file to write ``key`` to piece by piece; it is there once the file is closed."""
        return open_writer(self._store, key)

    async def get(self, key: str) -> bytes:
        """The content of ``key``. Raises NotFound."""
        return await asyncio.to_thread(self.get_here, key)

    def get_here(self, key: str) -> bytes:
        """``get`` for a worker thread."""
        with _failures_named(key):
            return bytes(self._store.get(key).bytes())

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes ``[start, end)`` of ``key``. Raises NotFound."""
        with _failures_named(key):
            return bytes(await self._store.get_range_async(key, start=start, end=end))

    async def delete(self, key: str) -> None:
        """Remove ``key``; not an error when it is gone already."""
        with suppress(NotFound), _failures_named(key):
            await self._store.delete_async(key)

    def drop_torn(self, *, before: datetime) -> int:
        """Delete local files of writes that a crash cut short, last touched before ``before``; how many."""
        torn = [
            path
            for path in (self.folder.rglob("*#*") if self.folder else ())
            if _STAGED.search(path.name) and path.stat().st_mtime < before.timestamp()
        ]
        for path in torn:
            path.unlink(missing_ok=True)
        return len(torn)

    async def list(self, prefix: str) -> AsyncIterator[BlobMeta]:
        """Every blob below ``prefix``, in pages, in no order to rely on."""
        async for page in self._store.list(prefix):
            for entry in page:
                yield BlobMeta(entry["path"], entry["size"], entry["last_modified"])


@contextmanager
def _failures_named(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{key} is not in the blob store.") from error
    except (StoreError, OSError) as error:
        if "No space left" in str(error) or "os error 28" in str(error):
            raise StorageFull(f"The disk is full: {key} was not stored.", retry_after_s=60) from error
        raise Unavailable(f"The blob store failed on {key}: {error}") from error


def _s3_store(bucket: str, prefix: str, query: str) -> S3Store:
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    if options.get("endpoint", "").startswith("http://"):
        options["allow_http"] = "true"
    return S3Store(bucket, prefix=prefix or None, config=cast("S3Config", options))
