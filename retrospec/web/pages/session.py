"""The Session page: watch what happened, beside what is known of it."""

from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from retrospec.domain.artifact import Artifact
from retrospec.domain.errors import CorruptRecording, Gone, NotFound
from retrospec.domain.finding import Finding
from retrospec.domain.issue import Issue
from retrospec.domain.marker import Marker
from retrospec.domain.receipt import (
    Kept,
    Receipt,
    expired_receipt,
    losses_of,
    receipts_of_markers,
    session_receipt,
)
from retrospec.domain.report import Card, Excerpt, ReportCard, Sentence
from retrospec.domain.session import Session
from retrospec.domain.trace import Trace
from retrospec.storage import (
    dashboard_issues,
    dashboard_sessions,
    expiry,
    markers,
    receipts,
    recordings,
    reports,
    sessions,
)
from retrospec.storage import films as stored_films
from retrospec.storage.database import Connection
from retrospec.storage.films import WantedFilm
from retrospec.web.pages import assets
from retrospec.web.pages.beside import (
    Beside,
    ConsoleLine,
    FailedRequest,
    Pictures,
    beside_of,
    console_lines,
    failed_requests,
    pictures_of,
    unseen_parts,
)
from retrospec.web.pages.films import FilmsView, films_of
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.policy import Styles
from retrospec.web.pages.recording import read_compressed
from retrospec.web.pages.rendering import AnyRequest, Frame, live
from retrospec.web.pages.reproduce import Way, way_of
from retrospec.web.pages.story import Story, evidence_lines, read_story
from retrospec.web.pages.strips import StripView, session_strips

SAME_PERSON = 6
MARKER_STATES = {"confirmed": "Confirmed", "refuted": "Refuted", "symptom": "Part of another", "seen": "Seen"}
MAX_OFFSET_MS = 1 << 31


class Failure(msgspec.Struct, kw_only=True):
    """A marker with what analysis made of it."""

    id: str
    kind: str
    label: str
    t_ms: int
    position: float
    """Percent of the recording's length."""
    state: str
    state_name: str
    source: str
    evidence: list[str]
    confidence: float
    reasons: list[str]
    receipt: Receipt


class Claim(msgspec.Struct, kw_only=True):
    """A sentence of the card; each citation jumps to its moment."""

    text: str
    t_ms: int
    cites: list["Cite"]


class Cite(msgspec.Struct):
    """A cited row, and when that was; -1 when the row isn't known."""

    ref: str
    t_ms: int


class CardView(msgspec.Struct, kw_only=True):
    """The report card with its citations resolved."""

    symptom: list[Claim]
    cause: list[Claim]
    look_at: list[Claim]
    code: list[Excerpt]
    story: list[Claim]
    visual: list[Claim]
    reasons: list[str]
    dropped: list[str]
    severity: str


class Link(msgspec.Struct):
    """Another session of the same person."""

    url: str
    route: str
    started_at: Any


class SessionPage(msgspec.Struct, kw_only=True):
    """One session, whole."""

    session: Session
    report: ReportCard | None
    card: CardView | None
    is_settled: bool
    """Nothing more will come by itself."""
    failures: list[Failure]
    story: Story
    strips: list[StripView]
    films: FilmsView
    way: Way | None
    """How to meet the failure again."""
    artifacts: list[Artifact]
    issues: list[Issue]
    same_person: list[Link]
    start_ms: int
    """From ``?t=``; -1 when not asked for."""
    events_url: str
    stream_url: str
    """Where the player reads the recording, piece by piece."""
    length_ms: int
    pictures: Pictures
    console: list[ConsoleLine]
    requests: list[FailedRequest]
    beside: Beside
    receipt: Receipt
    """Of the whole session."""
    losses: list[str]
    """What is known to be lost or could not be captured, a clause each."""
    redactions: dict[str, int]
    """What was removed before storing, by kind."""
    has_player: bool
    """Whether the player's files have been built."""


class _Found(msgspec.Struct):
    """The rows of a session, before they are put into words."""

    session: Session
    report: ReportCard | None
    findings: list[Finding]
    markers: list[Marker]
    client_ms: dict[str, int]
    kept: Kept
    artifacts: list[Artifact]
    issues: list[Issue]
    same_person: list[Link]
    redactions: dict[str, int]
    beside: Beside
    films: list[WantedFilm]


@get("/sessions/{session_id:str}")
async def show_session(request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str], t: FromQuery[str] = "", issue: FromQuery[str] = "") -> Response[Any]:
    """The page, or its live part while the report is still to come."""
    assert frame.project is not None
    load = partial(_load, project_id=frame.project.id, session_id=session_id, issue_key=issue, knows_person=frame.user is not None)
    found = await database_of(request).read_once(load)
    story, trace = await _story(request, found.artifacts)
    start_ms = min(int(t), MAX_OFFSET_MS) if t.isdecimal() and len(t) < 12 else -1
    films = await films_of(request, found.session, found.findings, found.films, found.artifacts)
    page = _compose(found, story, trace, films, frame.project.id, start_ms)
    return live(request, frame, page, whole="session.html", part="_session.html", styles=Styles.RECORDED)


