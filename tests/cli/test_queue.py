import json
from pathlib import Path

import pytest

from retrospec.domain.settings import Settings
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for

from .conftest import Run


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder with one dead letter: its recording was damaged on the disk."""
    settings = settings_for(tmp_path / "data")
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        key = client.upload("broken").json()["eventsObjectKey"]
        (tmp_path / "data" / "blobs" / f"{key}.zst").write_bytes(b"damaged")
        client.ingest("broken", marker(), key=key)
        assert client.judged("broken")["stage"] == "dead"
        client.http.close()
    return settings


def test_a_dead_letter_is_shown_retried_and_dropped(retrospec: Run, settings: Settings, tmp_path: Path) -> None:
    (letter,) = json.loads(retrospec("queue", "dead", "--json", "--data", "data").stdout)
    assert letter["session_id"] == "broken" and letter["stage"] == "analysis" and letter["error"]
    assert "broken.json" in retrospec("queue", "show", "broken", "--data", "data").stdout
    assert "Dead letters: 1" in retrospec("queue", "--data", "data").stdout

    assert retrospec("queue", "retry", "broken", "--data", "data").stdout == "1 put back.\n"
    (stage,) = json.loads(retrospec("queue", "--json", "--data", "data").stdout)["stages"]
    assert (stage["stage"], stage["waiting"]) == ("analysis", 1)
    with serving(settings):
        wait_for(lambda: "Dead letters: 1" in retrospec("queue", "--data", "data").stdout)

    assert retrospec("queue", "drop", "--all", "--data", "data").stdout == "1 deleted.\n"
    assert json.loads(retrospec("queue", "dead", "--json", "--data", "data").stdout) == []
    assert not [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]


def test_a_name_that_is_no_dead_letter_is_refused(retrospec: Run, settings: Settings) -> None:
    done = retrospec("queue", "retry", "nobody", "--data", "data")
    assert done.returncode == 1 and "nobody" in done.stderr and "queue dead" in done.stderr
    assert retrospec("queue", "drop", "--data", "data").returncode == 2
