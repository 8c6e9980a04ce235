"""Clients of the first wire contract, unmodified: two calls per session, bare recordings."""

from datetime import UTC, datetime

from tests.conftest import Client, marker, wait_for


def test_two_bare_sessions_become_one_issue(client: Client) -> None:
    for name in ("synthetic-1", "synthetic-2"):
        started_ms = int(datetime.now(UTC).timestamp() * 1_000)
        bare = [{"type": 2, "timestamp": started_ms}, {"type": 3, "timestamp": started_ms + 1_000}]
        uploaded = client.upload(name, bare)
        assert uploaded.status_code == 201
        stored_under = uploaded.json()["eventsObjectKey"]
        ingested = client.ingest(name, marker(f"{name}-m"), key=stored_under)
        assert ingested.status_code == 202
        assert ingested.json()["analysisQueueError"] == ""

    for name in ("synthetic-1", "synthetic-2"):
        session = client.judged(name)
        assert session["reportCard"]["status"] == "ready"
        assert "analysis_json" in [artifact["artifactType"] for artifact in session["artifacts"]]
        document = client.http.get(f"/v1/sessions/{name}/artifacts/analysis_json")
        assert document.status_code == 200
        assert document.json()["sessionId"] == name

    promoted = client.http.post("/v1/issues/promote").json()["promoted"]
    listed = client.http.get("/v1/issues?state=active").json()["issues"]
    assert [issue["sessionCount"] for issue in promoted] == [2]
    assert [issue["key"] for issue in listed] == [issue["key"] for issue in promoted]
    sessions = client.http.get(f"/v1/issues/{listed[0]['key']}/sessions").json()["sessions"]
    assert {session["sessionId"] for session in sessions} == {"synthetic-1", "synthetic-2"}


def test_a_repeated_client_changes_nothing(client: Client) -> None:
    client.send("again", marker("again-m", label="ReferenceError: again is not defined"))
    first = client.judged("again")
    client.send("again", marker("again-m", label="ReferenceError: again is not defined"))
    second = wait_for(lambda: client.judged("again"))
    assert len(second["markers"]) == 1
    assert second["reportCard"]["generatedAt"] == first["reportCard"]["generatedAt"]
