"""Share links, the alerts' log and channels, and the audit log."""

from collections.abc import Mapping, Sequence

from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery
from msgspec import UNSET

from retrospec.accounts.sharing import make_share
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.shapes.project import (
    AlertList,
    AlertMessage,
    AlertTry,
    AuditLine,
    AuditList,
    Channel,
    ChannelList,
    Ended,
    MadeShare,
    NewShare,
    SentAgain,
    ShareLink,
    ShareList,
)
from retrospec.storage import alerting, audit, outbox, shares
from retrospec.storage.alerting import AlertRule
from retrospec.storage.audit import AuditFilter
from retrospec.storage.outbox import Delivery, Letter
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.v2.answers import (
    DEFAULT_LIMIT,
    After,
    Limit,
    body_of,
    cursor_of,
    database_of,
    listed,
    place_in,
    project_of,
    shaped,
    told,
)
from retrospec.web.audit import actor_of, note_change
from retrospec.web.pages.install import server_url_of
from retrospec.web.pages.rendering import typed
from retrospec.web.pages.share import SHOWN


@get("/shares", guards=[needs("admin")], tags=["shares"])
async def list_shares(request: AnyRequest) -> Response[ShareList]:
    """The project's latest share links, newest first, ended ones too."""
    async with database_of(request).read() as connection:
        found = await shares.of_project(connection, project_of(request), limit=SHOWN)
    items = [shaped(one, ShareLink, subject=one.subject_id, has_password=bool(one.password_hash)) for one in found]
    return told(request, ShareList(items=items, next=None))


@post("/shares", guards=[needs("admin")], tags=["shares"], status_code=201, body=NewShare)
async def share(request: AnyRequest) -> Response[MadeShare]:
    """Make a link that shows one session or issue to whoever has it; it is told this once."""
    sent = await body_of(request, NewShare)
    path = await make_share(
        request.app.state.database, request.app.state.signer, actor_of(request), project_id=project_of(request),
        kind=sent.kind, subject_id=sent.subject, days=sent.days, now=utc_now(),
        password="" if sent.password is UNSET else sent.password,
    )  # fmt: skip
    request.state.is_noted = True
    return told(request, MadeShare(url=server_url_of(request) + path, expires_in_days=sent.days), status=201)


@delete("/shares/{share_id:str}", guards=[needs("admin")], tags=["shares"], status_code=200)
async def end_share(request: AnyRequest, share_id: FromPath[str]) -> Response[Ended]:
    """Take a link back: it shows nothing from now on, to nobody."""
    async with database_of(request).write() as connection:
        if not await shares.revoke(connection, project_of(request), share_id, now=utc_now()):
            raise NotFound("There is no such link in force.")
        await note_change(request, connection, "share_revoked", project_id=project_of(request), subject=share_id)
    return told(request, Ended(id=share_id))


@get("/alerts/messages", guards=[needs("read")], tags=["alerts"])
async def list_messages(request: AnyRequest, limit: Limit = DEFAULT_LIMIT, cursor: After = "") -> Response[AlertList]:
    """What was told to whom, newest first, with every try."""
    project_id = project_of(request)
    async with database_of(request).read() as connection:
        found = await outbox.latest_letters(connection, project_id, limit=limit + 1, before=place_in("alerts", cursor))
        tried = await outbox.attempts(connection, project_id, sorted({one.batch for one in found if one.batch}))
    after = cursor_of("alerts", found[limit - 1].id) if len(found) > limit else None
    return told(request, AlertList(items=[_message(one, tried) for one in found[:limit]], next=after))


def _message(letter: Letter, tried: Mapping[str, Sequence[Delivery]]) -> AlertMessage:
    return shaped(
        letter, AlertMessage, event_id=letter.event_key, message_id=letter.batch,
        tries=listed(tried.get(letter.batch, []), AlertTry),
    )  # fmt: skip


@post("/alerts/messages/{message_id:str}/again", guards=[needs("admin")], tags=["alerts"], status_code=202)
async def send_again(request: AnyRequest, message_id: FromPath[str]) -> Response[SentAgain]:
    """Send a message that was sent or given up once more, with the same `Idempotency-Key` and event ids."""
    async with database_of(request).write() as connection:
        if not await outbox.revive(connection, project_of(request), message_id, now=utc_now()):
            raise NotFound("There is no message of that id that was sent or given up.")
        await note_change(request, connection, "alert_sent_again", project_id=project_of(request), subject=message_id)
    if request.app.state.get("courier") is not None:
        request.app.state.courier.wake()
    return told(request, SentAgain(message_id=message_id), status=202)


@get("/alerts/channels", guards=[needs("read")], tags=["alerts"])
async def list_channels(request: AnyRequest) -> Response[ChannelList]:
    """The project's channels with what each is told; neither address nor signing key."""
    project_id = project_of(request)
    async with database_of(request).read() as connection:
        rules = {rule.channel_id: rule for rule in await alerting.rules_of(connection, project_id)}
        found = await alerting.channels_of(connection, project_id)
    return told(request, ChannelList(items=[channel_shape(one, rules.get(one.id)) for one in found], next=None))


def channel_shape(channel: alerting.Channel, rule: AlertRule | None) -> Channel:
    """As it is told; neither address nor key."""
    return shaped(
        channel, Channel, events=rule.events if rule else [], quiet_minutes=rule.quiet_minutes if rule else 0,
        digest_minutes=rule.digest_minutes if rule else 0, paused=rule is None or rule.paused,
    )  # fmt: skip


@get("/audit", guards=[needs("admin")], tags=["audit"])
async def list_audit(
    request: AnyRequest, action: FromQuery[str] = "", q: FromQuery[str] = "", limit: Limit = DEFAULT_LIMIT, cursor: After = ""
) -> Response[AuditList]:
    """Who looked at, shared, deleted or changed what in this project, newest first."""
    asked = AuditFilter(action=typed(action), text=typed(q))
    async with database_of(request).read() as connection:
        found = await audit.entries(
            connection, project_of(request), asked, before=place_in("audit", cursor), limit=limit + 1
        )
    items = [shaped(one, AuditLine, actor=one.actor.name, address=one.actor.address) for one in found[:limit]]
    return told(request, AuditList(items=items, next=cursor_of("audit", found[limit - 1].id) if len(found) > limit else None))


ROUTES = [list_shares, share, end_share, list_messages, send_again, list_channels, list_audit]
