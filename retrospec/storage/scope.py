"""Each request sees one project: statements about another project's rows are refused at the door.

A request names its project once, with ``within_project``. From then on every statement it sends to a
table that has a ``project_id`` must ask for that id, and for no other. A forgotten condition is an error
on our side, seen at once, and not another customer's recording.

What a statement asks is read from it once, when it is compiled; each time it runs, only the values it is
given are looked at (about 2 µs, where walking the statement each time took 30 to 120).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import BindParameter, Engine, Table, event
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BinaryExpression, Grouping, TextClause, Tuple

from retrospec.storage.tables import metadata

_project: ContextVar[str] = ContextVar("project", default="")


class OutsideProject(RuntimeError):
    """A statement would have touched rows of another project: a mistake in the program."""


def within_project(project_id: str) -> None:
    """This request (or task) is about ``project_id`` alone; ``""`` lifts that."""
    _project.set(project_id)


def project_of() -> str:
    """The project this request is about; empty outside of one."""
    return _project.get()


def is_about_one_project() -> bool:
    """Whether a request is being answered that named its project."""
    return bool(_project.get())


@contextmanager
def across_projects() -> Iterator[None]:
    """For counts of the whole installation: what is read inside must name nobody's rows."""
    token = _project.set("")
    try:
        yield
    finally:
        _project.reset(token)


class _Asked(msgspec.Struct, frozen=True):
    """A value that a statement compares with a ``project_id``."""

    bind: str
    """Its name in the compiled statement."""
    place: int
    """In a tuple of ``width``; 0 of 1 where it stands alone."""
    width: int


class _Shape(msgspec.Struct, frozen=True):
    """What is known of a compiled statement, whatever values it runs with."""

    asked: list[_Asked]
    is_scoped: bool
    """Whether it touches a table with a ``project_id``."""
    is_open: bool
    """Whether it compares a ``project_id`` in a way that lets several in."""


_known: WeakKeyDictionary[Any, _Shape] = WeakKeyDictionary()
"""By compiled statement, as long as SQLAlchemy keeps that."""


def watch_projects(engine: Engine) -> None:
    """From now on no statement of a request leaves through ``engine`` for another project's rows."""
    event.listen(engine, "before_cursor_execute", _refuse_other_projects)


def _refuse_other_projects(_connection: Any, _cursor: Any, text: str, _parameters: Any, context: Any, _is_many: bool) -> None:
    """Raises OutsideProject for a statement that is not about the request's project."""
    project_id = _project.get()
    if not project_id:
        return
    if context.compiled is None:
        if _names_scoped_table(text):
            raise OutsideProject(f"A statement for {project_id} is plain text: what it asks for cannot be told.")
        return
    shape = _known.get(context.compiled) or _remembered(context.compiled)
    asked = {str(value) for each in shape.asked for value in _values(each, context)}
    if asked == {project_id} and not shape.is_open:
        return
    if asked or shape.is_open or shape.is_scoped:
        raise OutsideProject(f"A statement for {project_id} asks for {sorted(asked - {project_id}) or 'every project'}.")


def _values(asked: _Asked, context: Any) -> Iterator[Any]:
    """What this statement runs with there: of each set of parameters, and of each member of a list."""
    names = context._expanded_parameters.get(asked.bind, [asked.bind])[asked.place :: asked.width]
    for given in context.compiled_parameters:
        yield from (given[name] for name in names)


def _remembered(compiled: Any) -> _Shape:
    shape = _known[compiled] = shape_of(compiled)
    return shape


def shape_of(compiled: Any) -> _Shape:
    """Read a compiled statement; rows that are merely inserted ask for nothing, those that a query inserts do."""
    statement = compiled.statement
    if isinstance(statement, Insert) and statement.select is None:
        return _Shape([], is_scoped=False, is_open=False)
    parts = list(visitors.iterate(statement))
    names = {bound.key: name for bound, name in compiled.bind_names.items()}
    compared = [pair for part in parts if isinstance(part, BinaryExpression) for pair in _compared(part)]
    return _Shape(
        asked=[_Asked(names[bound.key], place, width) for _, bound, place, width in compared if bound.key in names],
        is_scoped=any(map(_touches_scoped_table, parts)),
        is_open=any(compare not in (operators.eq, operators.in_op) or bound.key not in names for compare, bound, *_ in compared),
    )


def _compared(part: BinaryExpression[Any]) -> Iterator[tuple[Any, BindParameter[Any], int, int]]:
    """How a ``project_id`` is compared with which value, and the value's place in a tuple of that width."""
    for side, value in ((part.left, part.right), (part.right, part.left)):
        if not isinstance(value, BindParameter):
            continue
        column: Any = side.element if isinstance(side, Grouping) else side
        if isinstance(column, Tuple):  # (project_id, session_id) IN (…)
            places = [place for place, each in enumerate(column.clauses) if _is_project_id(each)]
            yield from ((part.operator, value, place, len(column.clauses)) for place in places)
        elif _is_project_id(column):
            yield part.operator, value, 0, 1


def _is_project_id(column: Any) -> bool:
    return getattr(column, "name", "") == "project_id" and getattr(column, "table", None) is not None


def _touches_scoped_table(part: Any) -> bool:
    if isinstance(part, TextClause):
        return _names_scoped_table(part.text)
    return isinstance(part, Table) and "project_id" in part.c


@cache
def _scoped_names() -> re.Pattern[str]:
    names = [table.name for table in metadata.tables.values() if "project_id" in table.c]
    return re.compile(rf"\b(?:{'|'.join(names)})\b", re.IGNORECASE)


def _names_scoped_table(text: str) -> bool:
    return _scoped_names().search(text) is not None
