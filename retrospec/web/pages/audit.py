"""The audit log: who looked at, shared, deleted or changed what."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from retrospec.domain.account import Role
from retrospec.domain.audit import AuditEntry
from retrospec.storage import audit
from retrospec.storage.audit import AuditFilter
from retrospec.storage.scope import within_project
from retrospec.web.pages.guard import database_of, require_instance_admin, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, render, typed, url_with

PAGE_SIZE = 100


class AuditPage(msgspec.Struct, kw_only=True):
    """One page of the log."""

    entries: list[AuditEntry]
    actions: list[str]
    action: str
    text: str
    is_installation: bool
    """What concerns no project alone: signing in, accounts."""
    project_url: str
    installation_url: str
    """Empty for those who may not see it."""
    older_url: str
    newest_url: str
    days: int


@get("/audit", need=Role.ADMIN)
async def show_audit(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    action: FromQuery[str] = "",
    q: FromQuery[str] = "",
    of: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[Any]:
    """The page. Raises Forbidden when another than an administrator asks for the installation's entries."""
    assert frame.project is not None and frame.user is not None
    place = frame.project.id
    if of == "installation":
        require_instance_admin(frame)
        place = ""
        within_project("")  # entries of the installation belong to no project
    asked = AuditFilter(action=typed(action), text=typed(q))
    async with database_of(request).read() as connection:
        found = await audit.entries(connection, place, asked, before=typed(after), limit=PAGE_SIZE + 1)
        known = await audit.actions(connection, place)
    page = AuditPage(
        entries=found[:PAGE_SIZE],
        actions=known,
        action=asked.action,
        text=asked.text,
        is_installation=not place,
        project_url=f"/p/{frame.project.id}/audit",
        installation_url=f"/p/{frame.project.id}/audit?of=installation" if frame.user.is_admin else "",
        older_url=url_with(request, after=found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else "",
        newest_url=url_with(request) if after else "",
        days=settings_of(request).audit.keep_days,
    )
    return render("audit.html", frame, page)


ROUTES = [show_audit]
