"""Sessions by what happened in them: one place for SQLite's FTS5 and PostgreSQL's tsvector.

A document's number says when its session began, so that an index read downwards gives the newest first and a page
begins where the last one ended. Sessions that are still to be judged have no document: the newest few of them are
read and decided here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, TableValuedAlias, bindparam, delete, select

from retrospec.domain.marker import Marker
from retrospec.domain.report import ReportCard
from retrospec.domain.search import (
    Document,
    Query,
    does_match,
    id_at,
    status_mark,
)
from retrospec.domain.session import Session, Stage
from retrospec.storage import markers as marker_rows
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.dashboard_sessions import SessionFilter, SessionRow, list_sessions, sessions_among
from retrospec.storage.database import Connection
from retrospec.storage.search_text import newest_of
from retrospec.storage.sessions import to_session
from retrospec.storage.tables import clusters, issue_sessions, session_words, sessions
from retrospec.storage.upsert import insert_new

_MOMENT = timedelta(milliseconds=1)
UNJUDGED = 100
"""Newest sessions without a verdict that a search looks through."""
PENDING = "pending"
NEAR = 200
"""Menus offer what the newest of the sessions found have: bounded, where all of them would be read whole."""

_FORGET = delete(session_words).where(session_words.c.project_id == bindparam("p"), session_words.c.session_id == bindparam("s"))

Describe = Callable[[Session, Sequence[Marker]], Document]


class Page(msgspec.Struct, frozen=True):
    """Which stretch of what was found."""

    after: str = ""
    """``next`` of the page before; nonsense gives the first page."""
    limit: int = 40


class FacetRow(msgspec.Struct, frozen=True):
    """Of one session, what menus offer to narrow by."""

    site: str
    route: str
    browser: str
    os: str
    device: str
    country: str
    release: str
    environment: str
    tags: dict[str, str]


class Found(msgspec.Struct, kw_only=True):
    """One page, the newest session first."""

    rows: list[SessionRow]
    next: str
    """The cursor of the next page; empty on the last."""
    near: list[str] = []
    """Ids of what was found on this page and some after it, for menus; empty where nothing but time and status was asked."""


async def note(connection: Connection, report: ReportCard, document: Document | None) -> None:
    """The session's verdict is known, or is another, and is to be found by it; ``document`` where its story was read anew."""
    known = document
    if known is None:
        known = (await documents_of(connection, report.project_id, [report.session_id])).get(report.session_id)
    if known is None:
        return
    kept = [mark for mark in known.marks.split() if not mark.startswith(status_mark(""))]
    marks = " ".join((*kept, status_mark(report.status)))
    if document is not None or set(marks.split()) != set(known.marks.split()):
        await save(connection, msgspec.structs.replace(known, marks=marks))


async def save(connection: Connection, document: Document) -> None:
    """Keep a session's document, instead of the one it had.

    A number that another session of that millisecond has already is counted up.
    """
    values, adding = msgspec.structs.asdict(document), insert_new(connection, session_words)
    if (await connection.execute(adding, values)).rowcount:
        return
    await connection.execute(_FORGET, {"p": document.project_id, "s": document.session_id})
    while not (await connection.execute(adding, values)).rowcount:
        values["id"] += 1


async def documents_of(connection: Connection, project_id: str, session_ids: Sequence[str]) -> dict[str, Document]:
    """What is kept of these sessions, by their id."""
    found = await connection.execute(_DOCUMENTS, {"p": project_id, "names": list(session_ids)})
    return {row.session_id: Document(**row._mapping) for row in found}


_THEIRS = (session_words.c.project_id == bindparam("p")) & session_words.c.session_id.in_(bindparam("names", expanding=True))
_DOCUMENTS = select(*[session_words.c[name] for name in Document.__struct_fields__]).where(_THEIRS)
_DOCUMENTED = select(session_words.c.session_id).where(_THEIRS)


