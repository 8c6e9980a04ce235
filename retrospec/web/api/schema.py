"""The published description of the API: OpenAPI at ``/api/openapi.json``."""

from typing import Any

import msgspec
from litestar import Litestar, Response, get

from retrospec.capture.wire import ChunkWire, IngestWire, UploadWire
from retrospec.shapes.alerts import alert_schema
from retrospec.vault.store import KnownWire
from retrospec.web.api.describing import describe
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.internal import OutsideArtifact, OutsideReport
from retrospec.web.api.source_maps import MapBody
from retrospec.web.api.wire import WireError

BODIES: dict[str, type[msgspec.Struct]] = {
    "/v1/artifacts/session-events": UploadWire,
    "/v1/ingest/session": IngestWire,
    "/v2/chunks": ChunkWire,
    "/v2/assets/known": KnownWire,
    "/v1/source-maps": MapBody,
    "/v1/internal/analysis-reports": OutsideReport,
    "/v1/internal/replay-results": OutsideArtifact,
}
"""Bodies that are read by hand, for speed and for clear refusals."""
ANY_BYTES = "/v1/sessions/{session_id}/artifacts/{artifact_type}"
"""Answers whatever the artifact is: JSON, a picture, a film."""
KEY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Retrospec-Key"},
    "keyInQuery": {"type": "apiKey", "in": "query", "name": "key"},
    "internal": {"type": "apiKey", "in": "header", "name": "X-Retrospec-Internal"},
}
REFUSALS = {
    "400": "The body or a parameter does not fit; the sentence names it.",
    "401": "No key, or one that is unknown or revoked.",
    "403": "The key lacks a scope.",
    "404": "Nothing of that name in this key's project.",
    "413": "Larger than limits.max_body_mb, as sent or once inflated.",
    "429": "Over the rate; Retry-After says when to come back.",
    "503": "The database or the blob store cannot answer now; Retry-After says when to come back.",
}


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Litestar's own description with the hand-read bodies, keys and refusals added."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["securitySchemes"] = KEY_SCHEMES
    references, defined = msgspec.json.schema_components(
        [*BODIES.values(), WireError], ref_template="#/components/schemas/{name}"
    )
    schemas.update(defined)
    *bodies, error = references
    for path, body in zip(BODIES, bodies, strict=True):
        document["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}, "text/plain": {"schema": body}},
        }
    for answers in (each["responses"] for each in document["paths"][ANY_BYTES].values()):
        answers["200"]["content"] = {"*/*": {}}
        answers["206"] = {"description": "The bytes a Range header asked for.", "content": {"*/*": {}}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = _security(path)
            operation["responses"] = _with_refusals(operation["responses"], path, error)
    describe(document, app)
    return document


def _security(path: str) -> list[dict[str, list[str]]]:
    if path in ("/healthz", "/metrics"):
        return []
    if path.startswith("/v1/internal/"):
        return [{"internal": []}]
    return [{"key": []}, {"keyInQuery": []}]


def _with_refusals(responses: dict[str, Any], path: str, error: dict[str, Any]) -> dict[str, Any]:
    kept = {status: answer for status, answer in responses.items() if status < "400"}
    if path in ("/healthz", "/metrics"):
        return kept
    content = {"application/json": {"schema": error}}
    return kept | {status: {"description": text, "content": content} for status, text in REFUSALS.items()}


@get("/api/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: AnyRequest) -> Response[bytes]:
    """The document, made once."""
    state = request.app.state
    if "openapi_json" not in state:
        state["openapi_json"] = msgspec.json.encode(openapi_document(request.app))
    return Response(state["openapi_json"], media_type="application/json")


@get("/api/alert.v1.schema.json", include_in_schema=False, sync_to_thread=False)
def alert_json(request: AnyRequest) -> Response[bytes]:
    """JSON Schema of what a webhook is sent."""
    return Response(msgspec.json.encode(alert_schema()), media_type="application/schema+json")


ROUTES = [openapi_json, alert_json]
