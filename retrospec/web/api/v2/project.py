"""The project of a key in numbers, its releases, and erasing on request."""

from datetime import timedelta
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import FromPath, QueryParameter

from retrospec import __version__
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.issues import judging
from retrospec.retention import purge
from retrospec.shapes.project import (
    DetectorNumbers,
    Erase,
    ErasureReceipt,
    KindNumbers,
    Project,
    Release,
    ReleaseList,
    Series,
    SeriesHour,
    Stats,
    Visits,
)
from retrospec.storage import dashboard, dashboard_issues, judgements, projects, pulse, stats, terms, work
from retrospec.storage.blobs import Blobs
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.scope import within_project
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import find_session
from retrospec.web.api.v2.answers import (
    DEFAULT_LIMIT,
    After,
    Hours,
    Limit,
    body_of,
    cursor_of,
    database_of,
    key_of,
    known,
    listed,
    place_in,
    project_of,
    shaped,
    told,
)
from retrospec.web.api.v2.issues import KindName
from retrospec.web.audit import note_change
from retrospec.web.pages.home import PRECISION_DAYS
from retrospec.web.pages.issues import OPEN

DAY_HOURS = 24


@get("/project", guards=[needs("read")], tags=["project"])
async def read_project(request: AnyRequest) -> Response[Project]:
    """The project this key belongs to, and what the key may do."""
    key = key_of(request)
    async with database_of(request).read() as connection:
        project = await projects.find_project(connection, key.project_id)
        seen = await dashboard.activity(connection, key.project_id, now=utc_now())
        states = await dashboard_issues.count_by_state(connection, key.project_id)
        own = await terms.of_project(connection, key.project_id)
    if project is None:
        raise NotFound("This key's project was deleted.")
    return told(
        request,
        shaped(
            project, Project, sessions_last_day=seen.sessions_last_day, waiting_sessions=seen.waiting,
            open_issues=sum(states.get(state, 0) for state in OPEN), scopes=sorted(key.scopes), version=__version__,
            retention_days=own.days or request.app.state.settings.retention.days,
        ),
    )  # fmt: skip


@get("/stats", guards=[needs("read")], tags=["project"])
async def read_stats(request: AnyRequest, hours: Hours = DAY_HOURS) -> Response[Stats]:
    """Visits, people hit, kinds of failures, and how often detectors were right."""
    project_id, now, length = project_of(request), utc_now(), timedelta(hours=hours)
    minute, today = now.replace(second=0, microsecond=0), judging.day_of(now)
    async with database_of(request).read() as connection:
        visits = await pulse.pulse(connection, project_id, since=minute - length, until=now)
        before = await pulse.pulse(connection, project_id, since=minute - 2 * length, until=minute - length)
        kinds = await stats.by_kind(connection, project_id, since=now - length)
        detectors = await judgements.detectors(connection, project_id, since_day=today - PRECISION_DAYS + 1)
    return told(
        request,
        Stats(
            hours=hours, visits=shaped(visits, Visits), visits_before=shaped(before, Visits),
            kinds=[shaped(one, KindNumbers, issue_count=one.cluster_count) for one in kinds],
            detectors=listed(detectors, DetectorNumbers),
        ),
    )  # fmt: skip


@get("/stats/series", guards=[needs("read")], tags=["project"])
async def read_series(
    request: AnyRequest,
    hours: Hours = DAY_HOURS,
    kind: Annotated[KindName, QueryParameter(name="kind")] = "",
    issue: Annotated[str, QueryParameter(name="issue", description="The key of an issue; then `kind` has no say.")] = "",
) -> Response[Series]:
    """Sessions and markers by the hour: of one issue, one kind, or all kinds together."""
    since_hour = stats.hour_of(utc_now()) - hours + 1
    async with database_of(request).read() as connection:
        found = await stats.series(connection, project_of(request), kind=kind, key=issue, since_hour=since_hour)
    return told(request, Series(hours=hours, kind=kind, issue=issue, items=listed(found, SeriesHour)))


@get("/releases", guards=[needs("read")], tags=["project"])
async def list_releases(request: AnyRequest, limit: Limit = DEFAULT_LIMIT, cursor: After = "") -> Response[ReleaseList]:
    """The releases this project has met, newest first."""
    place = place_in("releases", cursor)
    async with database_of(request).read() as connection:
        found = await work.latest_releases(
            connection, project_of(request), limit=limit + 1, after=known(place, read_cursor(place))
        )
    items = [Release(release=release, first_seen_at=at) for release, at in found[:limit]]
    last = items[-1] if len(found) > limit else None
    after = cursor_of("releases", str(Cursor(last.first_seen_at, last.release))) if last else None
    return told(request, ReleaseList(items=items, next=after))


@delete("/sessions/{session_id:str}", guards=[needs("admin")], tags=["erasing"], status_code=200)
async def erase_session(request: AnyRequest, session_id: FromPath[str]) -> Response[ErasureReceipt]:
    """Erase a session for good, with a receipt. Issues keep their counts, which name nobody."""
    session = await find_session(request, session_id)
    return await _erased(request, "session_erased", session.id, purge.erase_session, session.id)


@post("/erasures", guards=[needs("admin")], tags=["erasing"], status_code=200, body=Erase)
async def erase_person(request: AnyRequest) -> Response[ErasureReceipt]:
    """Erase every session of a person in this project for good, with a receipt; nothing known of them is an empty one."""
    person = (await body_of(request, Erase)).person
    # Whom it was is not noted: the log would keep what was to be erased.
    return await _erased(request, "person_erased", "", purge.erase_person, person)


async def _erased(request: AnyRequest, action: str, subject: str, erase: object, what: str) -> Response[ErasureReceipt]:
    state, project_id = request.app.state, project_of(request)
    within_project("")  # files and rows of sessions are named with their project; those of the vault are swept for all
    receipt: purge.Receipt = await erase(state.database, state.blobs, what, now=utc_now(), project_id=project_id)  # type: ignore[operator]
    within_project(project_id)
    receipt.backups = [blob.key async for blob in Blobs.open(state.settings.backup_url).list("")]
    counts = {name: count for name, count in receipt.rows.items() if count}
    async with state.database.write() as connection:
        await note_change(request, connection, action, project_id=project_id, subject=subject, rows=counts)
    return told(request, shaped(receipt, ErasureReceipt, rows=counts))


ROUTES = [read_project, read_stats, read_series, list_releases, erase_session, erase_person]
