"""The published description names every call, with its body, its keys and its refusals."""

import httpx

from retrospec.serving import RunningServer
from tests.conftest import Client


def test_every_call_of_the_contract_is_published(client: Client) -> None:
    paths = client.http.get("/api/openapi.json").json()["paths"]
    assert {
        "/v1/artifacts/session-events",
        "/v1/ingest/session",
        "/v1/issues/promote",
        "/v1/issues",
        "/v1/issues/stats",
        "/v1/issues/{cluster_key}/sessions",
        "/v1/sessions/{session_id}",
        "/v1/sessions/{session_id}/events",
        "/v1/sessions/{session_id}/artifacts/{artifact_type}/token",
        "/v1/sessions/{session_id}/artifacts/{artifact_type}",
        "/v1/maintenance/cleanup",
        "/v1/internal/analysis-reports",
        "/v1/internal/replay-results",
        "/v2/chunks",
        "/healthz",
        "/metrics",
    } <= set(paths)
    body = paths["/v1/ingest/session"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/IngestWire")
    assert "429" in paths["/v2/chunks"]["post"]["responses"]


def test_every_reference_in_the_document_resolves(client: Client) -> None:
    text = client.http.get("/api/openapi.json").text
    schemas = client.http.get("/api/openapi.json").json()["components"]["schemas"]
    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(schemas)


def test_the_reference_is_a_page_anyone_can_read(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/api", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "/v1/ingest/session" in answer.text
    assert "session.startedAt" in answer.text
    assert "markers[].kind" in answer.text
