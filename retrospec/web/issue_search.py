"""Issues by a search: by what they say themselves, or by whatever the newest of their sessions are found by."""

from collections.abc import Sequence

import msgspec

from retrospec.domain.search import Query
from retrospec.storage import search
from retrospec.storage.dashboard_issues import IssueFilter
from retrospec.storage.database import Connection

NEAR = 100
"""Newest sessions that fit a search: their issues are found, and menus count them."""


def of_failures(query: Query) -> Query:
    """The same asked of sessions that failed: issues are made of no others."""
    return msgspec.structs.replace(query, has_failures=True)


async def near_of(connection: Connection, project_id: str, query: Query) -> list[str]:
    """The newest failed sessions that fit: what menus offer, and whose issues are found."""
    return await search.newest_found(connection, project_id, of_failures(query), limit=NEAR)


async def searched(connection: Connection, project_id: str, asked: IssueFilter, query: Query, near: Sequence[str] | None = None) -> IssueFilter:
    """``asked``, narrowed to the issues that ``query`` finds; ``near`` is what ``near_of`` said, where that was asked."""
    nothing = Query(complaints=query.complaints)
    if query == nothing:
        return asked
    plain = [term for term in query.terms if not term.field and not term.is_negated]
    is_plain = len(plain) == len(query.terms) and query == msgspec.structs.replace(nothing, terms=query.terms)
    said = tuple(word for term in plain for phrase in term.phrases[:1] for word in phrase) if is_plain else ()
    near = await near_of(connection, project_id, query) if near is None else near
    if not said and connection.dialect.name == "sqlite":
        return msgspec.structs.replace(asked, near=tuple(near))
    keys = await search.issues_of(connection, project_id, near)
    return msgspec.structs.replace(asked, words=said, keys=tuple(keys))
