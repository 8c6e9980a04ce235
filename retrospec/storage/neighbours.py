"""What near-duplicates are found by: tokens of fingerprints, and how near clusters are to one another."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import islice

import msgspec
from sqlalchemy import BindParameter, bindparam, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import cluster_likeness, fingerprint_tokens
from retrospec.storage.upsert import insert_new


class TokenRow(msgspec.Struct, frozen=True):
    """``key`` has the token asked for, with ``detail``."""

    key: str
    detail: str


class Likeness(msgspec.Struct, kw_only=True):
    """How near another cluster is."""

    key: str
    other: str
    score: float
    """0…1"""


_ROWS = (
    select(fingerprint_tokens.c.key, fingerprint_tokens.c.detail)
    .where(fingerprint_tokens.c.project_id == bindparam("p"), fingerprint_tokens.c.token == bindparam("t"))
    .order_by(fingerprint_tokens.c.key, fingerprint_tokens.c.detail)
    .limit(bindparam("most"))
)
_KNOWN = select(fingerprint_tokens.c.token).where(
    fingerprint_tokens.c.project_id == bindparam("p"),
    fingerprint_tokens.c.token.in_(bindparam("tokens", expanding=True)),
)


async def add_token(connection: Connection, project_id: str, token: str, key: str, detail: str) -> bool:
    """Store it; False when it was there already."""
    return await _add(connection, [_row(project_id, token, key, detail)]) == 1


async def add_tokens(
    connection: Connection, project_id: str, tokens: Sequence[str], key: str, detail: str
) -> None:
    """Store ``key`` under each of ``tokens``."""
    if tokens:
        await _add(connection, [_row(project_id, token, key, detail) for token in tokens])


async def add_rows(connection: Connection, project_id: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Store many ``(token, key, detail)`` that are not there yet."""
    rest = iter(rows)
    while batch := [_row(project_id, *row) for row in islice(rest, _ADDED_AT_ONCE)]:
        await connection.execute(fingerprint_tokens.insert(), batch)


_ADDED_AT_ONCE = 20_000


async def _add(connection: Connection, rows: list[dict[str, str]]) -> int:
    given = rows[0] if len(rows) == 1 else rows
    return (await connection.execute(insert_new(connection, fingerprint_tokens), given)).rowcount


def _row(project_id: str, token: str, key: str, detail: str) -> dict[str, str]:
    return {"project_id": project_id, "token": _name(token), "key": key, "detail": detail}


def _name(token: str) -> str:
    """Tokens may be as long as messages; their digests make a small index."""
    return blake2b(token.encode("utf-8", "replace"), digest_size=16).hexdigest()


async def rows_of(connection: Connection, project_id: str, token: str, limit: int) -> list[TokenRow]:
    """At most ``limit`` rows of ``token``, by key."""
    found = await connection.execute(_ROWS, {"p": project_id, "t": _name(token), "most": limit})
    return [TokenRow(row.key, row.detail) for row in found]


async def known_of(connection: Connection, project_id: str, tokens: Sequence[str]) -> set[str]:
    """Those of ``tokens`` that have a row."""
    by_name = {_name(token): token for token in tokens}
    if not by_name:
        return set()
    found = await connection.execute(_KNOWN, {"p": project_id, "tokens": list(by_name)})
    return {by_name[row.token] for row in found}


async def store_likeness(connection: Connection, project_id: str, near: Sequence[Likeness]) -> None:
    """Keep how near a new cluster is to those there were."""
    rows = [
        {
            "project_id": project_id,
            "a": min(one.key, one.other),
            "b": max(one.key, one.other),
            "score": one.score,
        }
        for one in near
    ]
    if rows:
        await connection.execute(insert_new(connection, cluster_likeness), rows)


async def likeness_of(connection: Connection, project_id: str, keys: Sequence[str]) -> list[Likeness]:
    """The clusters outside ``keys`` that are near one of them, nearest first."""
    near: dict[tuple[str, str], float] = {}
    for query in _NEAREST:
        found = await connection.execute(query, {"p": project_id, "keys": list(keys)})
        near |= {(row[0], row[1]): row[2] for row in found}
    ranked = sorted(near.items(), key=lambda item: (-item[1], item[0]))
    return [Likeness(key=key, other=other, score=score) for (key, other), score in ranked]


_MOST_NEAR = 50
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_NEAREST = [
    select(own, other, cluster_likeness.c.score)
    .where(cluster_likeness.c.project_id == bindparam("p"), own.in_(_KEYS), other.not_in(_KEYS))
    .order_by(cluster_likeness.c.score.desc())
    .limit(_MOST_NEAR)
    for own, other in ((cluster_likeness.c.a, cluster_likeness.c.b), (cluster_likeness.c.b, cluster_likeness.c.a))
]
