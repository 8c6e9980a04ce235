"""What a field of a request may hold; each check returns the value as kept or raises BadRequest."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from retrospec.capture.decoding import decode_value
from retrospec.capture.nesting import is_nested_deeper
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.errors import BadRequest, TooLarge
from retrospec.domain.ids import is_client_id

MAX_INT32 = 2**31 - 1
MAX_AGE = timedelta(days=400)
FIRST_CLIENT_MS, LAST_CLIENT_MS = 0, 4_102_444_800_000
"""1970 (a clock that was never set) to 2100."""
MAX_AHEAD = timedelta(days=1)
MAX_EVIDENCE_BYTES = 65_536
MAX_EVIDENCE_LEVELS = 32
MAX_LABEL_CHARS = 2_000
MAX_SITE_CHARS = 256
MAX_ROUTE_CHARS = 2_048
MAX_URL_CHARS = 8_192

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PLAUSIBLE_MS = 10**14
"""Epoch milliseconds of the year 5138: past it a number is no moment."""


def client_id(text: str, field: str) -> str:
    """An id made by a client: 1 to 128 of ``A-Za-z0-9._:-``."""
    if not is_client_id(text):
        raise BadRequest(
            f"{field} must be 1 to 128 letters, digits or . _ : - and begin with a letter or digit",
            field=field,
        )
    return text


def optional_id(text: str, field: str) -> str:
    """A client id, or empty."""
    return client_id(text, field) if text else ""


def one_line(text: str, field: str, *, max_chars: int) -> str:
    """Text without control characters, of a bounded length."""
    if _CONTROL.search(text):
        raise BadRequest(f"{field} holds a control character; send plain text", field=field)
    if len(text) > max_chars:
        raise BadRequest(
            f"{field} is {len(text):,} characters long; at most {max_chars:,} are accepted", field=field
        )
    return text


def site_name(text: str, field: str) -> str:
    """A site's name or address, not empty."""
    if not text.strip():
        raise BadRequest(f"{field} is empty; send the site's name or address", field=field)
    return one_line(text, field, max_chars=MAX_SITE_CHARS)


def label_text(text: str, field: str) -> str:
    """A marker's label; line breaks may stay, and what is too long is cut, since messages vary wildly."""
    if _CONTROL_BUT_LINES.search(text):
        raise BadRequest(f"{field} holds a control character; send plain text", field=field)
    return text if len(text) <= MAX_LABEL_CHARS else text[: MAX_LABEL_CHARS - 1] + "…"


def page_url(text: str, field: str) -> str:
    """A page's address; what is too long is cut."""
    return one_line(text[:MAX_URL_CHARS], field, max_chars=MAX_URL_CHARS)


def whole_number(value: int | float, field: str, *, lowest: int = 0, highest: int = MAX_INT32) -> int:
    """An integer within bounds; ``12.0`` is one, ``12.5`` is not."""
    if value != value // 1:
        raise BadRequest(f"{field} is {value!r}; send a whole number", field=field)
    if not lowest <= value <= highest:
        raise BadRequest(f"{field} is {_short(value)}; send {lowest:,} to {highest:,}", field=field)
    return int(value)


def epoch_ms(value: int | float, field: str) -> int:
    """Client epoch milliseconds of a moment in the last 400 days; fractions are cut."""
    if not 0 <= value < _PLAUSIBLE_MS:
        raise BadRequest(f"{field} is {_short(value)}; send milliseconds since 1970", field=field)
    return to_epoch_ms(_recent(from_epoch_ms(int(value)), field))


def client_ms(value: int | float, field: str) -> int:
    """Milliseconds on a visitor's own clock, which may be wrong by years; fractions are cut.

    ``sentAt`` tells how wrong: the session is kept, and its times are moved.
    """
    if not FIRST_CLIENT_MS <= value < LAST_CLIENT_MS:
        raise BadRequest(f"{field} is {_short(value)}; send milliseconds since 1970", field=field)
    return int(value)


def start_moment(value: str | int | float, field: str) -> datetime:
    """RFC 3339 text or epoch milliseconds as aware UTC, cut to milliseconds, in the last 400 days."""
    if not isinstance(value, str):
        return from_epoch_ms(epoch_ms(value, field))
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise BadRequest(
            f"{field} is not an RFC 3339 time such as 2026-01-31T12:00:00Z", field=field
        ) from None
    if moment.tzinfo is None:
        raise BadRequest(f"{field} has no time zone; end it with Z or an offset such as +02:00", field=field)
    return from_epoch_ms(to_epoch_ms(_recent(moment, field)))


def _recent(moment: datetime, field: str) -> datetime:
    now = utc_now()
    if abs(moment.year - now.year) > 2:  # before any arithmetic, which overflows at the years 1 and 9999
        raise BadRequest(f"{field} is the year {moment.year}; send when the session began", field=field)
    if moment > now + MAX_AHEAD:
        raise BadRequest(
            f"{field} is more than a day in the future; send when the session began", field=field
        )
    if moment < now - MAX_AGE:
        raise BadRequest(
            f"{field} is more than {MAX_AGE.days} days ago; send when the session began", field=field
        )
    return moment.astimezone(UTC)


def evidence_value(raw: msgspec.Raw, field: str) -> Any:
    """Any JSON value of at most 64 KB and 32 levels; NULs in its text become U+FFFD."""
    text = bytes(raw)
    if is_nested_deeper(text, MAX_EVIDENCE_LEVELS):
        raise BadRequest(
            f"{field} nests more than {MAX_EVIDENCE_LEVELS} levels deep; send it flatter", field=field
        )
    value = decode_value(raw, field)
    encoded = msgspec.json.encode(value)
    if len(encoded) > MAX_EVIDENCE_BYTES:
        raise TooLarge(
            f"{field} is {len(encoded):,} bytes of JSON; at most {MAX_EVIDENCE_BYTES:,} are accepted",
            field=field,
        )
    if b"\\u0000" in encoded:
        value = msgspec.json.decode(encoded.replace(b"\\u0000", b"\\ufffd"))
    return value


def text_map(pairs: dict[str, str], field: str, *, max_pairs: int, max_chars: int) -> dict[str, str]:
    """A small map of short texts."""
    if len(pairs) > max_pairs:
        raise BadRequest(f"{field} has {len(pairs):,} entries; at most {max_pairs} are accepted", field=field)
    for name, value in pairs.items():
        one_line(name, f"a name in {field}", max_chars=max_chars)
        one_line(value, f"{field}.{name}", max_chars=max_chars)
    return pairs


def _short(value: int | float) -> str:
    return str(value) if abs(value) < 10**18 else f"{float(value):.0e}"