async def search_sessions(connection: Connection, project_id: str, query: Query, page: Page, describe: Describe) -> Found:
    """Sessions that are what ``query`` asks for, the newest first.

    ``describe`` makes the document of a session that has none yet (``search.documents.document_of``).
    Each page costs what it shows, not what there is: words, states and lengths are looked up in the index.
    """
    if not query.asks_words:
        return await _listed(connection, project_id, query, page)
    after = int(page.after) if page.after.isdecimal() and len(page.after) < 20 else None
    named = await newest_of(connection, project_id, query, after=after, limit=max(page.limit + 1, NEAR))
    # beyond a full page of the judged, older ones could not be shown
    oldest = min(named, default=0) if len(named) > max(page.limit, NEAR - 1) else 0
    named |= await _unjudged(connection, project_id, query, (oldest, after), describe)
    order = sorted(named, reverse=True)[: page.limit]
    rows = await sessions_among(connection, project_id, [named[number] for number in order])
    shown = [rows[named[number]] for number in order if named[number] in rows]
    near = [named[number] for number in sorted(named, reverse=True)[:NEAR]]
    return Found(rows=shown, next=str(order[-1]) if len(named) > page.limit else "", near=near)


async def without_document(connection: Connection, *, before: tuple[datetime, str], limit: int) -> tuple[list[Session], tuple[datetime, str] | None]:
    """Judged sessions of any project that have no document, among the ``limit`` that arrived last before a place in their order.

    And the place to go on from, a moment and an id; None where there are none older.
    """
    at, name = before
    earlier = (sessions.c.created_at <= at) & ((sessions.c.created_at < at) | (sessions.c.id < name))
    aged = select(sessions).where(earlier).order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(limit).subquery()
    named = (session_words.c.project_id == aged.c.project_id) & (session_words.c.session_id == aged.c.id)
    found = (await connection.execute(select(aged, session_words.c.id.label("known")).outerjoin(session_words, named))).all()
    over = (Stage.DONE, Stage.DEAD)
    lacking = [to_session(row) for row in found if row.known is None and row.stage in over]
    return lacking, min((row.created_at, row.id) for row in found) if len(found) == limit else None


_NEWEST = (
    select(sessions.c.id.label("session_id"))
    .where(sessions.c.project_id == bindparam("p"))
    .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
    .limit(bindparam("most"))
)


async def newest_found(connection: Connection, project_id: str, query: Query, *, limit: int) -> list[str]:
    """Ids of the newest judged sessions that fit."""
    if not query.asks_words:
        named = _NEWEST
        for bound in ([] if query.since is None else [sessions.c.started_at >= query.since]) + ([] if query.until is None else [sessions.c.started_at < query.until]):
            named = named.where(bound)
        if query.statuses:
            named = named.where(sessions.c.report_status.in_(query.statuses))
        return [row.session_id for row in await connection.execute(named, {"p": project_id, "most": limit})]
    return list((await newest_of(connection, project_id, query, after=None, limit=limit)).values())


async def facets_of(connection: Connection, project_id: str, session_ids: Sequence[str]) -> list[FacetRow]:
    """What these sessions can be narrowed by."""
    if not session_ids:
        return []
    found = await connection.execute(_FACETS, {"p": project_id, "names": list(session_ids)})
    return [FacetRow(*row) for row in found]


_FACETS = select(*[sessions.c[name] for name in FacetRow.__struct_fields__]).where(
    sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True))
)


async def issues_of(connection: Connection, project_id: str, session_ids: Sequence[str]) -> list[str]:
    """Keys of the issues that these sessions showed."""
    if not session_ids:
        return []
    found = await connection.execute(_ISSUES, {"p": project_id, "names": list(session_ids)})
    return [str(row.issue_key) for row in found]


