import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Run

CORPUS = ROOT / "tests/analysis/corpus/recordings"
BROKEN = str(CORPUS / "500-then-busy-for-ever.json.zst")
HEALTHY = str(CORPUS / "calendar.json.zst")
HOSTILE_TITLE = "\x1b[2J\x07pay\nnow\u202e"


def recorded(*, title: str) -> list[object]:
    """A page with one button that is pressed."""
    button = {"type": 2, "id": 4, "tagName": "button", "attributes": {"aria-label": title}, "childNodes": []}
    body = {"type": 2, "id": 3, "tagName": "body", "attributes": {}, "childNodes": [button]}
    html = {"type": 2, "id": 2, "tagName": "html", "attributes": {}, "childNodes": [body]}
    return [
        {"type": 4, "timestamp": 1_700_000_000_000, "data": {"href": "https://shop.test/", "width": 800, "height": 600}},
        {"type": 2, "timestamp": 1_700_000_000_001, "data": {"node": {"type": 0, "id": 1, "childNodes": [html]}}},
        {"type": 3, "timestamp": 1_700_000_001_000, "data": {"source": 2, "type": 2, "id": 4, "x": 5, "y": 5}},
        {"type": 3, "timestamp": 1_700_000_009_000, "data": {"source": 1, "positions": []}},
    ]


def test_a_failure_is_told_with_its_card_and_the_rows_it_rests_on(retrospec: Run) -> None:
    done = retrospec("analyze", BROKEN)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Failure, high severity" in done.stdout
    assert "POST /api/500 answered 500. [a1, p3, p2]" in done.stdout
    assert "a1   0:03.156  click button “Create invoice”" in done.stdout


def test_a_healthy_look_alike_is_told_as_such_with_the_reason(retrospec: Run) -> None:
    done = retrospec("analyze", HEALTHY)
    assert done.returncode == 0
    assert "No failure. “7 clicks on Next month” turned out harmless" in done.stdout


def test_json_has_every_file_in_order_with_trace_findings_and_card(retrospec: Run) -> None:
    listed = json.loads(retrospec("analyze", "--json", BROKEN, HEALTHY).stdout)
    assert [(one["file"], one["status"]) for one in listed] == [(BROKEN, "ready"), (HEALTHY, "discarded")]
    refs = {row["ref"] for row in listed[0]["trace"]["rows"]}
    assert set(listed[0]["card"]["symptom"][0]["refs"]) <= refs
    assert listed[0]["findings"][0]["signal"] == "http_error"


def test_one_unreadable_file_does_not_keep_the_others_from_being_read(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a recording")
    done = retrospec("analyze", "notes.txt", "missing.json", BROKEN)
    assert done.returncode == 1
    assert "Failure, high severity" in done.stdout
    first, second = done.stderr.splitlines()
    assert first.startswith("retrospec: notes.txt: neither JSON nor JSON lines")
    assert second == "retrospec: missing.json cannot be read: No such file or directory."
    (entry,) = json.loads(retrospec("analyze", "--json", "notes.txt").stdout)
    assert entry["file"] == "notes.txt" and entry["error"] in first


@pytest.mark.parametrize("shape", ["array", "object", "lines", "gzip"])
def test_every_documented_shape_reads_the_same(retrospec: Run, tmp_path: Path, shape: str) -> None:
    events = recorded(title="Pay")
    text = {"object": json.dumps({"events": events}), "lines": "\n".join(map(json.dumps, events))}.get(shape, json.dumps(events))
    (tmp_path / "one").write_bytes(gzip.compress(text.encode()) if shape == "gzip" else text.encode())
    (entry,) = json.loads(retrospec("analyze", "--json", "one").stdout)
    assert entry["trace"]["event_count"] == 4
    assert [row["target"]["name"] for row in entry["trace"]["rows"] if row["action"] == "click"] == ["Pay"]


def test_a_page_cannot_steer_the_terminal(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "hostile.json").write_text(json.dumps(recorded(title=HOSTILE_TITLE)))
    done = retrospec("analyze", "hostile.json")
    assert done.returncode == 0
    assert "pay now" in done.stdout
    assert not set(done.stdout) & set("\x1b\x07\u202e\r")


def test_nothing_is_left_behind(retrospec_process: Run, tmp_path: Path) -> None:
    assert retrospec_process("analyze", BROKEN).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_wrong_usage(retrospec: Run) -> None:
    assert retrospec("analyze").returncode == 2


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "retrospec", "analyze", *[HEALTHY] * 3]
    reading = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip
    assert reading.stdout is not None and reading.stderr is not None
    reading.stdout.close()
    with reading.stderr as complaints:
        assert complaints.read() == b""
    reading.wait(30)
