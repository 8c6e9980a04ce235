"""Keys, for keys with the scope ``admin``."""

from datetime import timedelta

from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from retrospec.accounts.keys import checked_limits, mint_key, rotate_key
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.shapes.project import Ended, Key, KeyBounds, KeyList, MadeKey, NewKey, RotateKey
from retrospec.storage import projects
from retrospec.storage.projects import ApiKey, KeyLimits
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.v2.answers import body_of, database_of, project_of, shaped, told
from retrospec.web.audit import note_change


@get("/keys", guards=[needs("admin")], tags=["keys"])
async def list_keys(request: AnyRequest) -> Response[KeyList]:
    """The project's keys, oldest first, ended ones too; never a secret."""
    async with database_of(request).read() as connection:
        found = await projects.list_keys(connection, project_of(request))
    return told(request, KeyList(items=[_key(one) for one in found], next=None))


def _key(key: ApiKey) -> Key:
    return shaped(key, Key, scopes=sorted(key.scopes))


@post("/keys", guards=[needs("admin")], tags=["keys"], status_code=201, body=NewKey)
async def make_key(request: AnyRequest) -> Response[MadeKey]:
    """Make a key of this project; its secret is told this once."""
    sent = await body_of(request, NewKey)
    made, secret = await mint_key(
        database_of(request), project_id=project_of(request), name=" ".join(sent.name.split()) or "Unnamed key",
        scopes=sent.scopes, now=utc_now(), limits=_limits(sent),
    )  # fmt: skip
    await _note(request, "key_made", made, scopes=sorted(sent.scopes))
    return told(request, MadeKey(key=_key(made), secret=secret), status=201)


def _limits(sent: NewKey | KeyBounds) -> KeyLimits:
    return KeyLimits(
        origins=tuple(sent.origins), requests_per_second=sent.requests_per_second, daily_mb=sent.daily_mb
    )


@put("/keys/{key_id:str}/bounds", guards=[needs("admin")], tags=["keys"], status_code=200, body=KeyBounds)
async def bind_key(request: AnyRequest, key_id: FromPath[str]) -> Response[Key]:
    """Bind a key to origins, a rate and a daily volume; what is left out is lifted."""
    sent = await body_of(request, KeyBounds)
    key, limits = await _own_key(request, key_id), checked_limits(_limits(sent))
    async with database_of(request).write() as connection:
        await projects.set_key_limits(connection, key.project_id, key.id, limits)
    _forget_keys(request)
    await _note(request, "key_limited", key, origins=list(limits.origins), requests_per_second=limits.requests_per_second)
    return told(request, _key(await _own_key(request, key_id)))


@post("/keys/{key_id:str}/rotate", guards=[needs("admin")], tags=["keys"], status_code=201, body=RotateKey)
async def renew_key(request: AnyRequest, key_id: FromPath[str]) -> Response[MadeKey]:
    """A new secret for the same purpose, told this once; the old one goes on for `overlapDays`."""
    sent, old = await body_of(request, RotateKey), await _own_key(request, key_id)
    made, secret = await rotate_key(
        database_of(request), project_id=old.project_id, key_id=old.id, overlap=timedelta(days=sent.overlap_days), now=utc_now()
    )
    _forget_keys(request)
    await _note(request, "key_rotated", old, overlap_days=sent.overlap_days)
    return told(request, MadeKey(key=_key(made), secret=secret), status=201)


@delete("/keys/{key_id:str}", guards=[needs("admin")], tags=["keys"], status_code=200)
async def revoke_key(request: AnyRequest, key_id: FromPath[str]) -> Response[Ended]:
    """Revoke a key, at once; the one that asks too."""
    key = await _own_key(request, key_id)
    async with database_of(request).write() as connection:
        await projects.revoke_key(connection, key.id, now=utc_now(), project_id=key.project_id)
    _forget_keys(request)
    await _note(request, "key_revoked", key)
    return told(request, Ended(id=key.id))


async def _own_key(request: AnyRequest, key_id: str) -> ApiKey:
    async with database_of(request).read() as connection:
        key = await projects.find_key_by_id(connection, project_of(request), key_id)
    if key is None:
        raise NotFound(f"There is no key {key_id!r} in this project.")
    return key


def _forget_keys(request: AnyRequest) -> None:
    request.app.state.keyring.forget()


async def _note(request: AnyRequest, action: str, key: ApiKey, **detail: object) -> None:
    async with database_of(request).write() as connection:
        await note_change(
            request, connection, action, project_id=key.project_id, subject=f"{key.hint}… {key.name}", **detail
        )


ROUTES = [list_keys, make_key, bind_key, renew_key, revoke_key]
