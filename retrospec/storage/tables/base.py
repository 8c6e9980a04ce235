"""Column types. Moments are stored as epoch milliseconds and read as aware UTC datetimes."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Dialect,
    MetaData,
    String,
    Text,
    TypeDecorator,
)

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms


def _moment(value: Any | None) -> datetime | None:
    return None if value is None else from_epoch_ms(value)


def _plain(value: Any | None) -> Any:
    return None if value is None else msgspec.json.decode(value)


class UtcMs(TypeDecorator[datetime]):
    """An aware UTC datetime kept as a 64-bit count of milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Datetime → milliseconds."""
        return None if value is None else to_epoch_ms(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Milliseconds → datetime."""
        return _moment(value)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """The same without a way through SQLAlchemy for each value: a page reads a thousand."""
        return _moment


class Json(TypeDecorator[Any]):
    """Any JSON value kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Value → JSON text."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """JSON text → plain value."""
        return _plain(value)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """As with moments."""
        return _plain


metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

ID = String(128)
KEY = String(192)
