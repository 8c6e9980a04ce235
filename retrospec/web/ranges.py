"""Byte ranges of stored files, so that videos can be sought."""

import re
from collections.abc import Awaitable, Callable, Mapping

from litestar import Response

from retrospec.domain.artifact import Artifact
from retrospec.storage.blobs import Blobs

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
    blobs: Blobs, artifact: Artifact, wanted: str, *, media_type: str, headers: Mapping[str, str]
) -> Response[bytes]:
    """As ``ranged``, of the file of ``artifact``; reads no more than is sent."""

    async def read(start: int, end: int) -> bytes:
        key = artifact.artifact_key
        is_whole = (start, end) == (0, artifact.size_bytes)
        return await (blobs.get(key) if is_whole else blobs.get_range(key, start, end))

    return await ranged(read, artifact.size_bytes, wanted, media_type=media_type, headers=headers)


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