async def _load(connection: Connection, project_id: str, session_id: str, issue_key: str, *, knows_person: bool) -> _Found:
    session = await sessions.find(connection, project_id, session_id)
    if session is None:
        raise await _absent(connection, project_id, session_id)
    others = await dashboard_sessions.neighbours(
        connection, project_id, visitor_id=session.visitor_id, user_id=session.user_id, limit=SAME_PERSON + 1
    )
    return _Found(
        session,
        *await reports.with_findings(connection, project_id, session_id),
        *await markers.with_client_times(connection, project_id, session_id),
        await receipts.kept_of(connection, session),
        await reports.artifacts_of(connection, project_id, session_id),
        shown := await dashboard_issues.issues_of_session(connection, project_id, session_id),
        [
            Link(f"/p/{project_id}/sessions/{name}", route, started_at)
            for name, route, started_at in others
            if name != session_id
        ][:SAME_PERSON],
        await recordings.redaction_report(connection, project_id, session_id),
        await beside_of(connection, session, shown, issue_key, knows_person=knows_person),
        await stored_films.of_session(connection, project_id, session_id),
    )


async def _absent(connection: Connection, project_id: str, session_id: str) -> Gone | NotFound:
    gone_at = await expiry.expired_at(connection, project_id, session_id)
    if gone_at is None:
        return NotFound("There is no such session in this project, or it has expired.")
    hint = "Its recording is deleted. What the issues counted of it stays."
    return Gone(f"This session {expired_receipt(gone_at).reason}.", hint=hint)


async def _story(request: AnyRequest, made: list[Artifact]) -> tuple[Story, Trace]:
    newest = next((one for one in made if one.artifact_type == "analysis_json" and one.status == "ready"), None)
    if newest is None:
        return Story(), Trace()
    try:
        return read_story(await read_compressed(blobs_of(request), newest.artifact_key))
    except (NotFound, CorruptRecording) as error:
        return Story(cut=f"The story of this session can't be shown: {error.message}"), Trace()


def _compose(found: _Found, story: Story, trace: Trace, films: FilmsView, project_id: str, start_ms: int) -> SessionPage:
    session, here = found.session, f"/p/{project_id}/sessions/{found.session.id}"
    length_ms = max(session.duration_ms, *(m.replay_offset_ms for m in found.markers), 1)
    strips = session_strips(story.verdicts, found.artifacts, here)
    return SessionPage(
        session=session,
        report=found.report,
        card=_card(found.report.card, story.moments) if found.report else None,
        is_settled=session.stage in ("done", "dead"),
        failures=_failures(found, length_ms),
        story=story,
        strips=strips,
        films=films,
        way=way_of(trace, found.findings, found.report, session.id, here),
        artifacts=found.artifacts,
        issues=found.issues,
        same_person=found.same_person,
        start_ms=start_ms,
        events_url=f"{here}/events.json",
        stream_url=f"{here}/stream",
        length_ms=length_ms,
        pictures=pictures_of(strips, films, length_ms),
        console=console_lines(found.markers),
        requests=failed_requests(found.markers),
        beside=found.beside,
        receipt=session_receipt(found.kept),
        losses=[*losses_of(found.kept), *unseen_parts(trace)],
        redactions=found.redactions,
        has_player=assets.is_built("player.js"),
    )


def _failures(found: _Found, length_ms: int) -> list[Failure]:
    by_marker = {name: finding for finding in found.findings for name in (*finding.marker_ids, finding.id)}
    vouched = receipts_of_markers(found.markers, found.client_ms, found.kept)
    return [
        _failure(marker, by_marker.get(marker.id), vouched[marker.id], length_ms) for marker in found.markers
    ]


def _failure(marker: Marker, finding: Finding | None, receipt: Receipt, length_ms: int) -> Failure:
    return Failure(
        id=marker.id,
        kind=marker.kind,
        label=marker.label,
        t_ms=marker.replay_offset_ms,
        position=round(min(max(marker.replay_offset_ms, 0) / length_ms, 1) * 100, 2),
        state=marker.state,
        state_name=MARKER_STATES.get(marker.state, marker.state),
        source=marker.source,
        evidence=evidence_lines(marker.evidence),
        confidence=finding.confidence if finding else 0.0,
        reasons=finding.reasons if finding else [],
        receipt=receipt,
    )


def _cites(refs: list[str], moments: dict[str, int]) -> list[Cite]:
    """Rows of one second are one link: the first of them."""
    by_second: dict[int | str, Cite] = {}
    for ref in refs:
        t_ms = moments.get(ref, -1)
        by_second.setdefault(t_ms // 1000 if t_ms >= 0 else ref, Cite(ref, t_ms))
    return list(by_second.values())


def _card(card: Card, moments: dict[str, int]) -> CardView:
    def claims(sentences: list[Sentence]) -> list[Claim]:
        return [
            Claim(text=one.text, t_ms=one.t_ms, cites=_cites(one.refs, moments))
            for one in sentences
        ]

    return CardView(
        symptom=claims(card.symptom),
        cause=claims(card.cause),
        look_at=claims(card.look_at),
        code=card.code,
        story=claims(card.story),
        visual=claims(card.visual),
        reasons=card.confidence_reasons,
        dropped=card.dropped,
        severity=card.severity,
    )
