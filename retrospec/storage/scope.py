"""Each request sees one project: statements about another project's rows are refused at the door.

A request names its project once, with ``within_project``. From then on every statement it sends to a
table that has a ``project_id`` must ask for that id, and for no other. A forgotten condition is an error
on our side, seen at once, and not another customer's recording.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import BindParameter, Executable, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BinaryExpression, Grouping, Tuple

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


def refuse_other_projects(statement: Executable, parameters: Any = None) -> None:
    """Raises OutsideProject for a statement that is not about the request's project. About 40 µs."""
    project_id = _project.get()
    if not project_id or isinstance(statement, Insert):
        return
    asked = set(_asked_projects(statement, parameters))
    if asked == {project_id}:
        return
    if asked or _is_scoped(statement):
        raise OutsideProject(f"A statement for {project_id} asks for {sorted(asked) or 'every project'}.")


def _is_scoped(statement: Any) -> bool:
    return any(
        isinstance(part, Table) and "project_id" in part.c for part in visitors.iterate(statement)
    )


def _asked_projects(statement: Any, parameters: Any) -> Iterator[str]:
    for part in visitors.iterate(statement):
        if not isinstance(part, BinaryExpression):
            continue
        for column, value in ((part.left, part.right), (part.right, part.left)):
            if isinstance(value, BindParameter):
                yield from _asked_of(column, _given(value, parameters))


def _asked_of(column: Any, values: list[Any]) -> Iterator[str]:
    if isinstance(column, Grouping):
        column = column.element
    if isinstance(column, Tuple):  # (project_id, session_id) IN (…)
        places = [place for place, each in enumerate(column.clauses) if _is_project_id(each)]
        yield from (str(value[place]) for value in values for place in places)
    elif _is_project_id(column):
        yield from map(str, values)


def _is_project_id(column: Any) -> bool:
    return getattr(column, "name", "") == "project_id" and getattr(column, "table", None) is not None


def _given(bound: BindParameter[Any], parameters: Any) -> list[Any]:
    sets = parameters if isinstance(parameters, list | tuple) else [parameters or {}]
    values = [each.get(bound.key, bound.value) for each in sets]
    return [one for value in values for one in value or ()] if bound.expanding else values
