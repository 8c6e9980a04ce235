"""The Project page: install check, snippet, keys, and what is set."""

import re
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.keys import checked_limits, mint_key, rotate_key
from retrospec.capture.rules import Kind, RuleChanges, rules_of
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.settings import Settings
from retrospec.rulebook import changes_of
from retrospec.storage import dashboard, projects
from retrospec.storage.dashboard import Activity
from retrospec.storage.projects import ApiKey, KeyLimits
from retrospec.web.audit import note_change
from retrospec.web.pages.guard import database_of, read_form, settings_of
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.rendering import AnyRequest, Frame, live

SCOPES = {
    "ingest": "Send sessions. Safe to show in a page.",
    "read": "Read issues and sessions over the API.",
    "admin": "Recompute issues and clean up over the API.",
    "internal": "Hand in reports as an outside analyzer.",
}
MAX_NAME = 80
MAX_OVERLAP_DAYS = 90


class Fact(msgspec.Struct):
    """A setting as it stands."""

    label: str
    value: str
    setting: str
    """Its name in the settings file."""


class ProjectPage(msgspec.Struct, kw_only=True):
    """A project's set-up."""

    activity: Activity
    install: Install
    keys: list[ApiKey]
    revoked: list[ApiKey]
    scopes: dict[str, str]
    facts: list[Fact]
    rules: RuleChanges
    kinds: list[str]
    may_change: bool
    new_secret: str = ""
    """Of the key just made; shown this once."""
    problem: str = ""


class KeyForm(msgspec.Struct):
    """Name of a new key; its scopes are the ticked boxes."""

    name: str = ""
    ingest: str = ""
    read: str = ""
    admin: str = ""
    internal: str = ""
    origins: str = ""
    requests_per_second: float = 0.0
    daily_mb: int = 0


class LimitsForm(msgspec.Struct):
    """What narrows a key: origins, one a line or by commas; 0 is no limit."""

    origins: str = ""
    requests_per_second: float = 0.0
    daily_mb: int = 0


class RotateForm(msgspec.Struct):
    """How long the old key goes on beside the new one."""

    overlap_days: int = 7


