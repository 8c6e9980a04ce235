import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from click.testing import CliRunner

from retrospec.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Run(Protocol):
    def __call__(self, *arguments: str, environ: dict[str, str] | None = None) -> Done: ...


@pytest.fixture
def retrospec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line in this process, in an empty folder, without settings of the machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RETROSPEC_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str, environ: dict[str, str] | None = None) -> Done:
        umask = os.umask(0o022)
        result = CliRunner().invoke(main, arguments, env=environ)
        os.umask(umask)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def retrospec_process(tmp_path: Path) -> Run:
    """The same as a program of its own."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("RETROSPEC_")}

    def run(*arguments: str, environ: dict[str, str] | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "retrospec", *arguments],
            cwd=tmp_path, env={**inherited, "PYTHONPATH": str(ROOT), **(environ or {})},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    return run
