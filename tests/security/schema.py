"""Schemathesis over the published OpenAPI document: ``python -m tests.security.schema --cases 10000``.

Starts a server of its own, sends generated requests, right and wrong, with and without a key, and checks each answer
against the document: no 5xx, no undocumented status, no answer of another shape. All checks but one, see ``LOOSER``.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from retrospec.serving import start_server
from tests.conftest import Client, make_key, marker, settings_for

LOOSER = "positive_data_acceptance"
"""The document does not state every rule (which characters an id may have, say), so what fits it may be refused."""
OPERATIONS = 16
"""About so many addresses share the cases among them."""


def run(cases: int, seed: int, phases: str = "examples,coverage,fuzzing") -> int:
    """Schemathesis' own exit code: 0 when every check held."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder))
        settings.limits.sessions_per_key = settings.limits.sessions_per_visitor = 0
        server = start_server(settings)
        key = make_key(settings)
        client = Client(server, key)
        client.send("s1", marker())
        client.http.close()
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/api/openapi.json",
            "--header", f"X-Retrospec-Key: {key}", "--header", f"X-Retrospec-Internal: {key}", "--checks", "all",
            "--exclude-checks", LOOSER,
            "--max-examples", str(max(1, cases // OPERATIONS)), "--seed", str(seed), "--phases", phases,
            "--generation-database", "none", "--request-timeout", "30", "--continue-on-failure",
        ]  # fmt: skip
        code = subprocess.run(command, check=False).returncode
        server.stop()
    return code


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return run(given.cases, given.seed)


if __name__ == "__main__":
    sys.exit(main())
