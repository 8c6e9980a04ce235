"""The stream of what changes in a project, for pages that are open (server-sent events)."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Stream

from retrospec.accounts.sign_in import find_login
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.storage import changes, members
from retrospec.storage.scope import across_projects
from retrospec.web.feed import Feed, event
from retrospec.web.pages.guard import current_login, database_of, login_token, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, typed

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The second tells nginx to pass each event on as it comes."""


@get("/live", need=Role.VIEWER, packs_itself=True)
async def stream_changes(request: AnyRequest, frame: NamedDependency[Frame], session: FromQuery[str] = "") -> Response[Any]:
    """``changed`` when something of the project did, ``session`` when the one named has more chunks or another stage.

    To what does not ask for a stream (no ``Accept: text/event-stream``) one event is sent.
    """
    assert frame.project is not None
    project_id, database = frame.project.id, database_of(request)
    if "text/event-stream" not in request.headers.get("accept", ""):
        async with database.read() as connection:
            number = (await changes.numbers(connection, [project_id]))[project_id]
        return Response(event("changed", {"number": number}), media_type="text/event-stream", headers=HEADERS)
    feed, user = feed_of(request), (await current_login(request)).user
    if not feed.has_room(user.id):
        raise Unavailable("As many pages as may be are told of changes already.", retry_after_s=60)
    token, policy = login_token(request), settings_of(request).sign_in

    async def still_may() -> bool:
        login = await find_login(database, token, policy, now=utc_now())
        if login is None:
            return False
        with across_projects():  # a person's roles are of all projects
            async with database.read() as connection:
                return login.user.role_in(await members.roles_of(connection, login.user.id), project_id) is not None

    events = feed.follow(project_id, typed(session, longest=128), user.id, still_may)
    return Stream(events, media_type="text/event-stream", headers=HEADERS)


def feed_of(request: AnyRequest) -> Feed:
    """The one feed of this process."""
    state = request.app.state
    if "feed" not in state:
        state["feed"] = Feed(database_of(request))
    feed: Feed = state["feed"]
    return feed
