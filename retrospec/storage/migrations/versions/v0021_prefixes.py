"""Three typed letters find the newest sessions at once: words that begin with them are a list, not a merge of all their words' lists."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

COLUMNS = "marks, person, place, tags, release, environment, agent, kinds, clicked, saw, errors, told"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for statement in (
        "DROP TABLE session_found",
        f"CREATE VIRTUAL TABLE session_found USING fts5({COLUMNS}, content='', prefix='3', tokenize='ascii')",
        f"INSERT INTO session_found (rowid, {COLUMNS}) SELECT id, {COLUMNS} FROM session_words",
    ):
        op.execute(sa.text(statement))
