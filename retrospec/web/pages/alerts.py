"""The Alerts page: who is told of what, and what became of every message."""

import secrets
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.alerts.channels import shown_address
from retrospec.alerts.rulebook import channels_from_settings
from retrospec.alerts.rules import EventKind
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.ids import new_id
from retrospec.storage import alerting, outbox
from retrospec.storage.alerting import AlertRule, Channel
from retrospec.storage.database import Connection
from retrospec.storage.outbox import Delivery, Letter
from retrospec.web.pages.guard import database_of, read_form, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, live

LETTERS = 50
MAX_NAME = 80
MAX_ADDRESS = 2_000
MAX_MINUTES = 10_080
KEY_BYTES = 24
EVENTS = {"new": "New issues", "regression": "Regressions", "spike": "Spikes"}


class ChannelLine(msgspec.Struct, kw_only=True):
    """A channel with its rule. Its address and key are not here: they are not shown again."""

    id: str
    name: str
    kind: str
    shown: str
    rule: AlertRule | None


class LetterLine(msgspec.Struct, kw_only=True):
    """One event and every attempt to tell of it."""

    letter: Letter
    channel: str
    attempts: list[Delivery]


class AlertsPage(msgspec.Struct, kw_only=True):
    """Channels, rules and the delivery log."""

    channels: list[ChannelLine]
    from_settings: int
    """Channels that the settings name."""
    settings_events: list[str]
    events: dict[str, str]
    letters: list[LetterLine]
    quiet_minutes: int
    digest_minutes: int
    max_attempts: int
    may_change: bool
    new_key: str = ""
    """Of the webhook just added; shown this once."""
    problem: str = ""


class ChannelForm(msgspec.Struct):
    """A new channel and what it is told."""

    name: str = ""
    kind: str = "webhook"
    address: str = ""
    new: str = ""
    regression: str = ""
    spike: str = ""
    quiet_minutes: str = "60"
    digest_minutes: str = "0"


class RuleForm(msgspec.Struct):
    """What a channel is told from now on."""

    new: str = ""
    regression: str = ""
    spike: str = ""
    paused: str = ""
    quiet_minutes: str = "60"
    digest_minutes: str = "0"


