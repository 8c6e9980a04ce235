import gzip
import json
import zlib
from typing import Any

import pytest
import zstandard

from retrospec.analysis import analyse
from retrospec.analysis.formats import read_recording
from retrospec.domain.errors import CorruptRecording
from tests.analysis.recordings import click, element, idle, page, text

EVENTS: list[dict[str, Any]] = [*page(0, element(10, "button", {}, text(11, "Pay now"))), click(1000, 10), click(1400, 10), click(1700, 10), idle(9000)]
PLAIN = json.dumps(EVENTS).encode()


def gzip_text(value: Any) -> str:
    return gzip.compress(json.dumps(value).encode(), mtime=0).decode("latin-1")


def posthog_compressed(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "data": gzip_text(event["data"]), "cv": "2024-10"} if event["type"] == 2 else event


FORMS: dict[str, bytes] = {
    "array": PLAIN,
    "events": json.dumps({"events": EVENTS}).encode(),
    "lines": b"\n".join(json.dumps(event).encode() for event in EVENTS),
    "gzip": gzip.compress(PLAIN, mtime=0),
    "zstd": zstandard.compress(PLAIN),
    "packed": json.dumps([zlib.compress(json.dumps({**event, "v": "v1"}).encode()).decode("latin-1") for event in EVENTS]).encode(),
    "posthog export": json.dumps({"version": "2023-04-28", "data": {"id": "x", "snapshots": [{**event, "windowId": "w1"} for event in EVENTS]}}).encode(),
    "posthog lines": b"\n".join(json.dumps(["w1", posthog_compressed(event)]).encode() for event in EVENTS),
    "posthog blobs": json.dumps({"window_id": "w1", "data": EVENTS}).encode() + b"\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_the_same_story(form: str) -> None:
    card = analyse(read_recording(FORMS[form], "visit"), [], None, min_confidence=0.6)
    assert card.symptom == "The visitor pressed “Pay now” three times and nothing happened."


def test_windows_become_tabs() -> None:
    both = [["w1", event] for event in EVENTS] + [["w2", event] for event in EVENTS]
    assert read_recording(json.dumps(both).encode(), "visit").tabs == ["w1", "w2"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"%PDF-1.4", "neither JSON"), (b"{}", "no rrweb events"), (gzip.compress(PLAIN, mtime=0)[:60], "cut short"), (b"\x28\xb5\x2f\xfd\x00junk", "damaged")],
)
def test_what_is_no_recording_is_refused_with_a_reason(content: bytes, says: str) -> None:
    with pytest.raises(CorruptRecording, match=says):
        read_recording(content, "visit.json")
