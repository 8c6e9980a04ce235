"""Token buckets in the database, for servers that let the same callers in."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text

from retrospec.storage.database import Connection

TURN = "shared rates"
"""What taking from buckets waits for: others that do, and nobody who writes about a project."""
KEPT_MS = 7_200_000
"""An untouched bucket is full again by then, whatever its rate."""

# By the database's clock: those of the servers may differ.
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_TAKE = text(
    f"INSERT INTO shared_rates AS r (name, tokens, at) VALUES (:name, :burst - :spent, {_NOW})"
    " ON CONFLICT (name) DO UPDATE SET at = excluded.at, tokens = greatest("
    "-:burst, least(:burst, r.tokens + (excluded.at - r.at) * :rate / 1000.0) - :spent) RETURNING tokens"
)
_FORGET = text(f"DELETE FROM shared_rates WHERE at < {_NOW} - {KEPT_MS}")


class Spent(NamedTuple):
    """What one server took lately out of a bucket that fills with ``rate`` tokens a second, up to ``burst``."""

    times: int
    rate: float
    burst: float


async def take(connection: Connection, spent: Mapping[str, Spent]) -> dict[str, float]:
    """Take it (PostgreSQL only); what is left in each bucket, below 0 where servers together took more than there was."""
    left = {}
    for name in sorted(spent):
        given = {"name": _kept_name(name), "spent": float(spent[name].times), "rate": spent[name].rate, "burst": spent[name].burst}
        left[name] = float(await connection.scalar(_TAKE, given))
    return left


def _kept_name(name: str) -> str:
    """Names hold the beginnings of keys, and what visitors call themselves."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()


async def forget_full(connection: Connection) -> None:
    """Delete buckets that are full again."""
    await connection.execute(_FORGET)