@get("/alerts")
async def show_alerts(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The page; its live part is the log."""
    page = await _compose(request, frame)
    return live(request, frame, page, whole="alerts.html", part="_deliveries.html")


async def _compose(request: AnyRequest, frame: Frame) -> AlertsPage:
    assert frame.project is not None and frame.user is not None
    settings = settings_of(request).alerts
    async with database_of(request).read() as connection:
        lines = await _channel_lines(connection, frame.project.id)
        named = channels_from_settings(settings)
        letters = await _letter_lines(connection, frame.project.id, lines)
    return AlertsPage(
        channels=lines,
        from_settings=len(named),
        settings_events=[EVENTS[event].lower() for event in settings.events],
        events=EVENTS,
        letters=letters,
        quiet_minutes=settings.quiet_minutes,
        digest_minutes=settings.digest_minutes,
        max_attempts=settings.max_attempts,
        may_change=frame.may(Role.ADMIN),
    )


async def _channel_lines(connection: Connection, project_id: str) -> list[ChannelLine]:
    rules = {rule.channel_id: rule for rule in await alerting.rules_of(connection, project_id)}
    return [
        ChannelLine(id=each.id, name=each.name, kind=each.kind, shown=each.shown, rule=rules.get(each.id))
        for each in await alerting.channels_of(connection, project_id)
    ]


async def _letter_lines(
    connection: Connection, project_id: str, channels: list[ChannelLine]
) -> list[LetterLine]:
    names = {each.id: each.name for each in channels}
    letters = await outbox.latest_letters(connection, project_id, limit=LETTERS)
    tried = await outbox.attempts(connection, project_id, sorted({each.batch for each in letters if each.batch}))
    return [
        LetterLine(letter=each, channel=_channel_name(each, names), attempts=tried.get(each.batch, []))
        for each in letters
    ]


def _channel_name(letter: Letter, names: dict[str, str]) -> str:
    fallback = "from the settings" if letter.channel_id.startswith("settings-") else "removed channel"
    return names.get(letter.channel_id, fallback)


def _wanted(form: ChannelForm | RuleForm) -> list[str]:
    return [event for event in EVENTS if getattr(form, event)]


def _minutes(text: str, what: str) -> int:
    if not text.strip().isdecimal() or int(text) > MAX_MINUTES:
        raise BadRequest(f"{what} is {text!r}; use a number of minutes, 0 to {MAX_MINUTES}.")
    return int(text)


def new_channel(project_id: str, *, name: str, kind: str, address: str) -> Channel:
    """A channel as it is to be stored; a webhook with a signing key drawn for it. Raises BadRequest."""
    address = address.strip()[:MAX_ADDRESS]
    is_webhook = kind == "webhook"
    if kind not in ("webhook", "apprise"):
        raise BadRequest("A channel is a webhook or an Apprise address.", field="kind")
    if is_webhook and not address.startswith(("https://", "http://")):
        raise BadRequest("A webhook's address starts with https:// or http://.", field="address")
    if "://" not in address:
        raise BadRequest("An Apprise address looks like slack://… or mailto://….", field="address")
    shown = shown_address(kind, address)
    return Channel(
        id=new_id("chn"),
        project_id=project_id,
        name=" ".join(name.split())[:MAX_NAME] or shown,
        kind=kind,
        address=address,
        shown=shown,
        signing_key=secrets.token_urlsafe(KEY_BYTES) if is_webhook else "",
        created_at=utc_now(),
    )


def new_rule(channel: Channel, events: list[str], *, quiet_minutes: int, digest_minutes: int) -> AlertRule:
    """What a new channel is told."""
    return AlertRule(
        id=new_id("rule"), project_id=channel.project_id, channel_id=channel.id, events=events,
        quiet_minutes=quiet_minutes, digest_minutes=digest_minutes, created_at=channel.created_at,
    )  # fmt: skip


@post("/alerts/channels", need=Role.ADMIN)
async def add_channel(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Add a channel with its rule and show a webhook's signing key, this once; administrators only."""
    assert frame.project is not None
    form = await read_form(request, ChannelForm)
    channel = new_channel(frame.project.id, name=form.name, kind=form.kind, address=form.address)
    quiet, digest = _minutes(form.quiet_minutes, "The quiet time"), _minutes(form.digest_minutes, "The digest")
    rule = new_rule(channel, _wanted(form), quiet_minutes=quiet, digest_minutes=digest)
    async with database_of(request).write() as connection:
        await alerting.add_channel(connection, channel, rule)
    frame.path, frame.section = f"/p/{frame.project.id}/alerts", "alerts"
    page = await _compose(request, frame)
    page.new_key = channel.signing_key
    shown = live(request, frame, page, whole="alerts.html", part="_deliveries.html")
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _back(frame: Frame) -> Response[Any]:
    assert frame.project is not None
    return Redirect(f"/p/{frame.project.id}/alerts", status_code=303)


@post("/alerts/rules/{rule_id:str}", need=Role.ADMIN)
async def change_rule(request: AnyRequest, frame: NamedDependency[Frame], rule_id: FromPath[str]) -> Response[Any]:
    """Change what a channel is told; administrators only."""
    assert frame.project is not None
    form = await read_form(request, RuleForm)
    rule = AlertRule(
        id=rule_id,
        project_id=frame.project.id,
        channel_id="",
        events=_wanted(form),
        quiet_minutes=_minutes(form.quiet_minutes, "The quiet time"),
        digest_minutes=_minutes(form.digest_minutes, "The digest"),
        paused=bool(form.paused),
        created_at=utc_now(),
    )
    async with database_of(request).write() as connection:
        if not await alerting.change_rule(connection, rule):
            raise NotFound("There is no such rule in this project.")
    return _back(frame)


@post("/alerts/channels/{channel_id:str}/remove", need=Role.ADMIN)
async def remove_channel(
    request: AnyRequest, frame: NamedDependency[Frame], channel_id: FromPath[str]
) -> Response[Any]:
    """Forget a channel, its address and its key; administrators only."""
    assert frame.project is not None
    async with database_of(request).write() as connection:
        if not await alerting.remove_channel(connection, frame.project.id, channel_id):
            raise NotFound("There is no such channel in this project.")
    return _back(frame)


@post("/alerts/channels/{channel_id:str}/test", need=Role.ADMIN)
async def test_channel(
    request: AnyRequest, frame: NamedDependency[Frame], channel_id: FromPath[str]
) -> Response[Any]:
    """Send a test message the way every message goes: through the outbox; administrators only."""
    assert frame.project is not None
    now, project_id = utc_now(), frame.project.id
    async with database_of(request).write() as connection:
        if await alerting.find_channel(connection, project_id, channel_id) is None:
            raise NotFound("There is no such channel in this project.")
        named = project_id, "test", channel_id, str(EventKind.TEST), "", new_id("test")
        facts = {"symptom": "RetroSpec can reach you", "by": frame.user.name if frame.user else ""}
        await outbox.post(connection, outbox.letter(*named, facts, not_before=now, now=now))
    _wake(request)
    return _back(frame)


@post("/alerts/messages/{batch:str}/again", need=Role.ADMIN)
async def try_again(request: AnyRequest, frame: NamedDependency[Frame], batch: FromPath[str]) -> Response[Any]:
    """Send a message that was given up, or was sent, once more; administrators only."""
    assert frame.project is not None
    async with database_of(request).write() as connection:
        if not await outbox.revive(connection, frame.project.id, batch, now=utc_now()):
            raise NotFound("There is no message here that was sent or given up.")
    _wake(request)
    return _back(frame)


def _wake(request: AnyRequest) -> None:
    """Where this process delivers, it does so now; elsewhere the next round of the worker finds it."""
    courier = request.app.state.get("courier")
    if courier is not None:
        courier.wake()
