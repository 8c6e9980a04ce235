"""Known weaknesses of what the lock files pin: ``python -m tests.security.audit``.

Asks ``pip-audit`` and ``npm audit``. Exits with 1 and names them where there are any. An advisory service that cannot be
asked (offline, or a mirror without advisories) is said in one sentence and fails nothing: it proves neither.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from hatch_build import node_command

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-large.lock", "requirements-test.lock")
DEADLINE_S = 300


class Audit(msgspec.Struct):
    """What one service said."""

    of: str
    checked: int
    weak: list[str]
    """``name version: advisory``, each."""


def read_pip_audit(lock: str, said: str) -> Audit:
    """What ``pip-audit --format json`` printed; a package it had to skip is not a checked one."""
    packages = _document(said).get("dependencies", [])
    weak = [
        f"{each['name']} {each['version']}: {found['id']}"
        for each in packages
        for found in each.get("vulns", [])
    ]
    return Audit(lock, sum("skip_reason" not in each for each in packages), weak)


def read_npm_audit(lock: str, said: str) -> Audit:
    """What ``npm audit --json`` printed."""
    document = _document(said)
    known = document.get("metadata", {}).get("dependencies", {})
    weak = [f"{name}: {each['severity']}" for name, each in document.get("vulnerabilities", {}).items()]
    return Audit(lock, int(known.get("total", 0)), weak)


def _document(said: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def sentence(audit: Audit) -> str:
    """For the person who reads the log of the run."""
    if audit.weak:
        return f"{audit.of}: {len(audit.weak)} known weaknesses: {'; '.join(sorted(audit.weak))}"
    if not audit.checked:
        return f"{audit.of}: the advisory service could not be asked, so nothing is known of it."
    return f"{audit.of}: {audit.checked} packages, no known weakness."


def exit_code(audits: Iterable[Audit]) -> int:
    """1 where anything weak is pinned."""
    return 1 if any(audit.weak for audit in audits) else 0


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def main() -> int:
    """The command."""
    pip_audit = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    audits = [read_pip_audit(lock, _said([*pip_audit, "--requirement", lock])) for lock in LOCKS]
    npm_audit = [*node_command("npm"), "audit", "--json", "--package-lock-only"]
    audits.append(read_npm_audit("package-lock.json", _said(npm_audit)))
    sys.stdout.write("".join(f"{sentence(each)}\n" for each in audits))
    return exit_code(audits)


if __name__ == "__main__":
    sys.exit(main())
