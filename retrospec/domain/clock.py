"""Aware UTC time and its millisecond form."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The present moment, aware, cut to milliseconds as it is stored."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def to_epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC; ``moment`` must be aware."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(ms: int) -> datetime:
    """The aware UTC moment ``ms`` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=ms)
