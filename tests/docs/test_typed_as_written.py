"""The commands of the pages beside docs/operate.md are run as they stand, over one installation."""

import gzip
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.cli.main import main
from retrospec.demo.recorded import recorded_visits
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import find_browser
from tests.conftest import wait_for
from tests.symbols.built import as_json, build

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("commands", "sourcemaps", "issues", "configure", "assistants")
ELSEWHERE = {
    "bench cluster": "tests/bench/test_cluster.py",
    "mcp": "tests/assistants/test_mcp.py",  # speaks until its input ends
}
FAILS = {"scan --project proj_default": "a rule of today finds something in what is stored"}
"""Commands that may end with 1 by what they find."""
MARKER = {"kind": "js_exception", "label": "TypeError: cart is undefined", "evidence": {"message": "cart is undefined", "type": "TypeError"}}


def lines_of(page: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if re.match(r"(?:[A-Z_]+=\S+ )?retrospec ", line)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawned]:
    with spawned_server({"REPLAY_RENDER": "off"}, tmp_path_factory.mktemp("typed") / "retrospec-data") as running:
        yield running


@pytest.fixture
def here(server: Spawned, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder somebody types in: files of a browser's visit, a build, and the server's data folder."""
    folder = server.data_dir.parent
    for name in [name for name in os.environ if name.startswith("RETROSPEC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOURCEMAPS_KEY", server.key)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(folder)
    events = next(visit.events for visit in recorded_visits() if visit.fault == "pay-500")
    whole = msgspec.json.encode(events)
    (folder / "session.json").write_bytes(whole)
    (folder / "a.json.gz").write_bytes(gzip.compress(whole))
    (folder / "b.ndjson").write_bytes(msgspec.json.Encoder().encode_lines(events))
    (folder / "export.ndjson.gz").write_bytes(gzip.compress(msgspec.json.Encoder().encode_lines(events)))
    (folder / "marker.json").write_text(json.dumps(MARKER))
    made = build()
    (folder / "dist").mkdir(exist_ok=True)
    (folder / "dist" / "app.js").write_text(made.minified)
    (folder / "dist" / "app.js.map").write_bytes(as_json(made))
    return folder


def run(line: str, *, allowed: tuple[int, ...] = (0,)) -> str:
    done = CliRunner().invoke(main, shlex.split(line, comments=True)[1:], input="y\n")
    assert done.exit_code in allowed, f"{line}\n{done.output}{done.exception}"
    return done.output


def judged() -> str:
    """The imported session's id, once its report is there."""
    (outcome,) = json.loads(CliRunner().invoke(main, ["import", "session.json", "--json"]).stdout)["sessions"]
    return str(outcome["id"]) if outcome["status"] != "pending" else ""


@pytest.fixture
def stands_for(server: Spawned, here: Path) -> dict[str, str]:
    """What is there, by what the pages call it."""
    run("retrospec user create ann@example.com")
    run("retrospec sourcemaps upload --release 1.3.0 dist")
    key = json.loads(run("retrospec key list --json"))[0]["id"]
    session = wait_for(judged)
    return {
        "https://retrospec.example.com": server.url,
        "/var/lib/retrospec": str(server.data_dir),
        "ses_01jd8k2v9w3m5n7p9r1t3v5x7z": session, "0f3a1c": session, "0f3a": session,
        "key_01k9abcdefghjkmnpqrstvwxyz": key,
    }  # fmt: skip


@pytest.mark.browser
@pytest.mark.skipif(
    find_browser(ReplaySettings()) is None or not (built_dir() / "replay.js").is_file(),
    reason="needs a Chromium and the built replayer",
)
def test_every_command_of_these_pages_does_what_it_is_for(here: Path, stands_for: dict[str, str]) -> None:
    ran = 0
    for page in PAGES:
        for line in lines_of(page):
            bare = line.partition("retrospec ")[2]
            if any(bare.startswith(each) for each in ELSEWHERE):
                continue
            typed = " ".join(stands_for.get(word, word) for word in re.split(r" (?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", line))
            print(run(typed, allowed=(0, 1) if bare in FAILS else (0,)))
            ran += 1
    assert ran >= 25
    assert {"session.webm", "test_checkout.py", "failure.html"} <= {path.name for path in here.iterdir()}


def test_what_is_not_run_here_is_run_elsewhere() -> None:
    for command, place in ELSEWHERE.items():
        assert any(command in line for page in PAGES for line in lines_of(page))
        assert command.split()[-1] in (ROOT / place).read_text(encoding="utf-8")
