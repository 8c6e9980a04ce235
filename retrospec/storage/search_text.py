"""What a search reads as SQLite's FTS5 and PostgreSQL's full-text search are asked it, newest session first."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Select, cast, column, func, literal, literal_column, or_, select, table

from retrospec.domain.search import (
    BETWEEN,
    FAILED_MARK,
    FIELDS,
    QUIET_MARK,
    Query,
    Term,
    id_at,
    octaves,
    project_mark,
    status_mark,
)
from retrospec.storage.database import Connection
from retrospec.storage.tables import session_words, sessions

INDEXED_PREFIX = 3
"""Letters of a word's beginning that SQLite's index holds as a list of their own (migration 0021)."""
LOOKED_THROUGH = 2
"""Times as many documents as are wanted that are read before a beginning of another length is put together from all its words."""

_found = table("session_found", column("rowid"), column("session_found"))


async def newest_of(connection: Connection, project_id: str, query: Query, *, after: int | None, limit: int) -> dict[int, str]:
    """Number and id of the newest judged sessions that fit, at most ``limit``, those with a lower number than ``after``.

    For a word that may go on FTS5 joins the whole lists of all words that begin so, however
    few are wanted. Documents with its first letters are a list already, so the newest of them are read and looked into; where
    that gives all that is wanted, it is the answer.
    """
    dialect = connection.dialect.name
    if dialect == "sqlite" and (quick := _among_newest(project_id, query, after=after, limit=limit)) is not None:
        named = {int(row.id): str(row.session_id) for row in await connection.execute(quick)}
        if len(named) == limit:
            return named
    found = await connection.execute(found_query(project_id, query, after=after, limit=limit, dialect=dialect))
    return {int(row.id): str(row.session_id) for row in found}


def _among_newest(project_id: str, query: Query, *, after: int | None, limit: int) -> Select[Any] | None:
    """Those that fit among the newest that have the first letters; None where nothing would be saved."""
    cut = {term: shorter for term in query.terms if not term.is_negated and (shorter := _first_letters(term)) != term}
    if not cut:
        return None
    wider = msgspec.structs.replace(query, terms=tuple(cut.get(term, term) for term in query.terms))
    number = _found.c.rowid
    newest = select(number.label("id")).where(_found.c.session_found.op("MATCH")(fts5_text(project_id, wider)), *_between(number, query, after))
    newest_few = newest.order_by(number.desc()).limit(limit * LOOKED_THROUGH).subquery()
    wanted = select(session_words.c.id, session_words.c.session_id).select_from(newest_few.join(session_words, session_words.c.id == newest_few.c.id))
    wanted = wanted.where(session_words.c.project_id == project_id, *map(_says, cut), *_of_length(query))
    return wanted.order_by(newest_few.c.id.desc()).limit(limit)


def _first_letters(term: Term) -> Term:
    """The term with each word that may go on cut to what the index has a list of."""
    phrases = tuple((*phrase[:-1], phrase[-1][:INDEXED_PREFIX]) if is_open else phrase for phrase, is_open in zip(term.phrases, term.is_open, strict=True))
    return msgspec.structs.replace(term, phrases=phrases)


def _says(term: Term) -> Any:
    """Whether a document has one of the term's phrases: in its text words stand apart by one space."""
    fields = (term.field,) if term.field else FIELDS
    text: Any = literal(" ")
    for name in fields:
        text = text + session_words.c[name] + " "
    return or_(*(func.instr(text, phrase) > 0 for phrase in _written(term)))


def _written(term: Term) -> Iterator[str]:
    for phrase, is_open in zip(term.phrases, term.is_open, strict=True):
        words = (BETWEEN, *phrase) if term.at_start else phrase
        yield f" {' '.join(words)}{'' if is_open else ' '}"


