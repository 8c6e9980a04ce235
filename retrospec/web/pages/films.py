"""Films on demand: the whole session or one failure's window as a video, asked for by a click."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.session import Session
from retrospec.domain.window import Window, windows_around
from retrospec.lookout import why_not
from retrospec.storage import films, reports, sessions
from retrospec.storage.database import Connection
from retrospec.storage.films import OPEN, READY, TO_THE_END, WANTED, WHOLE, WantedFilm
from retrospec.web.pages.guard import database_of, read_form, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, is_partial, live, render
from retrospec.web.pages.words import clock

MOST_CLIPS = 6
"""Windows offered as clips, in order of time; the whole film has them all."""
NO_CHECKER = "confirmation.checker"


class FilmView(msgspec.Struct, kw_only=True):
    """One film that exists, is being made, or can be asked for."""

    id: str
    name: str
    start_ms: int
    status: str
    """As in the row; empty where it was never asked for."""
    reason: str
    percent: int
    url: str
    """Of the video, once ready."""
    size_bytes: int


class FilmsView(msgspec.Struct, kw_only=True):
    """The films of a session."""

    url: str
    """Where this part is served alone, and where it is asked for."""
    films: list[FilmView]
    is_busy: bool
    """Something is wanted or being filmed: the page asks again by itself."""
    why_not: str
    """Why no film can be made here; empty when one can."""


class FilmForm(msgspec.Struct):
    """What the button sends."""

    film: str


async def films_view(request: AnyRequest, session: Session, findings: Sequence[Finding]) -> FilmsView:
    """What there is to watch of ``session``, and what could be made."""
    project_id, session_id = session.project_id, session.id

    async def look_up(connection: Connection) -> tuple[list[WantedFilm], list[Artifact]]:
        return await films.of_session(connection, project_id, session_id), await reports.artifacts_of(connection, project_id, session_id)

    return await films_of(request, session, findings, *await database_of(request).read_once(look_up))


async def films_of(
    request: AnyRequest, session: Session, findings: Sequence[Finding], wanted: Sequence[WantedFilm], made: Sequence[Artifact]
) -> FilmsView:
    """The same where the films asked for and the artifacts made are known."""
    asked = {one.id: one for one in wanted}
    here = f"/p/{session.project_id}/sessions/{quote(session.id, safe='')}"
    offered = [
        _view(name, told, asked.get(name), made, here, start)
        for name, told, start in _offers(findings, asked)
    ]
    return FilmsView(
        url=f"{here}/films",
        films=offered,
        is_busy=any(one.status in OPEN for one in offered),
        why_not=await asyncio.to_thread(_why_no_film, request),
    )


def _why_no_film(request: AnyRequest) -> str:
    reason = why_not(settings_of(request))
    return "" if NO_CHECKER in reason else reason


def clip_windows(findings: Sequence[Finding]) -> list[Window]:
    """The windows around what may have failed, merged where they meet."""
    return windows_around(one.t_ms for one in findings if one.standing is not Standing.REFUTED)[:MOST_CLIPS]


def _offers(findings: Sequence[Finding], asked: dict[str, WantedFilm]) -> list[tuple[str, str, int]]:
    """Id, name and start of each film; clips asked for of windows since gone keep their place."""
    starts = {f"clip-{window.start_ms}": window.start_ms for window in clip_windows(findings)}
    starts |= {name: film.start_ms for name, film in asked.items() if name != WHOLE}
    clips = sorted(starts.items(), key=lambda entry: entry[1])
    return [
        (WHOLE, "Whole session", 0),
        *((name, f"Clip from {clock(start)}", start) for name, start in clips),
    ]


def _view(
    name: str, told: str, row: WantedFilm | None, made: Sequence[Artifact], here: str, start_ms: int
) -> FilmView:
    ready = next((one for one in made if one.id.endswith(f".{name}") and one.status == READY), None)
    status = row.status if row else (READY if ready else "")
    if status == READY and ready is None:
        status = ""
    return FilmView(
        id=name,
        name=told,
        start_ms=start_ms,
        status=status,
        reason=row.reason if row else (ready.reason if ready else ""),
        percent=round(row.progress * 100) if row else 0,
        url=f"{here}/artifacts/{ready.id}?v={int(ready.generated_at.timestamp())}"
        if ready and status == READY
        else "",
        size_bytes=ready.size_bytes if ready else 0,
    )


@get("/sessions/{session_id:str}/films")
async def show_films(
    request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str]
) -> Response[Any]:
    """The films part alone, for a page that waits; a person who comes here is sent to the session."""
    session, findings = await _session(request, frame, session_id)
    if not is_partial(request):
        return Redirect(_page(session))
    view = await films_view(request, session, findings)
    return live(request, frame, view, whole="_films.html", part="_films.html")


@post("/sessions/{session_id:str}/films")
async def ask_for_film(
    request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str]
) -> Response[Any]:
    """Order a film; it is made in the background, whatever the day's budget says, for a person asked."""
    session, findings = await _session(request, frame, session_id)
    await order_film(request, session, findings, (await read_form(request, FilmForm)).film)
    if not is_partial(request):
        return Redirect(_page(session), status_code=303)
    view = await films_view(request, session, findings)
    return render("_films.html", frame, view, live_url=view.url, alone=True)


async def order_film(request: AnyRequest, session: Session, findings: Sequence[Finding], name: str) -> None:
    """Have a film made in the background. Raises BadRequest where none can be."""
    start_ms, end_ms = _stretch(name, findings)
    reason = await asyncio.to_thread(_why_no_film, request)
    if reason:
        raise BadRequest(f"No film can be made here. {reason}")
    now = utc_now()
    wanted = WantedFilm(
        project_id=session.project_id, session_id=session.id, id=name, start_ms=start_ms, end_ms=end_ms,
        status=WANTED, asked_at=now, updated_at=now,
    )  # fmt: skip
    async with database_of(request).write() as connection:
        await films.ask(connection, wanted)
    if "projector" in request.app.state:
        request.app.state.projector.ring()


def _stretch(name: str, findings: Sequence[Finding]) -> tuple[int, int]:
    if name == WHOLE:
        return 0, TO_THE_END
    for window in clip_windows(findings):
        if name == f"clip-{window.start_ms}":
            return window.start_ms, window.end_ms
    raise BadRequest("This clip is of a moment that is no longer suspected; reload the page.")


async def _session(request: AnyRequest, frame: Frame, session_id: str) -> tuple[Session, list[Finding]]:
    assert frame.project is not None
    async with database_of(request).read() as connection:
        session = await sessions.find(connection, frame.project.id, session_id)
        if session is None:
            raise NotFound("There is no such session in this project, or it has expired.")
        _, findings = await reports.with_findings(connection, frame.project.id, session_id)
    return session, findings


def _page(session: Session) -> str:
    return f"/p/{session.project_id}/sessions/{quote(session.id, safe='')}#films"
