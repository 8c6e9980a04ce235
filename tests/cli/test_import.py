import json
from pathlib import Path
from typing import Any

import pytest

from retrospec.capture.compress import decompress
from tests.conftest import Client, make_key, serving, settings_for

from .conftest import ROOT, Run
from .test_analyze import BROKEN, HEALTHY, recorded

QUIET = {"RETROSPEC_REPLAY_RENDER": "off", "RETROSPEC_CONFIRMATION_CHECKER": "none"}
SECRET = "4111 1111 1111 1111"


@pytest.fixture
def data(retrospec: Run) -> str:
    assert retrospec("project", "create", "Shop", "--data", "data").returncode == 0
    return "data"


def imported(done: Any) -> list[dict[str, Any]]:
    return list(json.loads(done.stdout)["sessions"])


def test_a_running_server_judges_what_was_imported(retrospec: Run, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        done = retrospec("import", BROKEN, "--data", "data", environ={"RETROSPEC_SERVER_PUBLIC_URL": "https://rs.example"})
        assert done.returncode == 0, done.stderr
        assert done.stderr == "The running server judges them within seconds.\n"
        session_id, *_, link = done.stdout.split()
        assert link == f"https://rs.example/p/proj_default/sessions/{session_id}"
        session = client.judged(session_id)
        assert session["site"] == "shop.localhost"
        assert session["route"] == "/app/"
        assert session["reportCard"]["status"] == "ready"
        assert "Create invoice" in session["reportCard"]["symptom"]
        assert len(client.http.get(f"/v1/sessions/{session_id}/events").json()["events"]) == 14
        client.http.close()


def test_without_a_server_it_says_so_and_judges_with_now(retrospec: Run, retrospec_process: Run, data: str) -> None:
    done = retrospec("import", BROKEN, HEALTHY, "--data", data)
    assert done.returncode == 0
    assert "No server of this machine runs over" in done.stderr and "--now" in done.stderr
    assert done.stdout.count("pending") == 2
    now = retrospec_process("import", "--now", "--json", BROKEN, HEALTHY, "--data", data, environ=QUIET)
    assert now.returncode == 0, now.stderr
    assert now.stderr == ""
    assert [(one["status"], one["wasThere"]) for one in imported(now)] == [("ready", True), ("discarded", True)]


def test_importing_twice_changes_nothing(retrospec: Run, data: str) -> None:
    first, again = (imported(retrospec("import", HEALTHY, "--json", "--data", data)) for _ in range(2))
    assert again[0]["id"] == first[0]["id"]
    assert ("wasThere" in first[0], again[0]["wasThere"]) == (False, True)


def test_secrets_are_redacted_before_anything_is_stored(retrospec: Run, data: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(recorded(title=f"Pay with {SECRET}")))
    assert retrospec("import", "card.json", "--data", data).returncode == 0
    (blob,) = (tmp_path / data / "blobs").rglob("*.zst")
    stored = decompress(blob.read_bytes(), max_bytes=1_000_000).decode()
    assert "Pay with" in stored
    assert SECRET not in stored
    assert "/2023/11/14/shop-test/" in blob.as_posix()


def test_tabs_stay_apart_and_times_that_are_no_moments_end_now(retrospec_process: Run, data: str, tmp_path: Path) -> None:
    def shifted(window: str) -> list[Any]:
        return [[window, event | {"timestamp": event["timestamp"] - 1_700_000_000_000 + 5}] for event in recorded(title=window)]

    (tmp_path / "two.json").write_text(json.dumps(shifted("left") + shifted("right side")))
    done = retrospec_process("import", "two.json", "--now", "--json", "--site", "Shop", "--data", data, environ=QUIET)
    assert done.returncode == 0, done.stderr
    (one,) = imported(done)
    assert (one["events"], one["status"]) in [(8, "ready"), (8, "discarded")]
    names = sorted(path.name for path in (tmp_path / data / "blobs").rglob("*-000000.json.zst"))
    assert names == ["left-000000.json.zst", "tab-1-000000.json.zst"]
    (folder,) = (tmp_path / data / "blobs" / "session-events" / "proj_default").iterdir()
    assert int(folder.name) >= 2026


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import", HEALTHY, "--data", "elsewhere"], "There is no database at"),
        (["import", HEALTHY, "--data", "data", "--project", "nope"], "There is no project 'nope'; there is proj_default"),
        (["import", str(ROOT / "pyproject.toml"), "--data", "data"], "pyproject.toml: neither JSON nor JSON lines"),
        (["import", "gone.json", "--data", "data"], "gone.json cannot be read: No such file or directory."),
        (["import", HEALTHY, "--data", "data", "--site", "a\x01b"], "site holds a control character"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(retrospec: Run, data: str, arguments: list[str], sentence: str) -> None:
    done = retrospec(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr


def test_one_bad_file_does_not_keep_the_others_out(retrospec: Run, data: str) -> None:
    done = retrospec("import", str(ROOT / "pyproject.toml"), HEALTHY, "--json", "--data", data)
    assert done.returncode == 1
    bad, good = imported(done)
    assert "neither JSON" in bad["error"] and good["id"].startswith("imp_")
