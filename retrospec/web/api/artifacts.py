"""Artifacts: a short-lived token, then the bytes, whole or by range."""

import asyncio
from typing import Annotated

from litestar import HttpMethod, Response, get, route
from litestar.params import FromPath, QueryParameter

from retrospec.capture.compress import decompress
from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Forbidden, NotFound, Unauthorized
from retrospec.storage import reports
from retrospec.storage.blobs import blob_key
from retrospec.storage.scope import within_project
from retrospec.web.access import given_key, needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import MAX_INFLATED_BYTES, find_session
from retrospec.web.api.wire import TokenAnswer
from retrospec.web.ranges import PACKS_ITSELF, packed_json, ranged, stored_file


@get(
    "/v1/sessions/{session_id:str}/artifacts/{artifact_type:str}/token",
    guards=[needs("read")],
    tags=["artifacts"],
)
async def artifact_token(request: AnyRequest, session_id: FromPath[str], artifact_type: FromPath[str]) -> TokenAnswer:
    """A token for one artifact, so that a page or a model can fetch it without a key."""
    session = await find_session(request, session_id)
    seconds = request.app.state.settings.artifacts.token_seconds
    token, expires_at = request.app.state.tokens.issue(
        session.project_id, session.id, artifact_type, now=utc_now(), seconds=seconds
    )
    return TokenAnswer(token, expires_at)


@route(
    "/v1/sessions/{session_id:str}/artifacts/{artifact_type:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["artifacts"],
    opt=PACKS_ITSELF,
)
async def read_artifact(
    request: AnyRequest,
    session_id: FromPath[str],
    artifact_type: FromPath[str],
    artifact_token: Annotated[str, QueryParameter(name="artifactToken")] = "",
) -> Response[bytes]:
    """The newest artifact of that type, by token or by key; answers byte ranges."""
    project_id = await _project_of(request, session_id, artifact_type, artifact_token)
    within_project(project_id)
    await find_session(request, session_id, project_id)
    async with request.app.state.database.read() as connection:
        artifact = await reports.latest_artifact(connection, project_id, session_id, artifact_type)
    if artifact is None or artifact.status != "ready" or not artifact.artifact_key:
        why = f": {artifact.reason}" if artifact and artifact.reason else ""
        raise NotFound(f"This session has no {artifact_type} artifact{why}")
    return await serve_blob(request, artifact)


async def _project_of(request: AnyRequest, session_id: str, artifact_type: str, token: str) -> str:
    state = request.app.state
    if token:
        return str(state.tokens.check(token, session_id, artifact_type, now=utc_now()))
    key = await state.keyring.find(given_key(request))
    if key is None:
        raise Unauthorized("An artifact needs a token or a key.")
    request.state.key = key
    if "read" not in key.scopes:
        raise Forbidden("This key may not do that: it lacks the scope 'read'.")
    return str(key.project_id)


async def serve_blob(request: AnyRequest, artifact: Artifact) -> Response[bytes]:
    """The artifact's bytes; a ``Range`` header answers 206 with just those, or 416 past the end."""
    blobs, wanted = request.app.state.blobs, request.headers.get("range", "")
    kind, headers = artifact.content_type, {"Cache-Control": "private, max-age=300"}
    if not artifact.artifact_key.endswith(".json"):
        is_head = request.method == HttpMethod.HEAD
        return await stored_file(blobs, artifact, wanted, media_type=kind, headers=headers, is_head=is_head)
    stored = await blobs.get(blob_key(artifact.artifact_key))
    content = await asyncio.to_thread(decompress, stored, max_bytes=MAX_INFLATED_BYTES)

    if not wanted:
        return await packed_json(content, request.headers.get("Accept-Encoding", ""), {**headers, "Accept-Ranges": "bytes"})

    async def read(start: int, end: int) -> bytes:
        return content[start:end]

    return await ranged(read, len(content), wanted, media_type=kind, headers=headers)


ROUTES = [artifact_token, read_artifact]
