"""``python -m tests.servers.everything``: the ordinary tests over PostgreSQL and S3, folder by folder, then all of tests/servers.

Starts both servers itself; needs Debian's ``postgresql`` and the extra ``test``. Words after it go to pytest (``-n2``).
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    "storage", "jobs", "pipeline", "issues", "retention", "governor", "alerts", "accounts", "vault", "symbols", "tracing", "security", "screening",
    "web/api", "web/pages", "search", "capture", "analysis", "assistants", "client", "servers",
)  # fmt: skip


def main() -> int:
    """1 when a folder failed."""
    failed = []
    for folder in FOLDERS:
        command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-q", *sys.argv[1:]]
        if subprocess.run(command, cwd=ROOT, env=os.environ | {"TEST_STORE": "large"}, check=False).returncode:
            failed.append(folder)
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "all folders passed on PostgreSQL and S3\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
