"""Request bodies inflated within bounds."""

import zlib

from retrospec.domain.errors import BadRequest, TooLarge

GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 500
"""Inflated to sent size. Repetitive recordings reach about 200; a bomb of zeros 1,030."""
RATIO_FREE_BYTES = 2_000_000
"""Below this inflated size the ratio does not matter."""


def inflate(body: bytes, *, max_bytes: int) -> bytes:
    """``body`` as is, or inflated where it is gzip by its first two bytes.

    Raises TooLarge past ``max_bytes`` (as sent or inflated) or past a ratio of 500, and BadRequest
    for a gzip that is corrupt, cut off, or followed by something else. Releases the GIL.
    """
    if len(body) > max_bytes:
        raise TooLarge(f"the body is {_mb(len(body))}; at most {_mb(max_bytes)} is accepted")
    if not body.startswith(GZIP_MAGIC):
        return body
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, _allowed_bytes(body, max_bytes) + 1)
    except zlib.error:
        raise BadRequest("the body begins as gzip but is corrupt") from None
    _refuse_oversize(body, plain, max_bytes)
    if not inflater.eof:
        raise BadRequest("the body begins as gzip but is cut off before its end")
    if inflater.unused_data:
        raise BadRequest("the body has something after the end of its gzip stream")
    return plain


def _allowed_bytes(body: bytes, max_bytes: int) -> int:
    return min(max_bytes, max(RATIO_FREE_BYTES, len(body) * MAX_RATIO))


def _refuse_oversize(body: bytes, plain: bytes, max_bytes: int) -> None:
    if len(plain) > max_bytes:
        raise TooLarge(f"the body inflates to more than {_mb(max_bytes)}; send it in parts")
    if len(plain) > _allowed_bytes(body, max_bytes):
        raise TooLarge(
            f"the body inflates to more than {MAX_RATIO} times its size; send it plain or in parts"
        )


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.3g} MB" if size_bytes >= 100_000 else f"{size_bytes:,} bytes"
