"""Source maps: kept per release, listed and deleted by a key with the scope ``admin``."""

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import HttpMethod, Response, delete, get, post, route
from litestar.params import QueryParameter

from retrospec.capture.inflating import inflate
from retrospec.domain.errors import BadRequest, NotFound, TooLarge
from retrospec.source_names import SourceNames, Upload
from retrospec.storage import source_maps
from retrospec.storage.source_maps import MappedRelease, StoredMap
from retrospec.symbols.matching import MAX_NAME_CHARS, tail_of
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest

MAX_RELEASE_CHARS = 256


class MapBody(msgspec.Struct, rename="camel"):
    """What is sent of one minified file."""

    release: str
    name: str
    map: msgspec.Raw
    """The source map itself, a JSON object."""
    minified: str = ""
    debug_id: str = ""


class MapAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """One stored map."""

    release: str
    name: str
    debug_id: str
    has_sources: bool
    size_bytes: int
    uploaded_at: Any
    last_used_at: Any = None


class MapsAnswer(msgspec.Struct, rename="camel"):
    """The maps of a release."""

    release: str
    maps: list[MapAnswer]


class ReleasesAnswer(msgspec.Struct, rename="camel"):
    """Releases with maps, the newest upload first."""

    releases: list[MappedRelease]


class DroppedAnswer(msgspec.Struct, rename="camel"):
    """How many maps went."""

    release: str
    deleted_maps: int


@route("/v1/source-maps", http_method=HttpMethod.OPTIONS, include_in_schema=False, sync_to_thread=False, status_code=204)
def source_map_methods() -> Response[None]:
    """Every method of the address: Litestar's own answer names those of the handler it met first."""
    return Response(None, status_code=204, headers={"Allow": "DELETE, GET, OPTIONS, POST"})


@post("/v1/source-maps", guards=[needs("admin")], status_code=201, tags=["source maps"], request_max_body_size=None)
async def upload_source_map(request: AnyRequest) -> MapAnswer:
    """Keep the map of one minified file of a release; the same release and name again replaces it.

    Body: ``{release, name, map, minified?, debugId?}``, plain or gzip; ``name`` is the file's path or address.
    """
    limit = request.app.state.settings.limits.max_source_map_mb * 1_000_000
    sent = await _body_within(request, limit)
    upload = await asyncio.to_thread(_read, sent, limit)
    names: SourceNames = request.app.state.source_names
    return _answer(await names.keep(request.state.key.project_id, upload))


async def _body_within(request: AnyRequest, limit: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"The source map is larger than limits.max_source_map_mb ({limit // 1_000_000} MB).")
        parts.append(part)
    return b"".join(parts)


def _read(sent: bytes, limit: int) -> Upload:
    try:
        body = msgspec.json.decode(inflate(sent, max_bytes=limit), type=MapBody)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"The body is not {{release, name, map, minified?, debugId?}}: {error}.") from error
    release, name = body.release.strip(), tail_of(body.name.strip())
    if not release or len(release) > MAX_RELEASE_CHARS or not release.isprintable():
        raise BadRequest(f"release must be 1 to {MAX_RELEASE_CHARS} printable characters.", field="release")
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise BadRequest(
            f"name must be the minified file's path or address, 1 to {MAX_NAME_CHARS} characters.", field="name"
        )
    return Upload(
        release=release, name=name, debug_id=body.debug_id, minified=body.minified.encode(), source_map=bytes(body.map)
    )  # fmt: skip


@get("/v1/source-maps", guards=[needs("read")], tags=["source maps"])
async def list_source_maps(
    request: AnyRequest, release: Annotated[str, QueryParameter(name="release")] = ""
) -> Response[ReleasesAnswer | MapsAnswer]:
    """The releases that have maps; with ``?release=`` the maps of that one."""
    project_id = request.state.key.project_id
    async with request.app.state.database.read() as connection:
        if not release:
            return Response(ReleasesAnswer(await source_maps.releases(connection, project_id)))
        found = await source_maps.of_release(connection, project_id, release)
    if not found:
        raise NotFound(f"The release {release!r} has no source maps.")
    return Response(MapsAnswer(release, [_answer(each) for each in found]))


@delete("/v1/source-maps", guards=[needs("admin")], status_code=200, tags=["source maps"])
async def delete_source_maps(
    request: AnyRequest,
    release: Annotated[str, QueryParameter(name="release")],
    name: Annotated[str, QueryParameter(name="name")] = "",
) -> DroppedAnswer:
    """Delete a release's maps, or the one of ``name``. Names given to sessions before stay."""
    names: SourceNames = request.app.state.source_names
    gone = await names.drop(request.state.key.project_id, release, tail_of(name) if name else "")
    if not gone:
        raise NotFound(f"The release {release!r} has no such source maps.")
    return DroppedAnswer(release, gone)


def _answer(stored: StoredMap) -> MapAnswer:
    return MapAnswer(
        release=stored.release, name=stored.name, debug_id=stored.debug_id, has_sources=stored.has_sources,
        size_bytes=stored.size_bytes, uploaded_at=stored.created_at, last_used_at=stored.last_used_at,
    )  # fmt: skip


ROUTES = [source_map_methods, upload_source_map, list_source_maps, delete_source_maps]
