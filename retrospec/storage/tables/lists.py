"""What the lists of sessions and issues are searched by, and the searches people keep.

The index over ``session_words`` is kept by triggers (migration 0012): ``session_found`` (FTS5) on SQLite, a column
``lexemes`` (tsvector) on PostgreSQL. Whatever deletes a row deletes its words.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from retrospec.domain.search import FIELDS
from retrospec.storage.tables.base import ID, UtcMs, metadata

session_words = Table(
    "session_words",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", ID, nullable=False),
    Column("session_id", ID, nullable=False),
    Column("marks", Text, nullable=False),
    *(Column(field, Text, nullable=False) for field in FIELDS),
    Index("ix_session_words_session", "project_id", "session_id", unique=True),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("section", Text, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    sqlite_with_rowid=False,
)

default_views = Table(
    "default_views",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("user_id", ID, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("view_id", ID, nullable=False),
    sqlite_with_rowid=False,
)

project_changes = Table(
    "project_changes",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
