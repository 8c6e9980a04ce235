"""The walk of a session through its stages, on a real server, with things going wrong on the way."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.finding import Finding
from retrospec.domain.settings import Settings
from retrospec.domain.visual import FindingVerdict, VerdictWord, VisualResult
from retrospec.lookout import Seen
from retrospec.serving import RunningServer
from retrospec.storage.blobs import Blobs
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@pytest.fixture
def server(settings: Settings) -> Iterator[RunningServer]:
    with serving(settings) as running:
        yield running


@pytest.fixture
def client(server: RunningServer, settings: Settings) -> Iterator[Client]:
    speaking = Client(server, make_key(settings))
    yield speaking
    speaking.http.close()


def chunk(seq: int, **changes: Any) -> dict[str, Any]:
    now = to_epoch_ms(utc_now())
    return {
        "v": 2,
        "sessionId": "visit-1",
        "tabId": "tab-1",
        "visitorId": "visitor-1",
        "seq": seq,
        "segment": 0,
        "site": "shop",
        "route": "/checkout",
        "url": "https://shop.example/checkout",
        "startedAt": now - 5_000,
        "sentAt": now,
        "events": [{"type": 3, "timestamp": now - 4_000 + seq, "data": {"source": 1, "positions": []}}],
        "markers": [],
        "client": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"},
    } | changes


def send_chunk(client: Client, body: dict[str, Any], *, zipped: bool = False) -> httpx.Response:
    content = json.dumps(body).encode()
    return client.http.post("/v2/chunks", content=gzip.compress(content) if zipped else content)


def test_chunks_become_one_session_that_is_judged_when_it_ends(client: Client) -> None:
    now = to_epoch_ms(utc_now())
    first = send_chunk(client, chunk(0, startedAt=now - 5_000), zipped=True)
    assert first.status_code == 202
    assert first.json() == {"sessionId": "visit-1", "seq": 0, "stored": True, "markers": []}
    failure = {"id": "m1", "at": now - 1_000, "kind": "js_exception", "label": "TypeError: x is undefined"}
    last = send_chunk(client, chunk(1, startedAt=now - 5_000, markers=[failure], final=True)).json()
    assert last["markers"][0]["clusterKey"].startswith("js_exception:")
    session = client.judged("visit-1")
    assert session["visitorId"] == "visitor-1"
    assert session["durationMs"] >= 4_000
    (seen,) = session["markers"]
    assert 2_000 < seen["replayOffsetMs"] < 4_000  # from the first event, not from the session's start
    assert len(client.http.get("/v1/sessions/visit-1/events").json()["events"]) == 2


def test_a_chunk_sent_twice_is_stored_once(client: Client) -> None:
    body = chunk(0)
    assert send_chunk(client, body).json()["stored"] is True
    assert send_chunk(client, body).json()["stored"] is False
    assert len(client.http.get("/v1/sessions/visit-1/events").json()["events"]) == 1


def test_a_visitor_whose_clock_is_years_off_is_kept_and_its_times_are_moved(client: Client) -> None:
    years_ago = to_epoch_ms(utc_now()) - 3 * 365 * 86_400_000
    send_chunk(client, chunk(0, startedAt=years_ago - 5_000, sentAt=years_ago, events=[]))
    started = client.session("visit-1")["startedAt"]
    assert started[:4] == str(utc_now().year)


def test_a_chunk_after_the_verdict_has_the_session_judged_again(client: Client) -> None:
    send_chunk(client, chunk(0, final=True))
    assert client.judged("visit-1")["reportCard"]["status"] == "discarded"
    at = to_epoch_ms(utc_now())
    late = {"id": "m1", "at": at, "kind": "api_error", "label": "POST /api/pay 500"}
    send_chunk(client, chunk(1, markers=[late], final=True))
    wait_for(lambda: client.session("visit-1")["reportCard"]["status"] == "ready")


def test_a_corrupt_recording_fails_its_session_and_no_other(client: Client, settings: Settings) -> None:
    key = client.upload("broken").json()["eventsObjectKey"]
    Blobs.open(settings.blobs_url).put_here(f"{key}.zst", b"not a recording")
    client.ingest("broken", marker(), key=key)
    session = client.judged("broken")
    assert session["reportCard"]["status"] == "failed"
    assert session["reportCard"]["reason"]
    client.send("whole", marker())
    assert client.judged("whole")["reportCard"]["status"] == "ready"


def test_a_stage_that_keeps_failing_is_given_up_with_its_reason(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    tries: list[int] = []

    def crash(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise ZeroDivisionError("analysis divides by zero")

    monkeypatch.setattr("retrospec.pipeline.analyse", crash)
    client.send("poison", marker())
    session = client.judged("poison")
    assert session["stage"] == "dead"
    assert "ZeroDivisionError" in session["reportCard"]["reason"]
    assert len(tries) == settings.worker.max_attempts


def test_a_passing_failure_is_tried_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from retrospec import pipeline

    real, tries = pipeline.analyse, []

    def stumble(*args: Any, **options: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk hiccuped")
        return real(*args, **options)

    monkeypatch.setattr("retrospec.pipeline.analyse", stumble)
    client.send("unlucky", marker())
    assert client.judged("unlucky")["reportCard"]["status"] == "ready"


class Screen:
    """Stands in for the browser: says what it is told of every finding."""

    def __init__(self, word: VerdictWord) -> None:
        self.word = word

    async def look(self, _session: Any, _recording: Any, findings: Sequence[Finding], _windows: Any) -> Seen:
        verdicts = [
            FindingVerdict(finding_id=each.id, verdict=self.word, confidence=0.9, sentence="So the screen shows.")
            for each in findings
        ]
        return Seen(VisualResult(status="ready", checker="test", verdicts=verdicts), list[Artifact]())


def test_a_look_that_was_skipped_says_why_in_the_analysis_and_on_the_card(client: Client, server: RunningServer) -> None:
    reason = "Today's limit of 1 renders is used up (replay.daily_limit)."

    async def refused(*_asked: Any) -> Seen:
        return Seen(VisualResult(status="skipped", reason=reason), list[Artifact]())

    server.app.state.pipeline._look = refused
    client.send("not-looked-at", marker())
    card = client.judged("not-looked-at")["reportCard"]
    assert (card["status"], card["basis"], card["reason"]) == ("ready", "text", reason)
    analysis = client.http.get("/v1/sessions/not-looked-at/artifacts/analysis_json").json()
    assert analysis["render"] == {"status": "skipped", "reason": reason}
    assert analysis["verdict"]["status"] == "ready"
    assert {"version", "windows", "trigger", "trace"} <= set(analysis)


@pytest.mark.parametrize(
    ("word", "status", "basis"),
    [
        (VerdictWord.CONFIRMED, "ready", "visual"),
        (VerdictWord.REFUTED, "discarded", "visual"),
        (VerdictWord.CANT_TELL, "ready", "text"),
    ],
)
def test_what_the_screen_showed_decides(
    client: Client, server: RunningServer, word: VerdictWord, status: str, basis: str
) -> None:
    server.app.state.pipeline._look = Screen(word).look
    client.send("looked-at", marker())
    card = client.judged("looked-at")["reportCard"]
    assert (card["status"], card["basis"]) == (status, basis)
    if word is not VerdictWord.CANT_TELL:
        assert "So the screen shows." in card["visualSummary"]
    artifact = client.http.get("/v1/sessions/looked-at/artifacts/analysis_json").json()
    assert artifact["verdict"]["status"] == status


def test_sessions_refuted_on_screen_never_make_an_issue(client: Client, server: RunningServer) -> None:
    server.app.state.pipeline._look = Screen(VerdictWord.REFUTED).look
    for name in ("false-1", "false-2", "false-3"):
        client.send(name, marker())
        client.judged(name)
    assert client.http.get("/v1/issues").json()["issues"] == []


def test_the_same_person_twice_is_one_person(client: Client) -> None:
    at = to_epoch_ms(utc_now())
    for name in ("a", "b"):
        failure = {"id": "m1", "at": at, "kind": "js_exception", "label": "TypeError: same person"}
        send_chunk(client, chunk(0, sessionId=name, markers=[failure], final=True))
        client.judged(name)
    (issue,) = client.http.get("/v1/issues").json()["issues"]
    assert (issue["sessionCount"], issue["userCount"]) == (2, 1)


def test_a_restart_finishes_what_was_accepted_before_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.worker.sweep_seconds = 60
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        server.app.state.intake._ring = _deaf  # the ring is lost, as by a crash right after the commit
        client.send("lost-ring", marker())
        client.http.close()
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        assert client.judged("lost-ring")["reportCard"]["status"] == "ready"
        client.http.close()


async def _deaf(_: Any) -> None:
    return None
