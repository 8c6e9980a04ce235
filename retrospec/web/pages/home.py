"""``/`` and a project's bare address lead to its issues."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from retrospec.web.pages.guard import signed_in_frame
from retrospec.web.pages.rendering import AnyRequest, Frame, render


class NoProjectPage(msgspec.Struct):
    """Nothing to show: how to make the first project."""


@get("/")
async def show_home(request: AnyRequest) -> Response[Any]:
    """On to the first project."""
    frame = await signed_in_frame(request)
    if not frame.projects:
        return render("no_project.html", frame, NoProjectPage())
    return Redirect(f"/p/{frame.projects[0].id}/issues", status_code=303)


@get("/")
async def show_project_home(frame: NamedDependency[Frame]) -> Response[Any]:
    """On to the project's issues."""
    assert frame.project is not None
    return Redirect(f"/p/{frame.project.id}/issues", status_code=303)
