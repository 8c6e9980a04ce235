"""Where things came to nothing: what each session left, and its roll-up by day."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, KEY, metadata

place_marks = Table(
    "place_marks",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sort", String(8), nullable=False),
    Column("place", KEY, nullable=False),
    Column("thing", KEY, nullable=False),
    Column("day", Integer, nullable=False),
    Column("person_key", KEY, nullable=False),
    Column("count", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("outcome", String(16), nullable=False, server_default=""),
    Column("t_ms", Integer, nullable=False),
    Column("x", Integer, nullable=False, server_default="-1"),
    Column("y", Integer, nullable=False, server_default="-1"),
    Column("width", Integer, nullable=False, server_default="0"),
    Column("shown", Text, nullable=False, server_default=""),
    Index("ix_place_marks_people", "project_id", "sort", "place", "thing", "day", "person_key"),
    Index("ix_place_marks_newest", "project_id", "sort", "place", "day", "person_key"),
    sqlite_with_rowid=False,
)

place_days = Table(
    "place_days",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("sort", String(8), primary_key=True),
    Column("place", KEY, primary_key=True),
    Column("thing", KEY, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("overcome", Integer, nullable=False),
    Column("sessions", Integer, nullable=False),
    sqlite_with_rowid=False,
)
