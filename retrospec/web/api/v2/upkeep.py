"""What keeps a project running: dead letters, redaction rules, channels of alerts, members, films on demand."""

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath

from retrospec.capture.rules import RuleChanges
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.finding import Finding
from retrospec.domain.session import Session
from retrospec.retention.expiry import Cleaned, forget
from retrospec.shapes.project import Channel, Ended
from retrospec.shapes.upkeep import (
    AskFilm,
    ChangeChannel,
    ChangeRedaction,
    DeadLetter,
    DeadLetterList,
    FilmList,
    FilmState,
    MadeChannel,
    Member,
    MemberList,
    NewChannel,
    Redaction,
    Revived,
)
from retrospec.storage import alerting, members, projects, queue, reports
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import find_session
from retrospec.web.api.v2.answers import (
    DEFAULT_LIMIT,
    After,
    Limit,
    body_of,
    cursor_of,
    database_of,
    known,
    listed,
    place_in,
    project_of,
    shaped,
    told,
)
from retrospec.web.api.v2.record import channel_shape
from retrospec.web.audit import note_change
from retrospec.web.pages.alerts import new_channel, new_rule
from retrospec.web.pages.films import FilmsView, films_view, order_film
from retrospec.web.pages.project import set_rules


@get("/dead-letters", guards=[needs("read")], tags=["dead letters"])
async def list_dead(request: AnyRequest, limit: Limit = DEFAULT_LIMIT, cursor: After = "") -> Response[DeadLetterList]:
    """The sessions that were given up after their last attempt, and why, the latest first."""
    place = place_in("dead", cursor)
    async with database_of(request).read() as connection:
        found = await queue.dead_letters(
            connection, project_id=project_of(request), limit=limit + 1, after=known(place, read_cursor(place))
        )
    last = found[limit - 1] if len(found) > limit else None
    after = cursor_of("dead", str(Cursor(last.died_at, last.session_id))) if last else None
    return told(request, DeadLetterList(items=listed(found[:limit], DeadLetter), next=after))


@post("/dead-letters/{session_id:str}/retry", guards=[needs("admin")], tags=["dead letters"], status_code=200)
async def retry_dead(request: AnyRequest, session_id: FromPath[str]) -> Response[Revived]:
    """Put a dead letter back to the first stage, with all its attempts."""
    async with database_of(request).write() as connection:
        if not await queue.revive(connection, [(project_of(request), session_id)], now=utc_now()):
            raise _no_letter(session_id)
        await note_change(request, connection, "dead_retried", project_id=project_of(request), subject=session_id)
    return told(request, Revived(session_id=session_id))


@delete("/dead-letters/{session_id:str}", guards=[needs("admin")], tags=["dead letters"], status_code=200)
async def drop_dead(request: AnyRequest, session_id: FromPath[str]) -> Response[Ended]:
    """Delete a dead letter with its recording and markers."""
    project_id, database = project_of(request), database_of(request)
    async with database.read() as connection:
        if not await queue.dead_letters(connection, project_id=project_id, session_id=session_id, limit=1):
            raise _no_letter(session_id)
    await forget(database, request.app.state.blobs, [(project_id, session_id)], Cleaned(), now=utc_now())
    async with database.write() as connection:
        await note_change(request, connection, "dead_dropped", project_id=project_id, subject=session_id)
    return told(request, Ended(id=session_id))


def _no_letter(session_id: str) -> NotFound:
    return NotFound(f"No session {session_id!r} was given up in this project.")


@get("/redaction", guards=[needs("admin")], tags=["redaction"])
async def read_redaction(request: AnyRequest) -> Response[Redaction]:
    """What this project adds to the redaction rules, or takes from them."""
    async with database_of(request).read() as connection:
        stored = await projects.redaction_of(connection, project_of(request))
    return told(request, _rules(stored))


def _rules(stored: dict[str, list[str]]) -> Redaction:
    return Redaction(**{name: list(stored.get(name, ())) for name in Redaction.__struct_fields__})


@put("/redaction", guards=[needs("admin")], tags=["redaction"], status_code=200, body=ChangeRedaction)
async def change_redaction(request: AnyRequest) -> Response[Redaction]:
    """Set the project's own rules for what arrives from now on; what is left out is lifted."""
    sent = await body_of(request, ChangeRedaction)
    changes = RuleChanges(fields=tuple(sent.fields), patterns=tuple(sent.patterns), without=tuple(sent.without))
    return told(request, _rules(await set_rules(request, project_of(request), changes)))


