"""Aware UTC time and its millisecond form.

Over SQLite that is the machine's clock. Processes over one PostgreSQL keep to the database's instead, since their machines'
may differ and each judges moments that others wrote: leases, waits, what has expired (docs/adr/0045).
"""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Kept(NamedTuple):
    """What another clock showed when the machine's monotonic one stood at ``at_s``."""

    moment: datetime
    at_s: float


_kept: _Kept | None = None


def utc_now() -> datetime:
    """The present moment, aware, cut to milliseconds as it is stored."""
    now = _machine_now() if _kept is None else _now_by(_kept)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def keep_to(moment: datetime, *, asked_s: float, answered_s: float) -> None:
    """From here on the whole process goes by a clock that showed ``moment`` at some time between these two of ``time.monotonic``.

    Left alone where that fits what is kept to already: a slow answer must not make the time jump.
    """
    global _kept
    middle_s, unsure_s = (asked_s + answered_s) / 2, (answered_s - asked_s) / 2
    shown = _Kept(moment.astimezone(UTC), middle_s)
    if _kept is None or abs(_now_by(_kept) - _now_by(shown)).total_seconds() > unsure_s:
        _kept = shown


def keep_to_own() -> None:
    """Go by the machine's own clock again."""
    global _kept
    _kept = None


def own_clock_ahead_s() -> float:
    """By how much the machine's clock is ahead of the one that is kept to; 0 where it is that one."""
    return 0.0 if _kept is None else (_machine_now() - _now_by(_kept)).total_seconds()


def _machine_now() -> datetime:
    return datetime.now(UTC)


def _now_by(kept: _Kept) -> datetime:
    return kept.moment + timedelta(seconds=time.monotonic() - kept.at_s)


def to_epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC; ``moment`` must be aware."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(ms: int) -> datetime:
    """The aware UTC moment ``ms`` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=ms)
