"""Downloading a session's failure capsule."""

import asyncio

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from retrospec.capsule import make_capsule
from retrospec.domain.account import Role
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.recording import FILE_HEADERS, vault_of
from retrospec.web.pages.rendering import AnyRequest, Frame


@get("/sessions/{session_id:str}/capsule.html", need=Role.MEMBER)
async def download_capsule(request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str]) -> Response[bytes]:
    """The file, always as a download: opened from here its pictures and styles would be refused. Raises NotFound.

    For members: a copy outlives share links and retention.
    """
    assert frame.project is not None
    return await capsule_answer(request, frame.project.id, session_id)


async def capsule_answer(request: AnyRequest, project_id: str, session_id: str) -> Response[bytes]:
    """A session's capsule. One is made at a time: each holds a whole recording in memory. Raises NotFound."""
    async with _one_at_a_time(request):
        content = await make_capsule(database_of(request), blobs_of(request), vault_of(request), project_id, session_id)
    return Response(content, media_type="text/html; charset=utf-8", headers=_headers(session_id))


def _one_at_a_time(request: AnyRequest) -> asyncio.Lock:
    state = request.app.state
    if "capsule_lock" not in state:
        state["capsule_lock"] = asyncio.Lock()
    lock: asyncio.Lock = state["capsule_lock"]
    return lock


def _headers(session_id: str) -> dict[str, str]:
    """A download with a name of its own, sealed."""
    named = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in session_id)
    return FILE_HEADERS | {"Content-Disposition": f'attachment; filename="failure-{named[:80]}.html"', "Cache-Control": "no-store"}