@post("/alerts/channels", guards=[needs("admin")], tags=["alerts"], status_code=201, body=NewChannel)
async def add_channel(request: AnyRequest) -> Response[MadeChannel]:
    """Add a channel and what it is told; a webhook's signing key is told this once."""
    sent = await body_of(request, NewChannel)
    channel = new_channel(project_of(request), name=sent.name, kind=sent.kind, address=sent.address)
    rule = new_rule(channel, list(sent.events), quiet_minutes=sent.quiet_minutes, digest_minutes=sent.digest_minutes)
    async with database_of(request).write() as connection:
        await alerting.add_channel(connection, channel, rule)
        await note_change(request, connection, "channel_added", project_id=channel.project_id, subject=channel.name)
    return told(request, MadeChannel(channel=channel_shape(channel, rule), signing_key=channel.signing_key), status=201)


@patch("/alerts/channels/{channel_id:str}", guards=[needs("admin")], tags=["alerts"], body=ChangeChannel)
async def change_channel(request: AnyRequest, channel_id: FromPath[str]) -> Response[Channel]:
    """Change what a channel is told; what is left out stays."""
    sent, project_id = await body_of(request, ChangeChannel), project_of(request)
    wanted = {name: value for name, value in msgspec.structs.asdict(sent).items() if value is not msgspec.UNSET}
    async with database_of(request).write() as connection:
        channel = await alerting.find_channel(connection, project_id, channel_id)
        rules = {rule.channel_id: rule for rule in await alerting.rules_of(connection, project_id)}
        if channel is None or channel_id not in rules:
            raise NotFound("There is no such channel in this project.")
        rule = msgspec.structs.replace(rules[channel_id], **wanted)
        await alerting.change_rule(connection, rule)
        await note_change(request, connection, "channel_changed", project_id=project_id, subject=channel.name)
    return told(request, channel_shape(channel, rule))


@delete("/alerts/channels/{channel_id:str}", guards=[needs("admin")], tags=["alerts"], status_code=200)
async def remove_channel(request: AnyRequest, channel_id: FromPath[str]) -> Response[Ended]:
    """Forget a channel, its address and its key."""
    async with database_of(request).write() as connection:
        if not await alerting.remove_channel(connection, project_of(request), channel_id):
            raise NotFound("There is no such channel in this project.")
        await note_change(request, connection, "channel_removed", project_id=project_of(request), subject=channel_id)
    return told(request, Ended(id=channel_id))


@get("/members", guards=[needs("admin")], tags=["members"])
async def list_members(request: AnyRequest) -> Response[MemberList]:
    """Who has which role in the project."""
    async with database_of(request).read() as connection:
        found = await members.list_members(connection, project_of(request))
    return told(request, MemberList(items=[shaped(one.user, Member, role=str(one.role)) for one in found], next=None))


@get("/sessions/{session_id:str}/films", guards=[needs("read")], tags=["sessions"])
async def list_films(request: AnyRequest, session_id: FromPath[str]) -> Response[FilmList]:
    """The films of a session that are made, being made or to be had; a made one is among its artifacts."""
    session, findings = await _read(request, session_id)
    return told(request, _films(await films_view(request, session, findings)))


@post("/sessions/{session_id:str}/films", guards=[needs("admin")], tags=["sessions"], status_code=202, body=AskFilm)
async def ask_film(request: AnyRequest, session_id: FromPath[str]) -> Response[FilmList]:
    """Have a film made, in the background."""
    film = (await body_of(request, AskFilm)).film
    session, findings = await _read(request, session_id)
    await order_film(request, session, findings, film)
    return told(request, _films(await films_view(request, session, findings)), status=202)


async def _read(request: AnyRequest, session_id: str) -> tuple[Session, list[Finding]]:
    session = await find_session(request, session_id)
    async with database_of(request).read() as connection:
        _, findings = await reports.with_findings(connection, session.project_id, session.id)
    return session, findings


def _films(view: FilmsView) -> FilmList:
    return FilmList(items=[shaped(one, FilmState, film=one.id) for one in view.films], next=None)


ROUTES = [list_dead, retry_dead, drop_dead, read_redaction, change_redaction, add_channel, change_channel, remove_channel, list_members, list_films, ask_film]
