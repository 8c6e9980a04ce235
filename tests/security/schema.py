"""Schemathesis over the published OpenAPI document: ``python -m tests.security.schema --cases 10000``.

Starts a server of its own, sends generated requests, right and wrong, with and without a key, and checks each answer
against the document with all of schemathesis' checks: no 5xx, no undocumented status, no answer of another shape, what
fits the document is taken, what doesn't is refused. Repeats with other seeds until so many cases were sent.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from retrospec.serving import start_server
from tests.conftest import Client, make_key, marker, settings_for

HERE = Path(__file__).parent
OPERATIONS = 60
"""About so many addresses share the cases among them."""
_SENT = re.compile(r"([\d,]+) generated")


def run(cases: int, seed: int, phases: str = "examples,coverage,fuzzing,stateful") -> tuple[int, str]:
    """Cases sent, and what schemathesis had to complain of; empty when every check held."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder))
        settings.limits.sessions_per_key = settings.limits.sessions_per_visitor = 0
        server = start_server(settings)
        try:
            key = make_key(settings)
            client = Client(server, key)
            for name in ("s1", "s2"):  # not every answer is to be 404
                client.send(name, marker())
                client.judged(name)
            os.environ["RETROSPEC_OWN_KEY"] = _own_id(client)
            client.http.close()
            return _sent(server.url, key, folder, cases, seed, phases)
        finally:
            server.stop()


def _own_id(client: Client) -> str:
    """Of the key that asks."""
    return next(str(each["id"]) for each in client.http.get("/v2/keys").json()["items"] if each["name"] == "test")


def _sent(url: str, key: str, folder: str, cases: int, seed: int, phases: str) -> tuple[int, str]:
    sent, complaints = 0, ""
    while sent < cases and not complaints:
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"),
            "run", f"{url}/api/openapi.json", "--header", f"X-Retrospec-Key: {key}", "--header", f"X-Retrospec-Internal: {key}",
            "--max-examples", str(max(1, cases // OPERATIONS)), "--seed", str(seed), "--phases", phases,
            "--generation-database", "none", "--request-timeout", "30", "--continue-on-failure",
        ]  # fmt: skip
        env = os.environ | {"SCHEMATHESIS_HOOKS": "tests.security.schema_hooks"}
        done = subprocess.run(command, cwd=folder, env=env | {"PYTHONPATH": str(HERE.parents[1])}, capture_output=True, text=True, check=False)
        found = _SENT.search(done.stdout)
        new = int(found[1].replace(",", "")) if found else 0
        sent, seed = sent + new, seed + 1
        if done.returncode or not new:
            complaints = done.stdout[-60_000:] + done.stderr[-4_000:]
    return sent, complaints


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sent, complaints = run(given.cases, given.seed)
    sys.stdout.write(f"{complaints}\nschema: {sent:,} cases, {'failures above' if complaints else 'every check held'}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
