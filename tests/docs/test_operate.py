"""Every command in the shell blocks of docs/operate.md is run, in the order of the page, over one installation."""

import asyncio
import os
import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from retrospec.bench.seed import seed_sessions
from retrospec.cli.main import main
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.projects import DEFAULT_PROJECT_ID

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line.startswith("retrospec ")]
ELSEWHERE = {
    "check": "tests/cli/test_check.py", "doctor": "tests/cli/test_doctor.py", "reload": "tests/cli/test_reload.py", "config diff": "tests/cli/test_reload.py",
    "bench crash": "tests/bench/test_crash.py", "bench cluster": "tests/bench/test_cluster.py", "bench small": "tests/bench/test_operating.py",
    "bench day": "tests/bench/test_every.py", "bench stored": "tests/bench/test_operating.py", "bench growth": "tests/bench/test_operating.py",
    "bench all": "tests/bench/test_every.py", "bench soak": "tests/bench/test_operating.py",
}  # fmt: skip
"""Commands that the page names in its text: who runs them."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RETROSPEC_")]:
        monkeypatch.delenv(name)
    settings = Settings(storage=StorageSettings(dir=str(tmp_path / "retrospec-data")))
    settings.data_dir.mkdir()
    asyncio.run(seed_sessions(settings.database_url, DEFAULT_PROJECT_ID, 5, lambda _: None))
    change(settings, "UPDATE sessions SET user_id = 'customer-17' WHERE id = 'seed-0000002'")
    return settings


def change(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.data_dir / "retrospec.db")) as database:
        database.execute(statement)
        database.commit()


def ask(settings: Settings, question: str) -> str:
    with closing(sqlite3.connect(settings.data_dir / "retrospec.db")) as database:
        return str(database.execute(question).fetchone()[0])


def filled_in(line: str, settings: Settings) -> list[str]:
    """The words after ``retrospec``, with something that is there where the page has a name in capitals."""
    values: dict[str, Callable[[], str]] = {
        "KEY_ID": lambda: ask(settings, "SELECT id FROM api_keys WHERE revoked_at IS NULL LIMIT 1"),
        "SESSION": lambda: "seed-0000003" if "purge" in line else "seed-0000001",
        "PROJECT": lambda: "proj_shop",
        "/mnt/copies/today.tar": lambda: str(settings.data_dir.parent / "today.tar"),
    }
    return [values[word]() if word in values else word for word in shlex.split(line, comments=True)[1:]]


def test_every_command_of_the_page_does_what_it_is_for(settings: Settings) -> None:
    assert len(LINES) >= 20
    for line in LINES:
        if "queue" in line:
            change(settings, "UPDATE sessions SET stage = 'dead', last_error = 'planted' WHERE id = 'seed-0000001'")
        done = CliRunner().invoke(main, filled_in(line, settings), input="y\n")
        assert done.exit_code == 0, f"{line}\n{done.output}{done.exception}"
    assert ask(settings, "SELECT count(*) FROM sessions") == "2"  # one dropped, one purged with its user, one by its name
    assert ask(settings, "SELECT count(*) FROM projects WHERE id = 'proj_shop'") == "0"


def test_every_command_named_in_the_text_has_a_test_that_runs_it() -> None:
    named = set(re.findall(r"`retrospec ((?:bench |config )?[a-z]+)", PAGE)) - {line.split()[1] for line in LINES}
    named -= {"serve", "worker"}  # what the page is about; run by half of the tests
    assert named <= set(ELSEWHERE), named - set(ELSEWHERE)
    for command, place in ELSEWHERE.items():
        assert command.split()[-1] in (ROOT / place).read_text(encoding="utf-8"), (command, place)
