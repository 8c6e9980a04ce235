"""What somebody typed into the search, understood. Forgiving: any text gives a question, and sentences about the rest.

``pay route:/checkout release:1.4 kind:dead_click duration:>60 clicked:"Pay now" tag.plan:pro -browser:firefox since:7d``
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from retrospec.domain.search import BETWEEN, Query, Term, words_of

MAX_TEXT, MAX_TERMS, MAX_PHRASE = 1_000, 24, 12
STATUSES = {"pending": "pending", "waiting": "pending", "ready": "ready", "failure": "ready", "discarded": "discarded", "healthy": "discarded", "failed": "failed"}
NAMES = {
    "person": "person", "user": "person", "visitor": "person",
    "route": "place", "page": "place", "path": "place", "site": "place", "url": "place",
    "tag": "tags", "country": "tags", "release": "release", "version": "release", "environment": "environment", "env": "environment",
    "browser": "agent", "os": "agent", "device": "agent", "kind": "kinds", "signal": "kinds",
    "clicked": "clicked", "click": "clicked", "saw": "saw", "text": "saw", "error": "errors", "message": "errors", "story": "told",
}  # fmt: skip
"""Names people type, and the field each asks."""
OTHERS = ("status", "duration", "since", "until", "has")
SHOWN = ("route", "person", "tag.<name>", "release", "browser", "country", "environment", "kind", "clicked", "saw", "error", "duration", "since", "until", "status", "has")
_TOKEN = re.compile(r'(?P<sign>-?)(?:(?P<name>[A-Za-z]+(?:\.[^\s:"]+)?):)?(?P<value>(?:"[^"]*"?|[^\s"])+|)')
_PIECE = re.compile(r'"([^"]*)"?|([^,"]+)')
_LENGTH = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s?)?", re.IGNORECASE)
_RANGE = re.compile(r"([\dhms]+)(?:\.\.|-)([\dhms]+)")
_AGO = re.compile(r"(\d{1,4})(m|h|d|w)", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse(text: str, *, now: datetime) -> Query:
    """The question. Never raises; what makes no sense is told in ``complaints``."""
    asked = _Asked(now=now)
    if len(text) > MAX_TEXT:
        asked.complaints.append(f"Only the first {MAX_TEXT} letters were read.")
    for found in _TOKEN.finditer(text[:MAX_TEXT]):
        if len(asked.terms) >= MAX_TERMS:
            asked.complaints.append(f"Only the first {MAX_TERMS} parts were searched for.")
            break
        if found[0]:
            _understand(asked, found["sign"] == "-", found["name"] or "", found["value"])
    return asked.question()


def tokens_of(text: str) -> list[str]:
    """The parts of a search as they were typed."""
    return [found[0] for found in _TOKEN.finditer(text[:MAX_TEXT]) if found[0]]


class _Asked(msgspec.Struct):
    """The question so far."""

    now: datetime
    terms: list[Term] = []
    statuses: list[str] = []
    shortest_ms: int = 0
    longest_ms: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_failures: bool | None = None
    complaints: list[str] = []

    def question(self) -> Query:
        if self.since and self.until and self.since >= self.until:
            self.complaints.append("until: is not after since:, so nothing lies between.")
        return Query(
            terms=tuple(self.terms), statuses=tuple(self.statuses), shortest_ms=self.shortest_ms, longest_ms=self.longest_ms,
            since=self.since, until=self.until, has_failures=self.has_failures, complaints=tuple(dict.fromkeys(self.complaints)),
        )  # fmt: skip


def _understand(asked: _Asked, is_negated: bool, name: str, value: str) -> None:
    plain, _, inner = name.lower().partition(".")
    if plain in OTHERS and not inner:
        if value.strip('"'):
            _OTHERS[plain](asked, is_negated, value.strip('"').lower())
        return
    if plain in NAMES and (not inner or plain == "tag"):
        _add_term(asked, is_negated, NAMES[plain], _prefix(plain, inner), value)
        return
    if name:
        if not value.startswith("//"):
            asked.complaints.append(f"There is no {name}: to search by, so it was looked for as words. There is {', '.join(SHOWN)}.")
        value = f"{name} {value}"
    _add_term(asked, is_negated, "", [], value)


def _prefix(plain: str, inner: str) -> list[str]:
    if plain == "country":
        return ["country"]
    return words_of(inner)


def _add_term(asked: _Asked, is_negated: bool, field: str, before: list[str], value: str) -> None:
    phrases, is_open = [], []
    for quoted, bare in _PIECE.findall(value):
        words = words_of((quoted or bare).replace(BETWEEN, " "))
        if words:
            phrases.append((*before, *words)[:MAX_PHRASE])
            is_open.append(bool(bare) and _may_go_on(words[-1], bare))
    if before and not phrases:  # ``tag.plan:`` is any value of it
        phrases, is_open = [tuple(before)], [False]
    if not phrases and len(value.strip('"-*,')) > 0:
        asked.complaints.append(f"{value[:40]} has neither letters nor digits to look for.")
    if phrases:
        at_start = field == "release" or bool(before)
        asked.terms.append(Term(field=field, phrases=tuple(phrases), is_open=tuple(is_open), at_start=at_start, is_negated=is_negated))


def _may_go_on(word: str, bare: str) -> bool:
    """A word may be the beginning of a longer one, unless it ends in a digit (1.4 is not 1.40) or is a single letter."""
    return bare.endswith("*") or (len(word) > 1 and not word[-1].isdigit())


def _status(asked: _Asked, is_negated: bool, value: str) -> None:
    named = [STATUSES[each] for each in value.split(",") if each in STATUSES]
    if len(named) < len(value.split(",")):
        asked.complaints.append(f"status: is one of ready, discarded, pending and failed, not {value[:40]}.")
    if named:
        asked.statuses = sorted(set(STATUSES.values()) - set(named)) if is_negated else sorted({*asked.statuses, *named})


def _has(asked: _Asked, is_negated: bool, value: str) -> None:
    if value in ("failure", "failures", "marker", "markers"):
        asked.has_failures = not is_negated
    elif value == "none":
        asked.has_failures = is_negated
    else:
        asked.complaints.append("has: knows failures and none.")


def _duration(asked: _Asked, is_negated: bool, value: str) -> None:
    found = _RANGE.fullmatch(value)
    low, high = (_length_ms(found[1]), _length_ms(found[2])) if found else _bounds(value, is_negated)
    if (low is None and high is None) or (found and None in (low, high)) or (found and is_negated):
        asked.complaints.append("duration: wants a length such as >60, <2m30s or 10..60, in seconds unless m or h is written.")
        return
    asked.shortest_ms = asked.shortest_ms if low is None else low
    asked.longest_ms = asked.longest_ms if high is None else high


def _bounds(value: str, is_negated: bool) -> tuple[int | None, int | None]:
    """Of ``>60``, ``<=2m`` and a bare length, which is the least."""
    sign = value[: len(value) - len(value.lstrip("<>="))]
    length_ms = _length_ms(value[len(sign) :])
    return (None, length_ms) if sign.startswith("<") != is_negated else (length_ms, None)


def _length_ms(text: str) -> int | None:
    found = _LENGTH.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return min(((hours * 60 + minutes) * 60 + seconds) * 1000, 1 << 40)


def _since(asked: _Asked, is_negated: bool, value: str) -> None:
    moment = _moment(asked, value, "since")
    if moment is not None:
        asked.until, asked.since = (moment, asked.since) if is_negated else (asked.until, moment)


def _until(asked: _Asked, is_negated: bool, value: str) -> None:
    moment = _moment(asked, value, "until")
    if moment is not None and (_DAY.fullmatch(value) or value in ("today", "yesterday")):
        moment += timedelta(days=1)  # to the end of the day that was named
    if moment is not None:
        asked.until, asked.since = (asked.until, moment) if is_negated else (moment, asked.since)


def _moment(asked: _Asked, value: str, name: str) -> datetime | None:
    today = asked.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if found := _AGO.fullmatch(value):
        return asked.now - int(found[1]) * _UNITS[found[2].lower()]
    if value in ("today", "yesterday"):
        return today - timedelta(days=int(value == "yesterday"))
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        moment = None
    if moment is None or not 1971 <= moment.year <= 2100:
        asked.complaints.append(f"{name}: wants a day such as 2026-11-20, or 7d, 12h, today, yesterday.")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OTHERS: dict[str, Callable[[_Asked, bool, str], None]] = {"status": _status, "duration": _duration, "since": _since, "until": _until, "has": _has}
