"""The v1 wire contract, call by call, as its clients see it."""

import json
from typing import Any

import pytest

from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for


def test_two_bare_recordings_become_one_issue(client: Client) -> None:
    for session_id in ("bare-1", "bare-2"):
        answer = client.send(session_id, marker(label=f"Error: order {session_id[-1]}4711 not found"))
        assert answer.status_code == 202
        assert answer.json()["analysisQueueError"] == ""
    session = client.judged("bare-1")
    client.judged("bare-2")
    assert session["reportCard"]["status"] == "ready"
    assert session["reportCard"]["basis"] == "text"
    assert [artifact["artifactType"] for artifact in session["artifacts"]] == ["analysis_json"]
    key = session["markers"][0]["clusterKey"]
    assert key.startswith("js_exception:")

    promoted = client.http.post("/v1/issues/promote").json()["promoted"]
    issue = next(issue for issue in promoted if issue["key"] == key)
    assert (issue["sessionCount"], issue["userCount"]) == (2, 2)
    listed = client.http.get("/v1/issues", params={"state": "active"}).json()
    assert key in [issue["key"] for issue in listed["issues"]]
    assert listed["state"] == "active"


def test_upload_answers_with_the_key_of_the_contract(client: Client) -> None:
    answer = client.upload("keyed", site="https://Shop.Example/")
    assert answer.status_code == 201
    assert answer.json()["sessionId"] == "keyed"
    parts = answer.json()["eventsObjectKey"].split("/")
    assert parts[:2] == ["session-events", "proj_default"]
    assert parts[5:] == ["shop-example", "keyed.json"]


def test_events_come_back_and_a_second_upload_replaces_them(client: Client) -> None:
    client.send("replaced")
    newer = [{"type": 4, "timestamp": 1}, {"type": 2, "timestamp": 2}, {"type": 3, "timestamp": 3}]
    client.upload("replaced", newer)
    answer = client.http.get("/v1/sessions/replaced/events").json()
    assert answer["events"] == newer
    assert answer["eventsObjectKey"].endswith("replaced.json")


def test_an_identical_ingest_changes_nothing(client: Client) -> None:
    client.send("same", marker())
    before = client.judged("same")
    key = before["eventsObjectKey"]
    assert client.ingest("same", marker(), key=key).status_code == 202
    after = client.session("same")
    assert after["reportCard"] == before["reportCard"]
    assert after["stage"] == "done"


def test_a_new_marker_is_added_and_the_card_stays_until_it_is_replaced(client: Client) -> None:
    client.send("grows", marker())
    first = client.judged("grows")
    more = marker("m2", kind="api_error", label="POST /api/pay 500", replayOffsetMs=2_000)
    client.ingest("grows", more, key=first["eventsObjectKey"])
    assert client.session("grows")["reportCard"]["symptom"]
    grown = wait_for(
        lambda: (found := client.judged("grows"))["reportCard"]["updatedAt"] != first["reportCard"]["updatedAt"] and found
    )
    assert [each["id"] for each in grown["markers"] if each["source"] == "sdk"] == ["m1", "m2"]


def test_a_session_without_any_failure_is_discarded_with_its_reason(client: Client) -> None:
    client.send("healthy")
    card = client.judged("healthy")["reportCard"]
    assert card["status"] == "discarded"
    assert card["reason"]


def test_drill_down_by_an_encoded_key(client: Client) -> None:
    client.send("drill", marker(label="RangeError: too deep"))
    key = client.judged("drill")["markers"][0]["clusterKey"]
    answer = client.http.get(f"/v1/issues/{key.replace(':', '%3A')}/sessions", params={"reportStatus": "ready"})
    found = answer.json()
    assert found["clusterKey"] == key
    assert found["filters"] == {"reportStatus": "ready", "minConfidence": 0.0}
    assert [session["sessionId"] for session in found["sessions"]] == ["drill"]
    none = client.http.get(f"/v1/issues/{key}/sessions", params={"minConfidence": "0.999"}).json()
    assert none["sessions"] == []


