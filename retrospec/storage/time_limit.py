"""A statement's longest time: past it the database gives the statement up, and others get their turn."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from retrospec.domain.errors import Unavailable

LOOK_EVERY = 20_000
"""SQLite's own steps between two looks at the clock: about a millisecond."""
_LIMITED = "limited"
_GIVEN_UP = ("interrupted", "statement timeout")
"""What SQLite and Postgres call it."""


@contextmanager
def ended_after(connection: Connection, seconds: float) -> Iterator[None]:
    """What runs inside ends after ``seconds`` (0: never) with ``Unavailable``; the transaction is then only good to be undone."""
    if not seconds:
        yield
        return
    try:
        if connection.dialect.name == "sqlite":
            with _watched(connection, time.monotonic() + seconds):
                yield
        else:
            _limit_transaction(connection, seconds)
            yield
    except OperationalError as error:
        if not any(words in str(error.orig) for words in _GIVEN_UP):
            raise
        raise Unavailable(
            f"This took the database longer than {seconds:g} s (limits.query_seconds), so it was given up.",
            hint="Ask for less: a shorter time, fewer filters.",
        ) from error


def _limit_transaction(connection: Connection, seconds: float) -> None:
    """Say so once a transaction: each time is a way to the server and back."""
    transaction = connection.get_transaction()
    if connection.info.get(_LIMITED) is not transaction:
        connection.execute(text(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1_000))}"))
        connection.info[_LIMITED] = transaction


@contextmanager
def _watched(connection: Connection, until: float) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: time.monotonic() > until, LOOK_EVERY)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
