"""What stands beside a session's replay: its neighbours, console lines, thumbnails, and what no replay shows."""

from collections.abc import Sequence

import msgspec

from retrospec.domain.issue import Issue
from retrospec.domain.marker import Marker, MarkerKind, read_evidence
from retrospec.domain.session import Session
from retrospec.domain.trace import Trace
from retrospec.domain.web_address import address_parts
from retrospec.storage import clusters, dashboard_issues, nearby
from retrospec.storage.clusters import Reach
from retrospec.storage.database import Connection
from retrospec.storage.nearby import Neighbours
from retrospec.web.pages.films import FilmsView
from retrospec.web.pages.strips import StripView

MOST_LINES = 300
MOST_NOTES = 12
CONSOLE = "console"


class Beside(msgspec.Struct, kw_only=True):
    """Addresses of the sessions next to this one; empty at an end."""

    issue: Issue | None
    """Whose sessions ``[`` and ``]`` walk through; else they walk through the person's."""
    issue_earlier: str = ""
    issue_later: str = ""
    person_earlier: str = ""
    person_later: str = ""


class ConsoleLine(msgspec.Struct):
    """What a page logged before something failed."""

    at: int
    """Client epoch ms."""
    level: str
    text: str


class FailedRequest(msgspec.Struct):
    """A request as a failure tells of it, for recordings that have none: older clients sent none."""

    at_ms: int
    """From the replay's zero."""
    method: str
    url: str
    status: int
    failure: str
    duration_ms: int


class Pictures(msgspec.Struct):
    """What the time line can show of a moment."""

    stills: list[tuple[int, str]]
    """When, and the picture's address."""
    films: list[tuple[int, int, str]]
    """From, to, and the film's address."""


async def beside_of(
    connection: Connection, session: Session, issues: Sequence[Issue], wanted_issue: str, *, knows_person: bool
) -> Beside:
    """The neighbours; those of ``wanted_issue`` where it is one of the session's."""
    issue = next((one for one in issues if one.key == wanted_issue), issues[0] if issues else None)
    here = f"/p/{session.project_id}/sessions"
    told = Beside(issue=issue)
    if knows_person:
        person = await nearby.of_person(connection, session)
        told.person_earlier, told.person_later = (f"{here}/{name}" if name else "" for name in _ends(person))
    if issue is not None:
        reach = await clusters.reach_of(connection, session.project_id, issue.key)
        beside = await nearby.of_issue(connection, session.project_id, reach.keys, session.id)
        urls = [await _at_failure(connection, session, issue.key, reach, name) for name in _ends(beside)]
        told.issue_earlier, told.issue_later = urls
    return told


def _ends(beside: Neighbours) -> tuple[str, str]:
    return beside.earlier, beside.later


async def _at_failure(connection: Connection, session: Session, issue_key: str, reach: Reach, name: str) -> str:
    if not name:
        return ""
    jump_ms = await dashboard_issues.jump_of(connection, session.project_id, reach, name)
    return f"/p/{session.project_id}/sessions/{name}?issue={issue_key}&t={jump_ms or 0}"


def console_lines(markers: Sequence[Marker]) -> list[ConsoleLine]:
    """What the SDK noted of the console before each failure, by time, each line once."""
    found: dict[tuple[int, str], ConsoleLine] = {}
    for marker in markers:
        for crumb in read_evidence(marker.evidence).breadcrumbs:
            if crumb.category == CONSOLE:
                level, _, text = crumb.message.partition(": ")
                found[crumb.at, crumb.message] = ConsoleLine(crumb.at, level, text)
    return [found[key] for key in sorted(found)][:MOST_LINES]


def failed_requests(markers: Sequence[Marker]) -> list[FailedRequest]:
    """Of the failures that are a request's, by time."""
    told = ((marker.replay_offset_ms, read_evidence(marker.evidence)) for marker in markers if marker.kind is MarkerKind.API_ERROR)
    found = [FailedRequest(at, one.method or "GET", one.url, one.status, one.failure, one.duration_ms) for at, one in told if one.url]
    return sorted(found, key=lambda one: one.at_ms)[:MOST_LINES]


def pictures_of(strips: Sequence[StripView], films: FilmsView, length_ms: int) -> Pictures:
    """Stills of the screen check, and films that were made."""
    stills = sorted({(one.t_ms, one.url) for strip in strips for one in strip.pictures})
    made = [(film.start_ms, _end_of(film.id, film.start_ms, length_ms), film.url) for film in films.films if film.url]
    return Pictures(stills, made)


def _end_of(name: str, start_ms: int, length_ms: int) -> int:
    return min(start_ms + CLIP_MS, length_ms) if name.startswith("clip-") else length_ms


CLIP_MS = 10_000
"""A window's length, where it was not merged with another."""


def unseen_parts(trace: Trace) -> list[str]:
    """What the recording itself could not hold, page by page, in words."""
    told: dict[str, None] = {}
    for segment in trace.segments:
        page = address_parts(segment.url).path or "a page"
        if segment.seen == "blind":
            told[f"{page}: no picture of it was recorded"] = None
        for note in segment.notes:
            told[f"{page}: {note}"] = None
    return list(told)[:MOST_NOTES]
