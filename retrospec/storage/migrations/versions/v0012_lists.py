"""Sessions are searched by what happened in them; searches are kept; open pages learn of changes."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0012"
down_revision = "0010"

FIELDS = ("person", "place", "tags", "release", "environment", "agent", "kinds", "clicked", "saw", "errors", "told")


def upgrade() -> None:
    op.create_table(
        "session_words",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", tables.ID, nullable=False),
        sa.Column("session_id", tables.ID, nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        *(sa.Column(field, sa.Text(), nullable=False) for field in FIELDS),
        sa.PrimaryKeyConstraint("id", name="pk_session_words"),
    )
    op.create_index("ix_session_words_session", "session_words", ["project_id", "session_id"], unique=True)
    op.create_table(
        "saved_views",
        sa.Column("project_id", tables.ID, nullable=False),
        sa.Column("id", tables.ID, nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("user_id", tables.ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name="pk_saved_views"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "default_views",
        sa.Column("project_id", tables.ID, nullable=False),
        sa.Column("user_id", tables.ID, nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("view_id", tables.ID, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", "section", name="pk_default_views"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "project_changes",
        sa.Column("project_id", tables.ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_project_changes"),
        sqlite_with_rowid=False,
    )
    for statement in _fts5() if op.get_bind().dialect.name == "sqlite" else _tsvector():
        op.execute(sa.text(statement))


def _fts5() -> tuple[str, ...]:
    columns = ", ".join(("marks", *FIELDS))
    old, new = (", ".join(f"{which}.{field}" for field in ("marks", *FIELDS)) for which in ("old", "new"))
    return (
        # Without the texts, which the table has, and with words as they are: ours are folded already.
        f"CREATE VIRTUAL TABLE session_found USING fts5({columns}, content='', tokenize='ascii')",
        f"CREATE TRIGGER session_words_in AFTER INSERT ON session_words BEGIN "
        f"INSERT INTO session_found (rowid, {columns}) VALUES (new.id, {new}); END",
        f"CREATE TRIGGER session_words_out AFTER DELETE ON session_words BEGIN "
        f"INSERT INTO session_found (session_found, rowid, {columns}) VALUES ('delete', old.id, {old}); END",
    )


def _tsvector() -> tuple[str, ...]:
    """Each word stands once alone and once with its field before it, at one position; marks never alone."""
    named = ", ".join(f"({number}, '{field}', NEW.{field})" for number, field in enumerate(("marks", *FIELDS)))
    return (
        "ALTER TABLE session_words ADD COLUMN lexemes tsvector",
        "CREATE FUNCTION session_words_lexemes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.lexemes := (SELECT string_agg(CASE field WHEN 'marks' THEN '' ELSE format('''%s'':%s ', word, at) END || format('''%s.%s'':%s', field, word, at), ' ')::tsvector FROM ("
        "SELECT field, word, row_number() OVER (ORDER BY number, place) AS at "
        f"FROM (VALUES {named}) AS fields(number, field, words), "
        "unnest(string_to_array(words, ' ')) WITH ORDINALITY AS listed(word, place) WHERE word <> '') AS placed WHERE at < 16383); "
        "RETURN NEW; END $$",
        "CREATE TRIGGER session_words_in BEFORE INSERT ON session_words FOR EACH ROW EXECUTE FUNCTION session_words_lexemes()",
        "CREATE INDEX ix_session_words_lexemes ON session_words USING gin (lexemes)",
        "CREATE INDEX ix_session_words_newest ON session_words (project_id, id)",
    )