@get("/project")
async def show_project(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The page; its live part is the install check."""
    page = await _compose(request, frame)
    return live(request, frame, page, whole="project.html", part="_install_check.html")


async def _compose(request: AnyRequest, frame: Frame) -> ProjectPage:
    assert frame.project is not None and frame.user is not None
    now = utc_now()
    async with database_of(request).read() as connection:
        keys = await projects.list_keys(connection, frame.project.id)
        stored = await projects.redaction_of(connection, frame.project.id)
        seen = await dashboard.activity(connection, frame.project.id, now=now)
        install = await install_of(request, connection, frame.project.id)
    return ProjectPage(
        activity=seen,
        install=install,
        keys=[key for key in keys if key.is_live(now)],
        revoked=[key for key in keys if not key.is_live(now)],
        scopes=SCOPES,
        facts=facts_of(settings_of(request)),
        rules=changes_of(stored),
        kinds=[kind.value for kind in Kind],
        may_change=frame.may(Role.ADMIN),
    )


@post("/keys", need=Role.ADMIN)
async def make_key(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Make a key and show its secret, this once; administrators only."""
    assert frame.project is not None
    form = await read_form(request, KeyForm)
    scopes = frozenset(scope for scope in SCOPES if getattr(form, scope))
    frame.path, frame.section = f"/p/{frame.project.id}/project", "project"
    if not scopes:
        return await _again(request, frame, "Tick at least one thing the key may do.")
    name = " ".join(form.name.split())[:MAX_NAME] or "Unnamed key"
    try:
        made, secret = await mint_key(
            database_of(request), project_id=frame.project.id, name=name, scopes=scopes, now=utc_now(),
            limits=_limits(form),
        )  # fmt: skip
    except BadRequest as refused:
        return await _again(request, frame, refused.message)
    await _note_key(request, "key_made", frame.project.id, made, scopes=sorted(scopes))
    return await _with_secret(request, frame, secret)


async def _again(request: AnyRequest, frame: Frame, problem: str) -> Response[Any]:
    page = await _compose(request, frame)
    page.problem = problem
    return live(request, frame, page, whole="project.html", part="_install_check.html")


async def _with_secret(request: AnyRequest, frame: Frame, secret: str) -> Response[Any]:
    page = await _compose(request, frame)
    page.new_secret = secret
    shown = live(request, frame, page, whole="project.html", part="_install_check.html")
    shown.headers["Cache-Control"] = "no-store"
    return shown


async def _note_key(request: AnyRequest, action: str, project_id: str, key: ApiKey, **detail: Any) -> None:
    async with database_of(request).write() as connection:
        await note_change(
            request, connection, action, project_id=project_id, subject=f"{key.hint}… {key.name}", **detail
        )


def _limits(form: KeyForm | LimitsForm) -> KeyLimits:
    return KeyLimits(
        origins=tuple(re.split(r"[\s,]+", form.origins.strip())) if form.origins.strip() else (),
        requests_per_second=form.requests_per_second,
        daily_mb=form.daily_mb,
    )


async def _own_key(request: AnyRequest, project_id: str, key_id: str) -> ApiKey:
    async with database_of(request).read() as connection:
        key = await projects.find_key_by_id(connection, project_id, key_id)
    if key is None:
        raise NotFound("There is no such key in this project.")
    return key


@post("/keys/{key_id:str}/limits", need=Role.ADMIN)
async def limit_key(request: AnyRequest, frame: NamedDependency[Frame], key_id: FromPath[str]) -> Response[Any]:
    """Bind one of this project's keys to origins, a rate and a volume."""
    assert frame.project is not None
    form = await read_form(request, LimitsForm)
    key, limits = await _own_key(request, frame.project.id, key_id), checked_limits(_limits(form))
    async with database_of(request).write() as connection:
        await projects.set_key_limits(connection, frame.project.id, key_id, limits)
    _keys_changed(request)
    await _note_key(
        request, "key_limited", frame.project.id, key, origins=list(limits.origins),
        requests_per_second=limits.requests_per_second, daily_mb=limits.daily_mb,
    )  # fmt: skip
    return Redirect(f"/p/{frame.project.id}/project", status_code=303)


@post("/keys/{key_id:str}/rotate", need=Role.ADMIN)
async def renew_key(request: AnyRequest, frame: NamedDependency[Frame], key_id: FromPath[str]) -> Response[Any]:
    """A new secret for the same purpose, shown this once; the old one goes on for some days."""
    assert frame.project is not None
    form = await read_form(request, RotateForm)
    if not 0 <= form.overlap_days <= MAX_OVERLAP_DAYS:
        raise BadRequest(f"The old key may go on for 0 to {MAX_OVERLAP_DAYS} days.")
    frame.path, frame.section = f"/p/{frame.project.id}/project", "project"
    old = await _own_key(request, frame.project.id, key_id)
    _, secret = await rotate_key(
        database_of(request), project_id=frame.project.id, key_id=key_id,
        overlap=timedelta(days=form.overlap_days), now=utc_now(),
    )  # fmt: skip
    _keys_changed(request)
    await _note_key(request, "key_rotated", frame.project.id, old, overlap_days=form.overlap_days)
    return await _with_secret(request, frame, secret)


@post("/keys/{key_id:str}/revoke", need=Role.ADMIN)
async def revoke_key(request: AnyRequest, frame: NamedDependency[Frame], key_id: FromPath[str]) -> Response[Any]:
    """Revoke one of this project's keys, at once."""
    assert frame.project is not None
    key = await _own_key(request, frame.project.id, key_id)
    async with database_of(request).write() as connection:
        await projects.revoke_key(connection, key_id, now=utc_now(), project_id=frame.project.id)
    _keys_changed(request)
    await _note_key(request, "key_revoked", frame.project.id, key)
    return Redirect(f"/p/{frame.project.id}/project", status_code=303)


class RulesForm(msgspec.Struct):
    """What is redacted beside, and instead: one a line."""

    fields: str = ""
    patterns: str = ""
    without: str = ""


@post("/redaction", need=Role.ADMIN)
async def change_rules(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The project's own redaction rules, for what arrives from now on. Raises BadRequest."""
    assert frame.project is not None
    form = await read_form(request, RulesForm)
    changes = RuleChanges(
        fields=_lines(form.fields), patterns=_lines(form.patterns), without=tuple(form.without.split())
    )
    await set_rules(request, frame.project.id, changes)
    return Redirect(f"/p/{frame.project.id}/project#redaction", status_code=303)


async def set_rules(request: AnyRequest, project_id: str, changes: RuleChanges) -> dict[str, Any]:
    """Keep a project's own rules, and go by them from now on; as they are stored. Raises BadRequest."""
    rules_of(changes)
    stored: dict[str, Any] = msgspec.to_builtins(changes)
    async with database_of(request).write() as connection:
        await projects.set_redaction(connection, project_id, stored)
        await note_change(request, connection, "redaction_changed", project_id=project_id, **stored)
    if "intake" in request.app.state:
        request.app.state.intake.rulebook.forget(project_id)
    return stored


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _keys_changed(request: AnyRequest) -> None:
    if "keyring" in request.app.state:
        request.app.state.keyring.forget()


def facts_of(settings: Settings) -> list[Fact]:
    """The settings people ask about, in words."""
    promote, retention = settings.promote, settings.retention
    database = "PostgreSQL" if settings.database_url.startswith("postgresql") else "SQLite"
    blobs = "S3-compatible store" if settings.blobs_url.startswith("s3") else "Local folder"
    return [
        Fact("An issue appears after", f"{promote.min_sessions} confirmed sessions", "promote.min_sessions"),
        Fact("Sessions are kept for", f"{retention.days} days", "retention.days"),
        Fact("Personal data", "removed before storing" if settings.capture.redact else "stored as sent", "capture.redact"),
        Fact("Sessions are read by", settings.analysis.provider.replace("_", " "), "analysis.provider"),
        Fact("Accepted from", f"{settings.analysis.min_confidence:.0%} confidence", "analysis.min_confidence"),
        Fact("Screen check", settings.confirmation.checker.replace("_", " "), "confirmation.checker"),
        Fact("Rendering", settings.replay.render, "replay.render"),
        Fact("Database", database, "database.url"),
        Fact("Recordings", blobs, "blobs.url"),
    ]
