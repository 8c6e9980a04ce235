import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Run(Protocol):
    def __call__(
        self, *arguments: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def retrospec(tmp_path: Path) -> Run:
    """Runs the real command in an empty folder, without settings of the machine's own."""

    def run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("RETROSPEC_")}
        return subprocess.run(
            [sys.executable, "-m", "retrospec", *arguments],
            cwd=tmp_path, env={**inherited, "PYTHONPATH": str(ROOT), **(environ or {})},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run
