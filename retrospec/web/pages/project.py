"""The Project page: install check, snippet, keys, and what is set."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.keys import mint_key
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.settings import Settings
from retrospec.storage import dashboard, projects
from retrospec.storage.dashboard import Activity
from retrospec.storage.projects import ApiKey
from retrospec.web.pages.guard import database_of, read_form, require_admin, settings_of
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.rendering import AnyRequest, Frame, live

SCOPES = {
    "ingest": "Send sessions. Safe to show in a page.",
    "read": "Read issues and sessions over the API.",
    "admin": "Recompute issues and clean up over the API.",
    "internal": "Hand in reports as an outside analyzer.",
}
MAX_NAME = 80


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


@get("/project")
async def show_project(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The page; its live part is the install check."""
    page = await _compose(request, frame)
    return live(request, frame, page, whole="project.html", part="_install_check.html")


async def _compose(request: AnyRequest, frame: Frame) -> ProjectPage:
    assert frame.project is not None and frame.user is not None
    async with database_of(request).read() as connection:
        keys = await projects.list_keys(connection, frame.project.id)
        seen = await dashboard.activity(connection, frame.project.id, now=utc_now())
        install = await install_of(request, connection, frame.project.id)
    return ProjectPage(
        activity=seen,
        install=install,
        keys=[key for key in keys if key.revoked_at is None],
        revoked=[key for key in keys if key.revoked_at is not None],
        scopes=SCOPES,
        facts=facts_of(settings_of(request)),
        may_change=frame.user.is_admin,
    )


@post("/keys")
async def make_key(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Make a key and show its secret, this once; administrators only."""
    assert frame.project is not None
    require_admin(frame)
    form = await read_form(request, KeyForm)
    scopes = frozenset(scope for scope in SCOPES if getattr(form, scope))
    frame.path, frame.section = f"/p/{frame.project.id}/project", "project"
    if not scopes:
        page = await _compose(request, frame)
        page.problem = "Tick at least one thing the key may do."
        return live(request, frame, page, whole="project.html", part="_install_check.html")
    name = " ".join(form.name.split())[:MAX_NAME] or "Unnamed key"
    _, secret = await mint_key(
        database_of(request), project_id=frame.project.id, name=name, scopes=scopes, now=utc_now()
    )
    page = await _compose(request, frame)
    page.new_secret = secret
    shown = live(request, frame, page, whole="project.html", part="_install_check.html")
    shown.headers["Cache-Control"] = "no-store"
    return shown


@post("/keys/{key_id:str}/revoke")
async def revoke_key(request: AnyRequest, frame: NamedDependency[Frame], key_id: FromPath[str]) -> Response[Any]:
    """Revoke one of this project's keys; administrators only."""
    assert frame.project is not None
    require_admin(frame)
    async with database_of(request).write() as connection:
        own = {key.id for key in await projects.list_keys(connection, frame.project.id)}
        if key_id not in own:
            raise NotFound("There is no such key in this project.")
        await projects.revoke_key(connection, key_id, now=utc_now())
    return Redirect(f"/p/{frame.project.id}/project", status_code=303)


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