def found_query(project_id: str, query: Query, *, after: int | None, limit: int, dialect: str) -> Select[Any]:
    """Numbers and ids of the documents that fit."""
    if dialect == "sqlite":
        number: Any = _found.c.rowid
        # CROSS JOIN in SQLite's sense: the index first, then each document by its number.
        joined = _found.join(session_words, session_words.c.id == number)
        is_found = _found.c.session_found.op("MATCH")(fts5_text(project_id, query))
        wanted = select(number.label("id"), session_words.c.session_id).select_from(joined).where(is_found, session_words.c.project_id == project_id)
    else:
        number = session_words.c.id
        from sqlalchemy.dialects.postgresql import TSQUERY  # loads what only PostgreSQL needs

        is_found = literal_column("session_words.lexemes").op("@@")(cast(tsquery_text(project_id, query), TSQUERY))
        wanted = select(number, session_words.c.session_id).where(session_words.c.project_id == project_id, is_found)
    return wanted.where(*_between(number, query, after), *_of_length(query)).order_by(number.desc()).limit(limit)


def _between(number: Any, query: Query, after: int | None) -> Iterator[Any]:
    """The bounds of a document's number."""
    for bound, is_upper in ((after, True), (query.until and id_at(query.until), True), (query.since and id_at(query.since), False)):
        if bound is not None:
            yield number < bound if is_upper else number >= bound


def _of_length(query: Query) -> Iterator[Any]:
    """Exactly; the octaves have narrowed it already."""
    if query.shortest_ms <= 0 and query.longest_ms is None:
        return
    its = (sessions.c.project_id == session_words.c.project_id) & (sessions.c.id == session_words.c.session_id)
    within = its & (sessions.c.duration_ms >= query.shortest_ms)
    if query.longest_ms is not None:
        within &= sessions.c.duration_ms <= query.longest_ms
    yield select(sessions.c.id).where(within).exists()


def _mark_groups(project_id: str, query: Query) -> list[list[str]]:
    """Marks of which each group must give one."""
    groups = [[project_mark(project_id)]]
    if query.statuses:
        groups.append([status_mark(status) for status in query.statuses])
    if query.has_failures is not None:
        groups.append([FAILED_MARK if query.has_failures else QUIET_MARK])
    if lengths := octaves(query):
        groups.append(lengths)
    return groups


def fts5_text(project_id: str, query: Query) -> str:
    """As SQLite's full-text search writes it. Words are letters and digits, so quoting them is enough."""
    parts = ["(" + " OR ".join(f'marks : "{mark}"' for mark in group) + ")" for group in _mark_groups(project_id, query)]
    parts += [_fts5_term(term) for term in query.terms if not term.is_negated]
    text = " AND ".join(parts)
    for term in query.terms:
        if term.is_negated:
            text = f"({text}) NOT {_fts5_term(term)}"
    return text


def _fts5_term(term: Term) -> str:
    where = term.field or "- marks"
    written = []
    for phrase, is_open in zip(term.phrases, term.is_open, strict=True):
        words = (BETWEEN, *phrase) if term.at_start else phrase
        written.append(f'{where} : "{" ".join(words)}"{" *" if is_open else ""}')
    return "(" + " OR ".join(written) + ")"


def tsquery_text(project_id: str, query: Query) -> str:
    """As PostgreSQL's full-text search writes it."""
    parts = ["(" + " | ".join(f"'marks.{mark}'" for mark in group) + ")" for group in _mark_groups(project_id, query)]
    parts += [("!" if term.is_negated else "") + _tsquery_term(term) for term in query.terms]
    return " & ".join(parts)


def _tsquery_term(term: Term) -> str:
    before = f"{term.field}." if term.field else ""
    written = []
    for phrase, is_open in zip(term.phrases, term.is_open, strict=True):
        words = [f"'{before}{word}'" for word in ((BETWEEN, *phrase) if term.at_start else phrase)]
        written.append("(" + " <-> ".join(words) + (":*" if is_open else "") + ")")
    return "(" + " | ".join(written) + ")"
