"""What the SDK sends for the asset vault: which addresses meant which contents, then the contents that are missing."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import FromQuery, QueryParameter

from retrospec.domain.errors import TooLarge
from retrospec.vault.store import Vault
from retrospec.web.access import needs

AnyRequest = Request[Any, Any, Any]


class KnownAnswer(msgspec.Struct):
    """Contents the server lacks and would keep, by digest."""

    missing: list[str]


class KeptAnswer(msgspec.Struct):
    """``stored`` is false when the content was there already."""

    sha256: str
    stored: bool


def vault_of(request: AnyRequest) -> Vault:
    """The installation's vault."""
    state = request.app.state
    return Vault(state.settings, state.database, state.blobs)


@post("/v2/assets/known", guards=[needs("ingest")], status_code=200, tags=["ingest"])
async def map_assets(request: AnyRequest) -> KnownAnswer:
    """Say what the addresses of a session meant; the answer names the contents to send.

    Body: ``{sessionId, assets: [{url, sha256, type, bytes}]}``, at most 200 entries, plain or gzip.
    """
    with request.app.state.traffic.coming_in():
        project_id = request.state.key.project_id
        rules = await request.app.state.intake.rulebook.now(project_id)
        missing = await vault_of(request).map_session(project_id, await request.body(), rules)
    return KnownAnswer(missing)


@post("/v2/assets", guards=[needs("ingest")], status_code=201, tags=["ingest"])
async def keep_asset(
    request: AnyRequest,
    sha256: FromQuery[str],
    media_type: Annotated[str, QueryParameter(name="type")] = "",
) -> Response[KeptAnswer]:
    """Keep one picture, font or stylesheet: the body is its bytes, ``sha256`` their digest, ``type`` its media type."""
    body = await _bounded_body(request)
    with request.app.state.traffic.coming_in():
        is_new = await vault_of(request).keep(request.state.key.project_id, sha256, media_type, body)
    return Response(KeptAnswer(sha256, is_new), status_code=201 if is_new else 200)


async def _bounded_body(request: AnyRequest) -> bytes:
    """The body, refused before it is read where its own header says it is too large."""
    most = request.app.state.settings.limits.max_asset_kb * 1_024
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise TooLarge(f"The content is {int(declared):,} bytes; at most {most:,} are kept (limits.max_asset_kb).")
    return await request.body()


ROUTES = [map_assets, keep_asset]