def _shown() -> Select[Any]:
    its = (clusters.c.project_id == issue_sessions.c.project_id) & (clusters.c.key == issue_sessions.c.cluster_key)
    return select(clusters.c.issue_key).select_from(issue_sessions.join(clusters, its)).where(issue_sessions.c.project_id == bindparam("p"))


_ISSUES = _shown().distinct().where(issue_sessions.c.session_id.in_(bindparam("names", expanding=True)))


def issues_shown_in(named: TableValuedAlias) -> Select[Any]:
    """Keys of the issues of the project ``p`` that sessions showed whose ids are the ``value`` of ``named``."""
    return _shown().where(issue_sessions.c.session_id.in_(select(named.c.value)))


async def _listed(connection: Connection, project_id: str, query: Query, page: Page) -> Found:
    """Where nothing but time and status is asked the sessions' own index answers."""
    if len(query.statuses) > 1:
        query = msgspec.structs.replace(query, statuses=tuple(sorted(query.statuses)))
    rows: list[SessionRow] = []
    for status in query.statuses or ("",):
        wanted = SessionFilter(status=status, since=query.since, until=query.until)
        rows += await list_sessions(connection, project_id, wanted, after=read_cursor(page.after), limit=page.limit + 1)
    rows.sort(key=lambda row: (row.started_at, row.id), reverse=True)
    shown = rows[: page.limit]
    return Found(rows=shown, next=str(Cursor(shown[-1].started_at, shown[-1].id)) if len(rows) > page.limit else "")


async def _unjudged(
    connection: Connection, project_id: str, query: Query, between: tuple[int, int | None], describe: Describe
) -> dict[int, str]:
    """Numbers and ids of sessions without a document that fit, among the newest that wait for their verdict.

    Of those whose number would lie ``between``: from the first on, and below the other, where there is one.
    """
    oldest, after = between
    waiting = await connection.execute(UNJUDGED_NEWEST, {"p": project_id})
    rows = {str(row.id): row for row in waiting if id_at(row.started_at + _MOMENT) > oldest}
    if not rows:
        return {}
    for row in await connection.execute(_DOCUMENTED, {"p": project_id, "names": list(rows)}):
        rows.pop(str(row.session_id), None)
    documents = await _describe_waiting(connection, project_id, rows, describe)
    fitting = {}
    for name, row in rows.items():
        document = documents[name]
        if document.id >= oldest and (after is None or document.id < after) and does_match(query, document, row.duration_ms, row.report_status):
            fitting[document.id] = name
    return fitting


async def _describe_waiting(connection: Connection, project_id: str, rows: Mapping[str, Any], describe: Describe) -> dict[str, Document]:
    states = {name: (project_id, name, row.revision, row.updated_at, row.marker_count, row.duration_ms) for name, row in rows.items()}
    documents = {name: known for name, state in states.items() if (known := _described.get(state))}
    new = [name for name in rows if name not in documents]
    seen = await marker_rows.of_sessions(connection, project_id, [name for name in new if rows[name].marker_count])
    whole = [to_session(row) for row in await connection.execute(_WHOLE, {"p": project_id, "names": new})] if new else []
    fresh = {session.id: describe(session, seen.get(session.id, [])) for session in whole}
    if len(_described) + len(fresh) > DESCRIBED:
        _described.clear()
    _described.update({states[name]: document for name, document in fresh.items()})
    return documents | fresh


DESCRIBED = 1_000
_described: dict[tuple[Any, ...], Document] = {}
"""Documents of sessions that wait, by what they stood at: with each letter that is typed the same ones are asked for again."""


_WHOLE = select(sessions).where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True)))
UNJUDGED_NEWEST = (
    select(*[sessions.c[name] for name in ("id", "started_at", "revision", "updated_at", "marker_count", "duration_ms", "report_status")])
    .where(sessions.c.project_id == bindparam("p"), sessions.c.report_status == PENDING)
    .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
    .limit(UNJUDGED)
)
"""The newest sessions whose report is still to come."""
