"""``python -m tests.servers.everything``: the ordinary tests over PostgreSQL and S3, folder by folder, then all of tests/servers.

Starts both servers itself; needs Debian's ``postgresql`` and the extra ``test``. Words after it go to pytest (``-n2``).
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    "storage", "jobs", "pipeline", "issues", "retention", "governor", "alerts", "accounts", "vault", "symbols", "tracing", "security", "screening",
    "web/api", "web/pages", "search", "capture", "analysis", "assistants", "client", "servers",
)  # fmt: skip


def main() -> int:
    """1 when a folder failed."""
    failed, counts = [], Counter[str]()
    with tempfile.TemporaryDirectory(prefix="retrospec-everything-") as kept:
        for folder in FOLDERS:
            told = Path(kept) / "counts.xml"
            told.unlink(missing_ok=True)
            command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-q", f"--junitxml={told}", *sys.argv[1:]]
            if subprocess.run(command, cwd=ROOT, env=os.environ | {"TEST_STORE": "large"}, check=False).returncode:
                failed.append(folder)
            counts += counted(told)
    sys.stdout.write(", ".join(f"{counts[name]:,} {name}" for name in ("passed", "skipped", "failed")) + "\n")
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "all folders passed on PostgreSQL and S3\n")
    return 1 if failed else 0


def counted(told: Path) -> Counter[str]:
    """What became of the tests of a folder; nothing where pytest did not get so far."""
    if not told.exists():
        return Counter()
    suites = list(ElementTree.parse(told).iter("testsuite"))
    tests, skipped, failures, errors = (sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "skipped", "failures", "errors"))
    return Counter(passed=tests - skipped - failures - errors, skipped=skipped, failed=failures + errors)


if __name__ == "__main__":
    sys.exit(main())
