"""Finds the issue a sighting belongs to before it is counted: near-duplicates join, or part, as sightings come."""

from collections.abc import Sequence
from datetime import datetime

from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.fingerprint_v1 import Fingerprint
from retrospec.issues.regrouping import regroup
from retrospec.issues.similarity import Link, NeighbourIndex, Row
from retrospec.storage import clusters, decisions, neighbours
from retrospec.storage.database import Connection
from retrospec.storage.decisions import PairLink
from retrospec.storage.issues import Sighting
from retrospec.storage.neighbours import Likeness

NEAR_AT = 0.2
"""From this share of tokens in common a neighbour is worth naming on the issue's page."""


class SqlTokens:
    """A ``TokenStore`` (see ``similarity``) over the database, of one project."""

    def __init__(self, connection: Connection, project_id: str) -> None:
        self._named = connection, project_id

    async def add(self, token: str, row: Row) -> bool:
        """Store it; False when it was there already."""
        return await neighbours.add_token(*self._named, token, row.key, row.detail)

    async def add_all(self, tokens: Sequence[str], row: Row) -> None:
        """Store ``row`` under each of ``tokens``."""
        await neighbours.add_tokens(*self._named, tokens, row.key, row.detail)

    async def rows(self, token: str, limit: int) -> list[Row]:
        """At most ``limit`` rows of ``token``."""
        return [Row(one.key, one.detail) for one in await neighbours.rows_of(*self._named, token, limit)]

    async def known(self, tokens: Sequence[str]) -> set[str]:
        """Those of ``tokens`` that have a row."""
        return await neighbours.known_of(*self._named, tokens)


async def place_sightings(
    connection: Connection, sightings: Sequence[Sighting], settings: PromoteSettings, now: datetime
) -> None:
    """Put each sighting's cluster where it belongs. One look-up for all of them where nothing is new.

    In the transaction that counts them. Sightings named by a rule of the owner's are left where that puts them.
    """
    by_key = {one.cluster_key: one for one in sightings if not one.own_rule}
    if not by_key:
        return
    project_id = sightings[0].project_id
    index = NeighbourIndex(SqlTokens(connection, project_id))
    for kind, one in await index.fresh([print_of(sighting) for sighting in by_key.values()]):
        await _observe(connection, index, kind, one, by_key[one.key], settings, now)


def print_of(sighting: Sighting) -> tuple[MarkerKind, Fingerprint]:
    """What near-duplicates are found by; its key is the cluster's, kind and all."""
    return sighting.kind, Fingerprint(
        key=sighting.cluster_key, parts=sighting.parts, ignored=sighting.ignored, tokens=sighting.tokens, title=sighting.title
    )  # fmt: skip


async def _observe(
    connection: Connection,
    index: NeighbourIndex,
    kind: MarkerKind,
    one: Fingerprint,
    sighting: Sighting,
    settings: PromoteSettings,
    now: datetime,
) -> None:
    project_id = sighting.project_id
    found = await index.observe(kind, one)
    is_new = not await clusters.is_known(connection, project_id, one.key)
    if is_new:
        await clusters.make_room(connection, sighting, now)
        near = await index.suggest(kind, one, at_least=NEAR_AT)
        scored = [Likeness(key=one.key, other=each.key, score=each.score) for each in near]
        await neighbours.store_likeness(connection, project_id, scored)
    await decisions.add_links(connection, project_id, map(_pair, found.links))
    await decisions.drop_links(connection, project_id, map(_pair, found.withdrawn))
    ends = {end for link in (*found.links, *found.withdrawn) for end in (link.a, link.b)}
    if is_new or ends:
        await regroup(connection, project_id, {one.key, *ends}, settings, now)


def _pair(link: Link) -> PairLink:
    return PairLink(link.a, link.b, link.rule, link.because)
