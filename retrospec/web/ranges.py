"""Byte ranges of stored files, so that videos can be sought; large ones are handed on as they come from the store.

Places in a film count its own bytes: routes that answer ranges pack nothing on the way (``opt=PACKS_ITSELF``).
"""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import cast

from litestar import Response
from litestar.response import Stream

from retrospec.domain.artifact import Artifact
from retrospec.storage.blobs import Blobs

PACKS_ITSELF = {"packs_itself": True}
AT_ONCE_BYTES = 1_000_000
"""What is larger is handed on piece by piece."""
PACKED_FROM_BYTES = 2_000
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class OutsideFile(Exception):
    """No byte of the range is in the file."""


def byte_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """``[start, end)`` of a single range; None to send everything, as for what is not understood (RFC 9110, 14.2).

    Raises OutsideFile.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(int(last) + 1, size_bytes) if first and last else size_bytes
    if start >= end:
        raise OutsideFile
    return start, end


async def stored_file(
    blobs: Blobs, artifact: Artifact, wanted: str, *, media_type: str, headers: Mapping[str, str], is_head: bool = False
) -> Response[bytes]:
    """As ``ranged``, of the file of ``artifact``; reads no more than is sent, and holds little of it at a time. Raises NotFound."""
    key, size_bytes = artifact.artifact_key, artifact.size_bytes

    async def read(start: int, end: int) -> bytes:
        return await (blobs.get(key) if (start, end) == (0, size_bytes) else blobs.get_range(key, start, end))

    span = _span_or_all(wanted, size_bytes)
    if span is None or span[1] - span[0] <= AT_ONCE_BYTES or is_head:
        return await ranged(read, size_bytes, wanted, media_type=media_type, headers=headers)
    start, end = span
    pieces = blobs.pieces(key, start, end)
    first = await anext(pieces)  # what is gone is said before anything is sent
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    is_part = byte_range(wanted, size_bytes) is not None
    if is_part:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    flow = Stream(_with_first(first, pieces), media_type=media_type, status_code=206 if is_part else 200, headers=told)
    return cast(Response[bytes], flow)


def _span_or_all(wanted: str, size_bytes: int) -> tuple[int, int] | None:
    try:
        return byte_range(wanted, size_bytes) or (0, size_bytes)
    except OutsideFile:
        return None


async def _with_first(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


async def packed_json(content: bytes, accepts: str, headers: Mapping[str, str]) -> Response[bytes]:
    """All of it, gzipped for whom that is right."""
    told = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in accepts and len(content) >= PACKED_FROM_BYTES:
        content = await asyncio.to_thread(gzip.compress, content, 4)
        told["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=told)


async def ranged(
    read: Callable[[int, int], Awaitable[bytes]], size_bytes: int, wanted: str, *, media_type: str, headers: Mapping[str, str]
) -> Response[bytes]:
    """All of it, the part the ``Range`` header ``wanted`` names (206), or 416 past its end."""
    told = {**headers, "Accept-Ranges": "bytes"}
    try:
        span = byte_range(wanted, size_bytes)
    except OutsideFile:
        told |= {"Content-Range": f"bytes */{size_bytes}", "Cache-Control": "no-store"}
        return Response(b"", media_type=media_type, status_code=416, headers=told)
    if span is None:
        return Response(await read(0, size_bytes), media_type=media_type, headers=told)
    told["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size_bytes}"
    return Response(await read(*span), media_type=media_type, status_code=206, headers=told)
