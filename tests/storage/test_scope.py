"""Whatever a request asks of the database, it is about its own project: read from each statement as it is compiled."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from retrospec.storage.engines import engines_for
from retrospec.storage.migrate import migrate
from retrospec.storage.scope import OutsideProject, across_projects, within_project
from retrospec.storage.tables import markers, projects, sessions
from retrospec.storage.tables import metadata as tables

A, B = "proj_a", "proj_b"
_NAMED = select(sessions.c.id).where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True)))
_PAIRS = tuple_(sessions.c.id, sessions.c.project_id)
_OWN = select(sessions.c.id).where(sessions.c.project_id == A)
_THEIRS = select(sessions.c.id).where(sessions.c.project_id == B)
_ALIAS = sessions.alias("other")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('scope') / 'x.db'}"
    migrate(url)
    reader, writer = engines_for(url, readers=1)
    yield writer
    reader.dispose()
    writer.dispose()


@pytest.fixture(autouse=True)
def of_a() -> Iterator[None]:
    within_project(A)
    yield
    within_project("")


def run(engine: Engine, statement: Any, parameters: Any = None) -> None:
    with engine.connect() as connection:
        connection.execute(statement, parameters)
        connection.rollback()


OWN: dict[str, tuple[Any, Any]] = {
    "by its project": (_OWN, None),
    "the value first": (select(sessions.c.id).where(literal(A) == sessions.c.project_id), None),
    "a parameter": (_NAMED, {"p": A, "names": ["x", "y"]}),
    "a list of nothing": (_NAMED, {"p": A, "names": []}),
    "a list of projects": (select(sessions.c.id).where(sessions.c.project_id.in_([A, A])), None),
    "pairs": (select(sessions.c.id).where(_PAIRS.in_([("x", A), ("y", A)])), None),
    "an alias": (select(_ALIAS.c.id).where(_ALIAS.c.project_id == A), None),
    "a subquery": (select(_OWN.subquery().c.id), None),
    "a union": (union_all(_OWN, _OWN), None),
    "a table without projects": (select(projects.c.id), None),
    "plain text": (text("SELECT 1"), None),
    "an update": (update(sessions).where(sessions.c.project_id == A, sessions.c.id == "x").values(route="/"), None),
    "many updates": (update(sessions).where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s")).values(route="/"), [{"p": A, "s": "x"}, {"p": A, "s": "y"}]),
    "a deletion": (delete(markers).where(markers.c.project_id == A), None),
    "rows from a query": (insert(projects).from_select(["id", "name", "created_at"], select(sessions.c.id, sessions.c.site, sessions.c.started_at).where(sessions.c.project_id == A)), None),
}  # fmt: skip
FOREIGN: dict[str, tuple[Any, Any]] = {
    "of another": (_THEIRS, None),
    "of all": (select(sessions.c.id), None),
    "a count of all": (select(func.count()).select_from(sessions), None),
    "a parameter": (_NAMED, {"p": B, "names": ["x"]}),
    "nobody's": (_NAMED, {"p": None, "names": ["x"]}),
    "a list with another": (select(sessions.c.id).where(sessions.c.project_id.in_([A, B])), None),
    "an empty list": (select(sessions.c.id).where(sessions.c.project_id.in_([])), None),
    "all but one": (select(sessions.c.id).where(sessions.c.project_id != B), None),
    "all but those": (select(sessions.c.id).where(sessions.c.project_id.not_in([A])), None),
    "all after it": (select(sessions.c.id).where(sessions.c.project_id >= A), None),
    "all like it": (select(sessions.c.id).where(sessions.c.project_id.like(A)), None),
    "either": (select(sessions.c.id).where(or_(sessions.c.project_id == A, sessions.c.project_id == B)), None),
    "pairs with another": (select(sessions.c.id).where(_PAIRS.in_([("x", A), ("y", B)])), None),
    "pairs by parameter": (select(sessions.c.id).where(_PAIRS.in_(bindparam("pairs", expanding=True))), {"pairs": [("x", A), ("y", B)]}),
    "its name in another column": (select(sessions.c.id).where(sessions.c.id == A), None),
    "an alias": (select(_ALIAS.c.id).where(_ALIAS.c.project_id == B), None),
    "a subquery": (select(_THEIRS.subquery().c.id), None),
    "a named subquery": (select(_THEIRS.cte().c.id), None),
    "a list from a query": (select(sessions.c.id).where(sessions.c.project_id == A, sessions.c.id.in_(_THEIRS)), None),
    "whether there is one": (select(exists().where(markers.c.project_id == B)), None),
    "a union": (union_all(_OWN, _THEIRS), None),
    "a union with all": (union_all(select(sessions.c.id), select(markers.c.id)), None),
    "a join to another": (select(sessions.c.id).join(markers, (markers.c.session_id == sessions.c.id) & (markers.c.project_id == B)).where(sessions.c.project_id == A), None),
    "an update": (update(sessions).where(sessions.c.id == "x").values(project_id=A), None),
    "an update of another": (update(sessions).where(sessions.c.project_id == B).values(route="/"), None),
    "many updates": (update(sessions).where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s")).values(route="/"), [{"p": A, "s": "x"}, {"p": B, "s": "y"}]),
    "a deletion": (delete(markers).where(markers.c.project_id == B), None),
    "a deletion of all": (delete(markers), None),
    "rows from a query": (insert(projects).from_select(["id", "name", "created_at"], select(sessions.c.id, sessions.c.site, sessions.c.started_at).where(sessions.c.project_id == B)), None),
    "rows from all": (insert(projects).from_select(["id", "name", "created_at"], select(sessions.c.id, sessions.c.site, sessions.c.started_at)), None),
    "plain text": (text("SELECT id FROM sessions"), None),
    "plain text of its own": (text("SELECT id FROM Sessions WHERE project_id = :p"), {"p": A}),
    "text within": (select(text("id")).select_from(text("markers")), None),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_what_is_about_the_project_runs(engine: Engine, name: str) -> None:
    run(engine, *OWN[name])


@pytest.mark.parametrize("name", FOREIGN)
def test_whatever_else_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(OutsideProject):
        run(engine, *FOREIGN[name])


@pytest.mark.parametrize("name", FOREIGN)
def test_outside_of_a_request_everything_runs(engine: Engine, name: str) -> None:
    with across_projects():
        run(engine, *FOREIGN[name])


@pytest.mark.parametrize("build", [lambda name: (_NAMED, {"p": name, "names": ["x"]}), lambda name: (select(markers.c.kind).where(markers.c.project_id == name), None)])
def test_a_statement_known_from_one_project_is_not_believed_for_another(engine: Engine, build: Any) -> None:
    run(engine, *build(A))
    with pytest.raises(OutsideProject, match=B):
        run(engine, *build(B))
    within_project(B)
    run(engine, *build(B))
    with pytest.raises(OutsideProject, match=A):
        run(engine, *build(A))


def test_a_longer_list_is_looked_at_to_its_end(engine: Engine) -> None:
    pairs = select(sessions.c.route).where(_PAIRS.in_(bindparam("pairs", expanding=True)))
    run(engine, pairs, {"pairs": [("x", A)]})
    run(engine, pairs, {"pairs": [(B, A), ("y", A)]})
    with pytest.raises(OutsideProject):
        run(engine, pairs, {"pairs": [("x", A), ("y", A), ("z", B)]})


def test_text_for_the_driver_names_no_rows_of_projects(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM projects")
        with pytest.raises(OutsideProject):
            connection.exec_driver_sql("SELECT count(*) FROM issue_sessions")


def test_both_doors_engines_are_watched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    for engine in engines_for(url, readers=1):
        with engine.connect() as connection, pytest.raises(OutsideProject):
            connection.execute(select(sessions.c.id))
        engine.dispose()


def test_every_table_with_a_project_is_guarded(engine: Engine) -> None:
    scoped = [table for table in tables.sorted_tables if "project_id" in table.c]
    assert len(scoped) > 30
    for table in scoped:
        with pytest.raises(OutsideProject):
            run(engine, select(func.count()).select_from(table))