def test_unknown_kinds_are_stored_as_ui_no_effect(client: Client) -> None:
    client.send("odd-kind", marker(kind="strange"))
    assert client.session("odd-kind")["markers"][0]["kind"] == "ui_no_effect"


def test_stats_count_per_kind(client: Client) -> None:
    client.send("counted", marker(kind="validation_failed", label="Email: typeMismatch"))
    answer = client.http.get("/v1/issues/stats", params={"hours": 24}).json()
    assert answer["lookbackHours"] == 24
    kinds = {row["kind"]: row for row in answer["stats"]}
    assert kinds["validation_failed"]["sessionCount"] >= 1
    assert set(kinds["validation_failed"]) == {"kind", "markerCount", "sessionCount", "clusterCount", "lastSeenAt"}
    assert client.http.get("/v1/issues/stats", params={"hours": 721}).status_code == 400


@pytest.mark.parametrize(
    ("wanted", "status", "part", "span"),
    [
        ("bytes=0-9", 206, slice(0, 10), "0-9"),
        ("bytes=-5", 206, slice(-5, None), "{from_five}-{last}"),
        ("bytes=5-", 206, slice(5, None), "5-{last}"),
        ("bytes=3-999999999", 206, slice(3, None), "3-{last}"),
        ("bytes=-999999999", 206, slice(0, None), "0-{last}"),
        ("bytes=999999999-", 416, slice(0), "*"),
        ("bytes=-0", 416, slice(0), "*"),
        ("bytes=9-3", 200, slice(None), ""),
        ("bytes=0-1,4-5", 200, slice(None), ""),
        ("lines=1-2", 200, slice(None), ""),
    ],
)
def test_an_artifact_is_read_in_parts(client: Client, wanted: str, status: int, part: slice, span: str) -> None:
    client.send("parts", marker())
    client.judged("parts")
    path = "/v1/sessions/parts/artifacts/analysis_json"
    whole = client.http.get(path)
    size = len(whole.content)
    answer = client.http.get(path, headers={"Range": wanted})
    told = f"bytes {span.format(from_five=size - 5, last=size - 1)}/{size}" if span else None
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, whole.content[part], told)
    asked = client.http.head(path)
    assert (asked.status_code, asked.content, int(asked.headers["content-length"])) == (200, b"", size)
    assert asked.headers["accept-ranges"] == "bytes"


def test_an_artifact_is_read_by_token_without_a_key(client: Client, server: RunningServer) -> None:
    client.send("art", marker())
    client.judged("art")
    token = client.http.get("/v1/sessions/art/artifacts/analysis_json/token").json()
    bare = Client(server, "")
    answer = bare.http.get("/v1/sessions/art/artifacts/analysis_json", params={"artifactToken": token["token"]})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["sessionId"] == "art"
    other = bare.http.get("/v1/sessions/same/artifacts/analysis_json", params={"artifactToken": token["token"]})
    assert other.status_code == 401
    forged = bare.http.get("/v1/sessions/art/artifacts/analysis_json", params={"artifactToken": token["token"][:-2] + "xx"})
    assert forged.status_code == 401
    bare.http.close()


def test_an_outside_analyzer_can_settle_a_session(client: Client, settings: Settings) -> None:
    client.send("outside", marker(label="SyntaxError: from outside"))
    client.judged("outside")
    internal = {"X-Retrospec-Internal": make_key(settings, scopes=frozenset({"internal"}))}
    sent = {"projectId": "proj_default", "sessionId": "outside", "status": "ready", "symptom": "Told from outside.", "confidence": 0.9}
    answer = client.http.post("/v1/internal/analysis-reports", json=sent, headers=internal)
    assert answer.status_code == 202
    card = client.session("outside")["reportCard"]
    assert (card["symptom"], card["confidence"], card["status"]) == ("Told from outside.", 0.9, "ready")
    assert client.http.post("/v1/internal/analysis-reports", json=sent).status_code == 403


