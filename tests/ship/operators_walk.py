"""The walk of an operator in one go: ``python -m tests.ship.operators_walk [WHEEL]`` (root, Debian's caddy and bubblewrap).

Installs from a wheel, runs the unit's own command line as its user in its sandbox (by bubblewrap where systemd does not run), puts Caddy
with TLS before it, and goes on: set-up, visits, backup, another machine, the lost browser, the full disk, PostgreSQL and S3, an erased
person, an old database. Prints each step with what the operator sees; ends at the first thing that is not as the pages say.
"""

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.bench.spawned import free_port
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.storage.migrate import known_revisions
from tests.retention.traces import files_with
from tests.ship.test_proxies import example
from tests.ship.test_unit import unit

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
USER = 10377
"""The unit's ``retrospec``: a number will do, nobody else has it."""
SMALL_DISK = "64m"
START_S = 120.0
HERS = ("customer-17", "visitor-hers", "Ophelia")


def say(step: str, seen: str = "") -> None:
    """A step, and what the operator sees of it."""
    lines = [f"\n== {step}", *(f"   | {line}" for line in seen.strip().splitlines())]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def run(*command: str | Path, check: bool = True, **variables: str) -> str:
    """What a command says, stdout and stderr."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=900, check=False, env={**os.environ, **variables})
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def built_wheel(folder: Path) -> Path:
    """A wheel of this tree."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "node_modules", "__pycache__", ".*_cache", ".venv"))
    (tree / "node_modules").symlink_to(ROOT / "node_modules")
    wanted = f"from hatchling import build; build.build_wheel({str(folder)!r})"
    made = subprocess.run([sys.executable, "-c", wanted], cwd=tree, timeout=600, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return next(folder.glob("*.whl"))


class Machine:
    """A folder that stands for a machine: the program, its settings, and its state folder."""

    def __init__(self, folder: Path, program: Path, name: str) -> None:
        self.folder, self.program = folder / name, program
        self.state, self.config, self.log = self.folder / "state", self.folder / "retrospec.toml", self.folder / "journal"
        self.port = free_port()
        self.state.mkdir(parents=True)
        self._own(self.folder, self.state)

    def _own(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, USER, USER)

    def settle(self, **sections: dict[str, Any]) -> None:
        """Write the settings file, as its owner would."""
        lines = []
        for name, values in {"server": {"port": self.port}, **sections}.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def _sandboxed(self, *command: str | Path) -> list[str]:
        """The unit's sandbox: read-only system, private /tmp, /home and devices, no new privileges, no capability."""
        text = unit()
        for line in ("ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
            assert line in text, f"docs/install.md: the unit lost {line}"
        away = [word for place in ("/tmp", "/home", "/root") for word in ("--tmpfs", place)]
        box = ["bwrap", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *away, "--ro-bind", self.folder.parent, self.folder.parent]
        box += ["--bind", self.state, self.state, "--setenv", "HOME", self.state, "--chdir", self.state]
        drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        return [str(each) for each in (*box, *drop, "sh", "-c", 'umask 0077; exec "$@"', "sh", *command)]

    def command(self, *words: str | Path, check: bool = True) -> str:
        """``retrospec …`` by the operator, as the unit's user."""
        return run(*self._sandboxed(self.program, *words), check=check)

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        """The unit's ExecStart, with this machine's paths."""
        found = re.search(r"^ExecStart=\S+/retrospec (.*)$", unit(), re.MULTILINE)
        assert found is not None
        words = found[1].replace("/etc/retrospec.toml", str(self.config)).replace("/var/lib/retrospec", str(self.state)).split()
        with self.log.open("wb") as log:
            server = subprocess.Popen(self._sandboxed(self.program, *words), stdout=log, stderr=log, start_new_session=True)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as http:
                self._await_health(http, server)
                yield http
            os.killpg(server.pid, signal.SIGTERM)
            assert server.wait(60) in (0, -signal.SIGTERM), self.journal()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)

    def _await_health(self, http: httpx.Client, server: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert server.poll() is None, f"it does not start:\n{self.journal()}"
            with suppress(httpx.TransportError):
                if http.get("/healthz").status_code == 200 and "Stop with" in self.journal():
                    return
            time.sleep(0.1)
        raise AssertionError(f"not healthy after {START_S:.0f} s:\n{self.journal()}")

    def journal(self) -> str:
        """What ``journalctl -u retrospec`` shows."""
        return self.log.read_text(errors="replace")

    def key(self) -> str:
        """A key that may do everything."""
        told = self.command("key", "create", "--project", "proj_default", "--scopes", "ingest,read,admin", "--config", self.config, "--data", self.state)
        return told.strip().splitlines()[-1]


def visit(http: httpx.Client, key: str, name: str, user: str, visitor: str, said: str) -> httpx.Response:
    """What the SDK sends of a short visit that failed."""
    now = to_epoch_ms(utc_now())
    events = [{"type": 4, "timestamp": now, "data": {"href": "https://shop.example/", "width": 800, "height": 600}},
              {"type": 5, "timestamp": now + 100, "data": {"tag": "note", "payload": {"hello": said}}}]  # fmt: skip
    seen = {"id": f"{name}-m", "at": now + 400, "kind": "js_exception", "label": "TypeError: cart is undefined", "evidence": {}}
    body = {
        "v": 2, "sessionId": name, "tabId": "t1", "visitorId": visitor, "user": {"id": user, "traits": {"name": said}}, "seq": 0, "segment": 0, "site": "Shop",
        "route": "/", "url": "https://shop.example/", "startedAt": now, "sentAt": now + 900, "events": events, "final": True, "dropped": [], "markers": [seen],
    }  # fmt: skip
    return http.post("/v2/chunks", json=body, headers={"X-Retrospec-Key": key})


def sessions(http: httpx.Client, key: str, names: list[str]) -> list[dict[str, Any]]:
    """These sessions, once each has its report."""
    until, found = time.monotonic() + START_S, []
    for name in names:
        while (answer := http.get(f"/v1/sessions/{name}", headers={"X-Retrospec-Key": key})).status_code != 200 or answer.json()["session"].get("stage") != "done":
            assert time.monotonic() < until, answer.text
            time.sleep(0.2)
        found.append(answer.json()["session"])
    return found


@contextmanager
def caddy(folder: Path, machine: Machine, port: int) -> Iterator[Path]:
    """Docs' own example with Caddy's internal authority; yields its root certificate."""
    site = example("\nCaddy:\n").replace("retrospec.example.com {", f"https://127.0.0.1:{port} {{\n    tls internal").replace("127.0.0.1:8377", f"127.0.0.1:{machine.port}")
    path, certificate = folder / "Caddyfile", folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    path.write_text(f"{{\n    admin off\n    skip_install_trust\n    auto_https disable_redirects\n    storage file_system {folder / 'caddy'}\n}}\n{site}")
    with (folder / "caddy.log").open("wb") as log, subprocess.Popen(["caddy", "run", "--config", path, "--adapter", "caddyfile"], stdout=log, stderr=log) as running:
        try:
            until = time.monotonic() + START_S
            while not certificate.is_file():
                assert running.poll() is None and time.monotonic() < until, (folder / "caddy.log").read_text()
                time.sleep(0.1)
            yield certificate
        finally:
            running.terminate()


class Walk:
    """The steps, in order; each leaves what the next one needs."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self._folder, self._wheel = folder, wheel
        self.program = folder / "opt" / "bin" / "retrospec"
        self.key = ""

    def install(self) -> None:
        """A bare Python, the wheel, and what it stands on: from a wheelhouse, or what is installed here."""
        run(PYTHON, "-m", "venv", self._folder / "opt")
        wheelhouse = os.environ.get("RETROSPEC_WHEELHOUSE", "")
        given = ["--no-index", "--find-links", wheelhouse] if wheelhouse else ["--no-index", "--no-deps"]
        run(self._folder / "opt" / "bin" / "python", "-m", "pip", "install", "-q", *given, self._wheel, PIP_CONFIG_FILE=os.devnull)
        if not wheelhouse:
            (site,) = (self._folder / "opt").glob("lib/python*/site-packages")
            (site / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
        say("install from the wheel", run(self.program, "--version"))
        self.machine = Machine(self._folder, self.program, "first")
        say("retrospec init", self.machine.command("init", self.machine.state / "retrospec.toml"))

    def behind_tls(self) -> None:
        """First start, set-up and visits through Caddy."""
        port, machine = free_port(), self.machine
        machine.settle(server={"port": machine.port, "public_url": f"https://127.0.0.1:{port}", "trusted_proxies": ["127.0.0.1"]}, replay={"render": "off"}, confirmation={"checker": "none"})
        with machine.serving(), caddy(self._folder, machine, port) as certificate:
            say("first start under the unit's sandbox, as its user", machine.journal())
            context = ssl.create_default_context(cafile=str(certificate))
            self.key = machine.key()
            with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=60) as http:
                link = re.search(r"https://\S+/set-up/\S+", machine.journal())
                assert link is not None, "no one-time link in the journal"
                page = http.get(link[0])
                assert page.status_code == 200 and "password" in page.text
                sdk = http.get("/sdk.js")
                assert sdk.status_code == 200 and len(sdk.content) > 10_000
                taken = [visit(http, self.key, name, *who) for name, who in self.visits().items()]
                assert [each.status_code for each in taken] == [202] * 4, [each.text for each in taken]
                judged = sessions(http, self.key, list(self.visits()))
                say("Caddy with TLS before it: set-up page, SDK, visits", f"{link[0]}: 200\n" + "\n".join(f"{each['id']}: {each['stage']}, {each['reportCard']['status']}" for each in judged))

    @staticmethod
    def visits() -> dict[str, tuple[str, str, str]]:
        """Three of hers, one of his."""
        return {"s1": HERS, "s2": HERS, "s3": HERS, "s4": ("customer-18", "visitor-his", "Laertes")}

    def another_machine(self) -> None:
        """Back up, restore elsewhere, compare."""
        told = self._with(self.machine, "backup", self.machine.state / "today.tar")
        kept = self._folder / "today.tar"
        (self.machine.state / "today.tar").replace(kept)  # as `scp -p` leaves it: whoever restores must be able to read it
        other = Machine(self._folder, self.program, "second")
        other.settle(replay={"render": "off"}, confirmation={"checker": "none"})
        say("backup, and restore on another machine", told + self._with(other, "restore", kept, "--verify") + self._with(other, "restore", kept))
        with other.serving() as http:
            there = sessions(http, self.key, list(self.visits()))
        with self.machine.serving() as http:
            here = sessions(http, self.key, list(self.visits()))
        assert there == here, "the other machine tells something else"
        assert _recordings(other) == _recordings(self.machine) != {}

    def _with(self, machine: Machine, *words: str | Path, check: bool = True) -> str:
        return machine.command(*words, "--config", machine.config, "--data", machine.state, check=check)

    def lost_browser(self) -> None:
        """The browser's path leads nowhere."""
        machine = self.machine
        machine.settle(replay={"browser": "/nowhere/chromium"})
        with machine.serving() as http:
            seen = self._with(machine, "doctor", check=False)
            assert "/nowhere/chromium" in seen, seen
            assert visit(http, self.key, "s5", "customer-18", "visitor-his", "Laertes").status_code == 202
            assert sessions(http, self.key, ["s5"])[0]["stage"] == "done"
        say("the browser is lost", "\n".join(line for line in seen.splitlines() if "rowser" in line or "chromium" in line))

    def full_disk(self) -> None:
        """A real small disk, filled by somebody else while it serves."""
        machine = Machine(self._folder, self.program, "small")
        run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},uid={USER},gid={USER},mode=0700", "tmpfs", machine.state)
        try:
            machine.settle(replay={"render": "off"}, confirmation={"checker": "none"}, worker={"sweep_seconds": 0.5})
            with machine.serving() as http:
                key = machine.key()
                assert visit(http, key, "before", *HERS).status_code == 202
                self._fill(machine.state / "others")
                refused = _until(lambda: (answer := visit(http, key, "during", *HERS)).status_code == 503 and answer)
                page = http.get("/sign-in", headers={"Accept": "text/html"})
                assert page.status_code == 200
                (machine.state / "others").unlink()
                _until(lambda: visit(http, key, "after", *HERS).status_code == 202)
                assert {each["stage"] for each in sessions(http, key, ["before", "after"])} == {"done"}
            say("the disk is full, then no longer", f"{refused.status_code} Retry-After {refused.headers['Retry-After']}: {refused.text}\nsign-in page: {page.status_code}\nafterwards: 202")
        finally:
            run("umount", "-l", machine.state)

    @staticmethod
    def _fill(path: Path) -> None:
        with path.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(100_000))
                file.flush()

    def move(self) -> None:
        """To PostgreSQL and S3, where there are such servers to start."""
        from tests.servers.programs import postgres, s3

        try:
            rows, blobs = postgres().new_database(), s3().new_store()
        except pytest.skip.Exception as missing:
            say("move to PostgreSQL and S3: left out", str(missing))
            return
        machine, goal = self.machine, self.machine.folder / "large.toml"
        lines = ["[server]", f"port = {machine.port}", "[storage]", f"dir = {json.dumps(str(machine.state / 'large'))}"]
        lines += ["[database]", f"url = {json.dumps(rows)}", "[blobs]", f"url = {json.dumps(blobs)}", "[replay]", 'render = "off"', "[confirmation]", 'checker = "none"']
        goal.write_text("\n".join(lines) + "\n")
        say("move to PostgreSQL and S3", run(self.program, "move", "--to", goal, "--config", machine.config, "--data", machine.state))

    def erase(self) -> None:
        """Her, beside the running server; then a search through every file."""
        machine = self.machine
        with machine.serving():
            receipt = self._with(machine, "purge", "--user", HERS[0], "--yes")
            left = files_with(machine.state, HERS, but=("large",))
            assert left == {}, left
        assert files_with(machine.state, HERS, but=("large",)) == {}
        say("a person is erased", f"{receipt}files that still have {', '.join(HERS)}: none")

    def upgrade(self) -> None:
        """The database of the schema before this one; then one of a later program."""
        from tests.storage.test_migrate import database_at

        old = Machine(self._folder, self.program, "old")
        database_at(old.state / "retrospec.db", known_revisions()[-2])
        old._own(old.state / "retrospec.db")
        old.settle(replay={"render": "off"}, confirmation={"checker": "none"})
        with old.serving():
            kept = sorted(path.name for path in old.state.glob("retrospec.db.before-*"))
        assert len(kept) == 1
        run(PYTHON, "-c", f"import sqlite3; c = sqlite3.connect({str(old.state / 'retrospec.db')!r}); c.execute(\"UPDATE alembic_version SET version_num = '9999'\"); c.commit()")
        refused = old.command("serve", "--config", old.config, "--data", old.state, check=False)
        assert "newer RetroSpec" in refused
        say("upgrade from the schema before; a later program's database", f"kept: {kept[0]}\n{refused}")


def _until(look: Any) -> Any:
    until = time.monotonic() + START_S
    while not (seen := look()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.3)
    return seen


def _recordings(machine: Machine) -> dict[str, bytes]:
    blobs = machine.state / "blobs"
    return {str(path.relative_to(blobs)): path.read_bytes() for path in blobs.rglob("*") if path.is_file()}


def walk(wheel: Path | None = None) -> None:
    """All of it. Raises AssertionError where something is not as it should be."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="retrospec-walk-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        steps = Walk(folder, wheel or built_wheel(folder))
        for step in (steps.install, steps.behind_tls, steps.another_machine, steps.lost_browser, steps.move, steps.erase, steps.full_disk, steps.upgrade):
            step()
        say("the walk went through")


if __name__ == "__main__":
    walk(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
