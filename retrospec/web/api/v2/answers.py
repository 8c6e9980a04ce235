"""What the handlers of API v2 share: answers with their digest, bodies, cursors."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, cast

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from retrospec.domain.errors import BadRequest
from retrospec.storage.database import Database
from retrospec.storage.projects import ApiKey
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.pages.install import server_url_of

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Row = TypeVar("Row")

DEFAULT_LIMIT, MAX_LIMIT = 30, 100
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_LIMIT, description="Rows of a page.")]
After = Annotated[str, QueryParameter(name="cursor", description="The `next` of the page before; empty for the first.")]
Hours = Annotated[int, QueryParameter(name="hours", ge=1, le=720, description="How far to look back.")]
DIGEST_BYTES = 16


def told(request: AnyRequest, value: T, *, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """``value`` as JSON. To a GET with its digest as ``ETag``; 304 without a body where the caller has just that."""
    content = msgspec.json.encode(value)
    sent = {"Cache-Control": "private, no-cache" if request.method == "GET" else "no-store"} | (headers or {})
    if request.method == "GET" and status == 200:
        sent["ETag"] = f'W/"{hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()}"'
        if sent["ETag"] in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
            return cast(Response[T], Response(b"", status_code=304, headers=sent, media_type="application/json"))
    return cast(Response[T], Response(content, status_code=status, headers=sent, media_type="application/json"))


async def body_of(request: AnyRequest, shape: type[S]) -> S:
    """The request's body. Raises BadRequest naming the field that is missing, unknown or wrong."""
    try:
        return msgspec.convert(_whole(msgspec.json.decode(await request.body())), shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body does not fit: {error}.") from error


def _whole(value: Any) -> Any:
    """``5.0`` is an integer in JSON Schema, and some programs write them so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {name: _whole(one) for name, one in value.items()} if isinstance(value, dict) else value


def shaped(source: Any, shape: type[S], **others: Any) -> S:
    """``shape`` filled from the fields of the same name of ``source``, but for ``others``."""
    names = [name for name in shape.__struct_fields__ if name not in others]
    return shape(**{name: getattr(source, name) for name in names}, **others)


def listed(source: Sequence[Any], shape: type[S]) -> list[S]:
    """Each as ``shaped``."""
    return [shaped(one, shape) for one in source]


def cursor_of(listing: str, place: str) -> str:
    """An opaque cursor of the list called ``listing`` at ``place``."""
    return base64.urlsafe_b64encode(f"{listing}\n{place}".encode()).decode().rstrip("=")


def place_in(listing: str, cursor: str) -> str:
    """What ``cursor_of`` was given; ``""`` for none. Raises BadRequest for a cursor of another list, or nonsense."""
    if not cursor:
        return ""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise _no_cursor() from error
    name, line, place = text.partition("\n")
    if name != listing or not line or not place:
        raise _no_cursor()
    return place


def known(place: str, found: T | None) -> T | None:
    """``found``, what a place was read as. Raises BadRequest where there was a place and it could not be read."""
    if place and found is None:
        raise _no_cursor()
    return found


def _no_cursor() -> BadRequest:
    return BadRequest(
        "This cursor was not given by this list.", hint="Send `next` as it came, with the same filters.", field="cursor"
    )


def key_of(request: AnyRequest) -> ApiKey:
    """The key that asks."""
    key: ApiKey = request.state.key
    return key


def project_of(request: AnyRequest) -> str:
    """Its project."""
    return key_of(request).project_id


def database_of(request: AnyRequest) -> Database:
    """The app's database."""
    database: Database = request.app.state.database
    return database


def author_of(request: AnyRequest) -> str:
    """How an issue's log names a change made with a key."""
    key = key_of(request)
    return f"{key.name} (key {key.hint}…)"


def page_url(request: AnyRequest, *parts: str) -> str:
    """The address of a page of the dashboard in this key's project."""
    return "/".join((server_url_of(request), "p", project_of(request), *parts))