def test_cleanup_answers_the_counts_of_the_contract(client: Client) -> None:
    assert client.http.post("/v1/maintenance/cleanup").json() == {
        "deletedSessions": 0,
        "deletedIssueClusters": 0,
        "deletedEventObjects": 0,
        "deletedArtifactObjects": 0,
        "failedEventObjectDelete": 0,
        "failedArtifactObjectDelete": 0,
        "retentionDays": 7,
    }


def test_health_and_metrics_keep_their_names(client: Client) -> None:
    assert client.http.get("/healthz").json() == {"status": "ok"}
    text = client.http.get("/metrics").text
    for name in (
        "retrospec_uptime_seconds",
        "retrospec_ingest_sessions_total",
        "retrospec_replay_queue_errors_total",
        "retrospec_analysis_queue_errors_total",
        "retrospec_replay_artifacts_total",
        "retrospec_analysis_reports_total",
        "retrospec_cleanup_runs_total",
        "retrospec_cleanup_event_objects_total",
        "retrospec_cleanup_artifact_objects_total",
        "retrospec_rate_limited_total",
        "retrospec_analysis_queue_stream_depth",
        "retrospec_replay_queue_pending_total",
        "retrospec_analysis_queue_retry_depth",
        "retrospec_replay_queue_failed_depth",
    ):
        assert f"# TYPE {name}" in text or f"# TYPE {name.removesuffix('_total')} " in text, name


def test_cors_lets_a_browser_read_even_a_refusal(server: RunningServer) -> None:
    bare = Client(server, "")
    answer = bare.http.post("/v1/ingest/session", headers={"Origin": "https://shop.example"}, json={})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] in ("*", "https://shop.example")
    preflight = bare.http.options(
        "/v1/ingest/session",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-retrospec-key,content-type",
        },
    )
    assert preflight.status_code in (200, 204)
    bare.http.close()


def test_a_key_reads_and_writes_only_its_own_project(client: Client, server: RunningServer, settings: Settings) -> None:
    client.send("mine", marker())
    other = Client(server, make_key(settings, project_id="proj_other"))
    assert other.http.get("/v1/sessions/mine").status_code == 404
    assert other.http.get("/v1/sessions/mine/events").status_code == 404
    stolen = client.session("mine")["eventsObjectKey"]
    assert other.ingest("mine", marker(), key=stolen).status_code == 400
    assert other.send("mine", marker(label="ReferenceError: theirs")).status_code == 202
    assert client.session("mine")["markers"][0]["label"] == marker()["label"]
    other.http.close()


@pytest.mark.parametrize(
    ("scopes", "call", "status"),
    [
        ({"ingest"}, ("GET", "/v1/issues"), 403),
        ({"ingest"}, ("POST", "/v1/maintenance/cleanup"), 403),
        ({"read"}, ("POST", "/v1/issues/promote"), 403),
        ({"read"}, ("GET", "/v1/issues"), 200),
    ],
)
def test_a_key_may_do_what_its_scopes_say(
    server: RunningServer, settings: Settings, scopes: set[str], call: tuple[str, str], status: int
) -> None:
    limited = Client(server, make_key(settings, scopes=frozenset(scopes)))
    answer = limited.http.request(*call)
    assert answer.status_code == status
    if status == 403:
        assert "scope" in answer.json()["error"]
    limited.http.close()


def test_the_rate_limit_says_when_to_come_back(tmp_path: Any) -> None:
    settings = settings_for(tmp_path)
    settings.limits.requests_per_second, settings.limits.burst = 1, 2
    with serving(settings) as server:
        fast = Client(server, make_key(settings))
        answers = [fast.http.get("/v1/issues", headers={"Origin": "https://a.example"}) for _ in range(4)]
        assert [answer.status_code for answer in answers][:2] == [200, 200]
        refused = answers[-1]
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "access-control-allow-origin" in refused.headers
        fast.http.close()


def test_an_unknown_address_answers_json(client: Client) -> None:
    answer = client.http.get("/v1/nothing")
    assert answer.status_code == 404
    assert set(json.loads(answer.text)) >= {"error", "requestId"}
