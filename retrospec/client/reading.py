"""What a ``read`` key may ask."""

from collections.abc import Iterator
from typing import Any

import msgspec

from retrospec.client.asking import PREFIX, Asking, part
from retrospec.domain.errors import BadRequest
from retrospec.shapes import issues as of_issues
from retrospec.shapes import project as of_project
from retrospec.shapes import sessions as of_sessions
from retrospec.shapes import upkeep as of_upkeep


class Reading(Asking):
    """Looks at a project. Lists are iterators that fetch page after page; ``most`` ends them early."""

    def project(self) -> of_project.Project:
        """The project of the key, and what the key may do."""
        return self._get(of_project.Project, "/v2/project")

    def stats(self, *, hours: int = 24) -> of_project.Stats:
        """Visits, people hit, kinds of failures, and how often detectors were right."""
        return self._get(of_project.Stats, "/v2/stats", hours=hours)

    def series(self, *, hours: int = 24, kind: str = "", issue: str = "") -> of_project.Series:
        """Sessions and markers by the hour."""
        return self._get(of_project.Series, "/v2/stats/series", hours=hours, kind=kind, issue=issue)

    def releases(self, *, most: int | None = None) -> Iterator[of_project.Release]:
        """Newest first."""
        return self._pages(of_project.ReleaseList, "/v2/releases", most)

    def issues(
        self, *, state: str = "open", kind: str = "", q: str = "", site: str = "", sort: str = "impact", most: int | None = None
    ) -> Iterator[of_issues.Issue]:
        """Issues in the order ``sort``: impact, seen, people or newest; ``state`` may be ``all``."""
        return self._pages(of_issues.IssueList, "/v2/issues", most, state=state, kind=kind, q=q, site=site, sort=sort)

    def issue_page(self, *, cursor: str = "", rows: int = 30, **narrowed: Any) -> of_issues.IssueList:
        """One page of ``issues``, for callers that page by themselves."""
        return self._get(of_issues.IssueList, "/v2/issues", cursor=cursor, limit=rows, **narrowed)

    def issue_session_page(self, key: str, *, cursor: str = "", rows: int = 30, **narrowed: Any) -> of_issues.IssueSessionList:
        """One page of ``issue_sessions``."""
        return self._get(of_issues.IssueSessionList, f"/v2/issues/{part(key)}/sessions", cursor=cursor, limit=rows, **narrowed)

    def session_page(self, *, cursor: str = "", rows: int = 30, **narrowed: Any) -> of_sessions.SessionList:
        """One page of ``sessions``."""
        return self._get(of_sessions.SessionList, "/v2/sessions", cursor=cursor, limit=rows, **narrowed)

    def issue_facets(self) -> of_issues.IssueFacets:
        """What issues can be narrowed by, with counts."""
        return self._get(of_issues.IssueFacets, "/v2/issues/facets")

    def issue(self, key: str, *, hours: int = 168) -> of_issues.IssueDetail:
        """One issue whole. Raises NotFound."""
        return self._get(of_issues.IssueDetail, f"/v2/issues/{part(key)}", hours=hours)

    def issue_sessions(
        self, key: str, *, status: str = "", min_confidence: float = 0.0, facet: str = "", value: str = "", most: int | None = None
    ) -> Iterator[of_issues.IssueSessionRow]:
        """An issue's sessions, latest first; ``facet`` (browser, release, ``tag:…``) and ``value`` narrow them."""
        narrowed = {"status": status, "minConfidence": min_confidence, "facet": facet, "value": value}
        return self._pages(of_issues.IssueSessionList, f"/v2/issues/{part(key)}/sessions", most, **narrowed)

    def issue_activity(self, key: str, *, most: int | None = None) -> Iterator[of_issues.ActivityLine]:
        """An issue's log, newest first."""
        return self._pages(of_issues.ActivityList, f"/v2/issues/{part(key)}/activity", most)

    def sessions(self, *, most: int | None = None, **narrowed: Any) -> Iterator[of_sessions.SessionRow]:
        """Sessions, latest first, narrowed by what ``GET /v2/sessions`` takes: ``q``, ``status``, ``route``, ``person``, ``failures``."""
        return self._pages(of_sessions.SessionList, "/v2/sessions", most, **narrowed)

    def session(self, session_id: str) -> of_sessions.SessionDetail:
        """One session whole. Raises NotFound."""
        return self._get(of_sessions.SessionDetail, f"/v2/sessions/{part(session_id)}")

    def trace(self, session_id: str, *, around: str = "", most: int | None = None) -> Iterator[of_sessions.TraceRow]:
        """What the person did and what followed; ``around`` begins a few rows before the row of that ref."""
        return self._pages(of_sessions.TracePage, f"/v2/sessions/{part(session_id)}/trace", most, around=around)

    def trace_page(self, session_id: str, *, around: str = "", cursor: str = "", rows: int = 100) -> of_sessions.TracePage:
        """One stretch of the trace, with the page loads."""
        return self._get(
            of_sessions.TracePage, f"/v2/sessions/{part(session_id)}/trace", around=around, cursor=cursor, limit=rows
        )

    def events(self, session_id: str) -> list[Any]:
        """The recording: rrweb events."""
        found: list[Any] = msgspec.json.decode(self._bytes(f"/v2/sessions/{part(session_id)}/events"))
        return found

    def reproduction(self, session_id: str) -> of_sessions.Way:
        """The way to its failure, and the test made of it. Raises NotFound where there is none."""
        return self._get(of_sessions.Way, f"/v2/sessions/{part(session_id)}/reproduction")

    def capsule(self, session_id: str) -> bytes:
        """The failure capsule, one HTML file."""
        return self._bytes(f"/v2/sessions/{part(session_id)}/capsule")

    def file(self, path: str) -> bytes:
        """A picture or file by the ``path`` that an answer named."""
        if not path.startswith(PREFIX):
            raise BadRequest(f"{path!r} is not a path that the API named.")
        return self._bytes(path)

    def alerts(self, *, most: int | None = None) -> Iterator[of_project.AlertMessage]:
        """What was told to whom, newest first."""
        return self._pages(of_project.AlertList, "/v2/alerts/messages", most)

    def dead_letters(self, *, most: int | None = None) -> Iterator[of_upkeep.DeadLetter]:
        """Sessions that were given up, the latest first."""
        return self._pages(of_upkeep.DeadLetterList, "/v2/dead-letters", most)

    def films(self, session_id: str) -> Iterator[of_upkeep.FilmState]:
        """A session's films: made, being made, or to be had."""
        return self._pages(of_upkeep.FilmList, f"/v2/sessions/{part(session_id)}/films", None)

    def members(self) -> Iterator[of_upkeep.Member]:
        """Who has which role in the project."""
        return self._pages(of_upkeep.MemberList, "/v2/members", None)

    def channels(self) -> Iterator[of_project.Channel]:
        """Where alerts go."""
        return self._pages(of_project.ChannelList, "/v2/alerts/channels", None)
