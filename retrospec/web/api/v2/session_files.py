"""What comes of a session as files: its recording, pictures and films, the way to its failure, the capsule."""

from litestar import HttpMethod, Response, get, route
from litestar.params import FromPath
from litestar.response import Stream

from retrospec.domain.errors import NotFound
from retrospec.reproducing import python_test, stored_reproduction, test_file_name
from retrospec.shapes.sessions import Way, WayStep
from retrospec.storage import reports
from retrospec.web.access import needs
from retrospec.web.api.artifacts import serve_blob
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import event_parts, find_session
from retrospec.web.api.v2.answers import database_of, listed, shaped, told
from retrospec.web.pages.capsule import capsule_answer
from retrospec.web.pages.recording import FILE_HEADERS
from retrospec.web.ranges import PACKS_ITSELF


@route(
    "/sessions/{session_id:str}/files/{artifact_id:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD],
    guards=[needs("read")], tags=["sessions"], media="*/*", opt=PACKS_ITSELF,
)  # fmt: skip
async def read_file(request: AnyRequest, session_id: FromPath[str], artifact_id: FromPath[str]) -> Response[bytes]:
    """A file made from the session: a frame, a film, the analysis. Answers byte ranges."""
    session = await find_session(request, session_id)
    async with database_of(request).read() as connection:
        made = await reports.artifacts_of(connection, session.project_id, session.id)
    found = next((one for one in made if one.id == artifact_id and one.status == "ready"), None)
    if found is None:
        raise NotFound("There is no such file of this session.")
    answer = await serve_blob(request, found)
    answer.headers.update({name: text for name, text in FILE_HEADERS.items() if name not in answer.headers})
    return answer


@get("/sessions/{session_id:str}/events", guards=[needs("read")], tags=["sessions"], media_type="application/json", media="application/json")
async def read_events(request: AnyRequest, session_id: FromPath[str]) -> Stream:
    """The session's recording as stored: one JSON array of rrweb events."""
    session = await find_session(request, session_id)

    async def whole() -> object:
        yield b"["
        async for part in event_parts(request.app.state, session):
            yield part
        yield b"]"

    return Stream(whole(), media_type="application/json", headers={"Cache-Control": "private, no-cache"})  # type: ignore[arg-type]


@get("/sessions/{session_id:str}/reproduction", guards=[needs("read")], tags=["sessions"])
async def read_reproduction(request: AnyRequest, session_id: FromPath[str]) -> Response[Way]:
    """The way to the session's failure: steps for a person, each with its confidence, and a Playwright test."""
    session = await find_session(request, session_id)
    plan, symptom = await stored_reproduction(
        database_of(request), request.app.state.blobs, session.project_id, session.id
    )
    way = shaped(
        plan, Way, steps=listed(plan.steps, WayStep), expected=plan.expectation.sentence if plan.expectation else "",
        test=python_test(plan, session_id=session.id, symptom=symptom), file_name=test_file_name(session.id),
    )  # fmt: skip
    return told(request, way)


@get("/sessions/{session_id:str}/capsule", guards=[needs("read")], tags=["sessions"], media_type="text/html", media="text/html")
async def read_capsule(request: AnyRequest, session_id: FromPath[str]) -> Response[bytes]:
    """The failure capsule: one HTML file that shows the failure without a server or a network."""
    session = await find_session(request, session_id)
    return await capsule_answer(request, session.project_id, session.id)


ROUTES = [read_file, read_events, read_reproduction, read_capsule]
