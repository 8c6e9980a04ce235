"""How the pages say things: times, durations, counts, kinds, confidence."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
from markupsafe import Markup, escape

from retrospec.domain.issue import IssueState
from retrospec.domain.marker import MarkerKind

_CODE = re.compile(r"<[a-z][^<>]*>|\b(?:GET|POST|PUT|PATCH|DELETE|HEAD) [^\s,;]*[^\s,;.:]|[\w.$]+ \([\w./-]+:\d+\)|(?<![\w&])[a-z]*#[a-z][\w-]*|(?<=\()[a-z]+[.\[][^\s()]*(?=\))")
"""Of a sentence, what is written like that in code: an element, a request, a stack frame, a selector."""
_STEPS = [(60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (30 * 86_400, 86_400, "d")]


class KindWords(msgspec.Struct, frozen=True):
    """A kind of failure, for people."""

    one: str
    many: str
    icon: str
    """Its symbol in the sprite."""


KINDS: dict[str, KindWords] = {
    MarkerKind.JS_EXCEPTION: KindWords("Script error", "Script errors", "bolt"),
    MarkerKind.API_ERROR: KindWords("Failed request", "Failed requests", "plug"),
    MarkerKind.VALIDATION_FAILED: KindWords("Form refused", "Forms refused", "form"),
    MarkerKind.UI_NO_EFFECT: KindWords("Nothing happened", "Nothing happened", "pointer"),
}

PARTS: dict[str, str] = {"what": "symptom", "id": "element id", "where": "place in the code", "type": "error type", "in": "origin", "of": "name"}
"""Parts of a fingerprint, which keeps its own short names, where those need saying in full."""

STATES: dict[str, str] = {
    IssueState.ACTIVE: "Active",
    IssueState.ACKNOWLEDGED: "Acknowledged",
    IssueState.RESOLVED: "Resolved",
    IssueState.MUTED: "Muted",
    IssueState.ARCHIVED: "Archived",
}

REPORTS: dict[str, str] = {
    "pending": "Being read",
    "ready": "Confirmed",
    "discarded": "Not confirmed",
    "failed": "Could not be read",
}


def ago(moment: datetime, now: datetime) -> str:
    """``12 min ago``; a date once it is more than a month back."""
    seconds = (now - moment).total_seconds()
    if seconds < 10:
        return "just now" if seconds > -60 else exact(moment)
    for limit, unit_s, name in _STEPS:
        if seconds < limit:
            return f"{int(seconds // unit_s)} {name} ago"
    return f"{moment.day} {moment:%b %Y}"


def exact(moment: datetime) -> str:
    """``23 Nov 2026, 13:30:05 UTC``"""
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def iso(moment: datetime) -> str:
    """For a ``datetime`` attribute."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock(ms: int) -> str:
    """A place in a recording: ``1:05``, or ``1:00:05`` past an hour."""
    seconds = max(0, ms) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def tenths(ms: int) -> str:
    """The same to a tenth of a second: ``1:05.3``."""
    return f"{clock(ms)}.{max(0, ms) % 1000 // 100}"


def lasting(ms: int) -> str:
    """A duration: ``42 s``, ``3 min 05 s``, ``1 h 20 min``."""
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def count(number: int) -> str:
    """With thin spaces between thousands: ``12 400``."""
    return f"{number:,}".replace(",", "\u202f")


def plural(number: int, one: str, many: str = "") -> str:
    """``1 session``, ``2 sessions``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """0…1 as ``87 %``."""
    return f"{round(share * 100)}\u202f%"


def size(number: int) -> str:
    """Bytes as ``840 B``, ``12 KB``, ``3.4 MB``."""
    if number < 1000:
        return f"{number} B"
    if number < 1_000_000:
        return f"{number / 1000:.0f} KB"
    return f"{number / 1_000_000:.1f} MB"


def person(user_id: str, visitor_id: str) -> str:
    """Whom a session belongs to, short enough for a row."""
    if user_id:
        return user_id
    return f"Visitor {visitor_id[-6:]}" if visitor_id else "Unknown visitor"


def reached(basis: str) -> str:
    """How a confidence was reached."""
    return {"visual": "Confirmed on screen", "text": "Text-confirmed only"}.get(basis, "Not confirmed")


def day_name(moment: datetime, now: datetime) -> str:
    """``Today``, ``Yesterday`` or ``Fri 20 Nov``."""
    days = (now.date() - moment.date()) // timedelta(days=1)
    if days in (0, 1):
        return ("Today", "Yesterday")[days]
    return f"{moment:%a} {moment.day} {moment:%b}"


def coded(text: str) -> Markup:
    """A sentence with what stands in the code set as code."""
    parts, end = [], 0
    for found in _CODE.finditer(text):
        parts += [escape(text[end : found.start()]), Markup("<code>{}</code>").format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
