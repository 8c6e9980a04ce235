"""Which rows belong to a person or a project, and their deletion."""

from sqlalchemy import delete, func, or_, select

from retrospec.storage.among import among
from retrospec.storage.database import Connection
from retrospec.storage.expiry import SessionName, of_sessions
from retrospec.storage.tables import issue_people, metadata, projects, sessions


async def sessions_of_person(
    connection: Connection, person: str, *, limit: int, project_id: str = ""
) -> list[SessionName]:
    """Sessions of a user (the site's own id) or of a visitor, in one project or in all."""
    query = select(sessions.c.project_id, sessions.c.id).where(
        or_(sessions.c.user_id == person, sessions.c.visitor_id == person)
    )
    if project_id:
        query = query.where(sessions.c.project_id == project_id)
    found = await connection.execute(query.limit(limit))
    return [(row.project_id, row.id) for row in found]


async def sessions_called(
    connection: Connection, session_id: str, *, limit: int, project_id: str = ""
) -> list[SessionName]:
    """Sessions of that id, in one project or in whatever has one."""
    query = select(sessions.c.project_id, sessions.c.id).where(sessions.c.id == session_id)
    if project_id:
        query = query.where(sessions.c.project_id == project_id)
    found = await connection.execute(query.limit(limit))
    return [(row.project_id, row.id) for row in found]


async def sessions_of_project(connection: Connection, project_id: str, *, limit: int) -> list[SessionName]:
    """Any of the project's sessions."""
    found = await connection.execute(
        select(sessions.c.project_id, sessions.c.id).where(sessions.c.project_id == project_id).limit(limit)
    )
    return [(row.project_id, row.id) for row in found]


async def overwrite_deleted(connection: Connection) -> None:
    """From here on SQLite writes zeros over what is deleted."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("PRAGMA secure_delete = ON")


async def rewrite_index(connection: Connection) -> None:
    """SQLite's full-text index keeps the words of what was deleted until it is merged: now. About 1 s for 100,000 sessions."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("INSERT INTO session_found (session_found) VALUES ('optimize')")


async def rows_of(connection: Connection, named: list[SessionName]) -> dict[str, int]:
    """Rows by table that go with these sessions."""
    counts = {"sessions": len(named)}
    for table in of_sessions():
        query = select(func.count()).select_from(table).where(among(table.c.project_id, table.c.session_id, named))
        counts[table.name] = int(await connection.scalar(query))
    return counts


async def forget_person(connection: Connection, person: str, *, project_id: str = "") -> int:
    """Take the person out of every issue's list of people, of one project or of all; issues keep their counts."""
    named = delete(issue_people).where(issue_people.c.person_key.in_((f"u:{person}", f"v:{person}")))
    if project_id:
        named = named.where(issue_people.c.project_id == project_id)
    return (await connection.execute(named)).rowcount


async def forget_project(connection: Connection, project_id: str) -> dict[str, int]:
    """Delete every row that names the project, then the project; how many of each table."""
    counts: dict[str, int] = {}
    for table in metadata.tables.values():
        if "project_id" in table.c:
            gone = await connection.execute(delete(table).where(table.c.project_id == project_id))
            counts[table.name] = gone.rowcount
    gone = await connection.execute(delete(projects).where(projects.c.id == project_id))
    return {name: count for name, count in (counts | {"projects": gone.rowcount}).items() if count}
