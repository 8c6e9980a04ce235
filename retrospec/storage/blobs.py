"""The blob store: recordings and artifacts, on the local disk or in an S3-compatible store."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

import msgspec
from obstore import open_writer
from obstore.exceptions import BaseError as StoreError
from obstore.exceptions import PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, S3Store

from retrospec.domain.errors import NotFound, Outage, SettingsError, StorageFull
from retrospec.domain.web_address import address_parts

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_STAGED = re.compile(r"#\d+$")
"""How the local store names a file until it is whole; listings leave those out."""

_NO_BUCKET = "NoSuchBucket"
_S3_CODE = re.compile(r"<Code>(\w+)</Code>")

CONNECT_DEADLINE = timedelta(seconds=5)
REQUEST_DEADLINE = timedelta(seconds=20)
REST_S = 2.0
PIECE_BYTES = 256 * 1024
PART_BYTES, PARTS_AT_ONCE = 10_000_000, 3
"""Of a blob that is written piece by piece: so much of it is in memory at most. S3 takes 10,000 parts."""
LOOK_AGAIN_S = (0.2, 0.8)
"""A store elsewhere may not show yet what was put there a moment ago."""
RETRIES: "RetryConfig" = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=1), "base": 2},
}
"""Of 5xx answers and broken connections. Longer outages are the caller's: ingest answers 503, a stage is tried later."""

_WHOLE_FOR_PART = "non-partial response"
"""Said of servers that answer a range with everything (rclone's does): such a range is cut out here."""


def blob_key(object_key: str) -> str:
    """Where the compressed content of a recording or analysis named ``object_key`` lies."""
    return f"{object_key}.zst"


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
        self._rest_until, self._trouble = 0.0, Outage("")
        self.folder = folder
        """Where blobs lie as files; None for a store elsewhere."""

    @classmethod
    def open(cls, url: str) -> "Blobs":
        """The store at ``file:///folder`` (made if missing) or ``s3://bucket/prefix?endpoint=…``."""
        parts = address_parts(url)
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
        with self._watched(key):
            self._store.put(key, content)

    def open_writer(self, key: str) -> Any:
        """A file to write ``key`` to piece by piece; it is there once the file is closed."""
        return open_writer(self._store, key, buffer_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)

    async def get(self, key: str) -> bytes:
        """The content of ``key``. Raises NotFound."""
        return await asyncio.to_thread(self.get_here, key)

    def get_here(self, key: str) -> bytes:
        """``get`` for a worker thread."""
        for wait_s in () if self.folder else LOOK_AGAIN_S:
            with suppress(NotFound):
                return self._get(key)
            time.sleep(wait_s)
        return self._get(key)

    def _get(self, key: str) -> bytes:
        with self._watched(key):
            return bytes(self._store.get(key).bytes())

    @contextmanager
    def _watched(self, key: str) -> Iterator[None]:
        """A store that just hung or failed is left alone for a moment: else everyone would wait for it in turn."""
        if self._rest_until > time.monotonic():
            raise Outage(f"A moment ago: {self._trouble.message}", hint=self._trouble.hint, retry_after_s=REST_S)
        try:
            with _failures_named(key):
                yield
        except StorageFull:
            raise
        except Outage as error:
            self._trouble = Outage(error.message, hint=error.hint)  # without its traceback, which holds the content
            self._rest_until = 0.0 if self.folder else time.monotonic() + REST_S
            raise

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes ``[start, end)`` of ``key``. Raises NotFound."""
        with _failures_named(key):
            try:
                return bytes(await self._store.get_range_async(key, start=start, end=end))
            except StoreError as error:
                if _WHOLE_FOR_PART not in str(error):
                    raise
            whole = await self._store.get_async(key)
            return bytes(await whole.bytes_async())[start:end]

    async def pieces(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes ``[start, end)`` of ``key``, some at a time as they come: a film is never in memory whole. Raises NotFound."""
        with _failures_named(key):
            async for piece in _between(self._store, key, start, end):
                yield piece

    async def delete(self, key: str) -> None:
        """Remove ``key``; not an error when it is gone already."""
        with suppress(NotFound), _failures_named(key):
            await self._store.delete_async(key)

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Remove all of them, on S3 up to a thousand in one request; not an error where some are gone. After an error some may be left."""
        if self.folder is not None:
            for key in keys:
                await self.delete(key)
        elif keys:
            with suppress(NotFound), _failures_named(keys[0]):
                await self._store.delete_async(list(keys))

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


async def _between(store: ObjectStore, key: str, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        found, skipped = await store.get_async(key, options={"range": (start, end)}), 0
    except StoreError as error:
        if _WHOLE_FOR_PART not in str(error):
            raise
        found, skipped = await store.get_async(key), start
    left = end - start
    async for piece in found.stream(min_chunk_size=PIECE_BYTES):
        content = bytes(piece)[skipped : skipped + left]
        skipped, left = max(0, skipped - len(piece)), left - len(content)
        if content:
            yield content
        if not left:
            return


@contextmanager
def _failures_named(key: str) -> Iterator[None]:
    """Turn a store's errors into ours, each in one sentence that says where to look."""
    try:
        yield
    except FileNotFoundError as error:
        if _NO_BUCKET in str(error):
            raise Outage("The blob store has no such bucket.", hint="Make it, or correct blobs.url.") from error
        raise NotFound(f"{key} is not in the blob store.") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Outage(
            f"The blob store refuses us{_code_of(error)}: {key} was not reached.",
            hint="See access_key_id and secret_access_key in blobs.url (or AWS_… in the environment), and this machine's clock.",
        ) from error
    except (StoreError, OSError) as error:
        if "No space left" in str(error) or "os error 28" in str(error):
            raise StorageFull(f"The disk is full: {key} was not stored.", retry_after_s=60) from error
        raise Outage(f"The blob store failed on {key}: {_short(error)}") from error


def _code_of(error: BaseException) -> str:
    """`` (SignatureDoesNotMatch)``, as S3 names it; empty where it names nothing."""
    found = _S3_CODE.search(str(error))
    return f" ({found[1]})" if found else ""


def _short(error: BaseException) -> str:
    """The first line of what is said: the others are the library's own structures."""
    first = str(error).partition("\n")[0].strip()
    return first if first.endswith(".") else f"{first}."


def _s3_store(bucket: str, prefix: str, query: str) -> S3Store:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    plain: ClientConfig = {"timeout": REQUEST_DEADLINE, "connect_timeout": CONNECT_DEADLINE}
    if options.get("endpoint", "").startswith("http://"):
        plain["allow_http"] = True
    try:
        return S3Store(
            bucket, prefix=prefix or None, config=cast("S3Config", options), client_options=plain, retry_config=RETRIES
        )
    except (StoreError, ValueError) as error:
        raise SettingsError(
            f"blobs.url is not understood: {_short(error)}",
            hint="After s3://bucket/prefix? come endpoint, region, access_key_id, secret_access_key and others; see docs/scale.md.",
        ) from error
