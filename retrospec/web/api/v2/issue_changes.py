"""What programs may do to issues, with a key of the scope ``admin``: the same as people do on their pages."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from litestar import Response, patch, post
from litestar.params import FromPath
from msgspec import UNSET, UnsetType

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound
from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.issues import deciding, judging
from retrospec.shapes.issues import (
    ActivityLine,
    Changed,
    ChangeIssue,
    ChangeIssues,
    Decided,
    Feedback,
    Heard,
    Issue,
    MoveSession,
    NewComment,
    OtherIssue,
    SplitOff,
)
from retrospec.storage import activity, clusters, judgements, sessions, triage
from retrospec.storage.decisions import Decision
from retrospec.storage.issues import Tally
from retrospec.storage.triage import Triage
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.v2.answers import author_of, body_of, database_of, key_of, project_of, shaped, told
from retrospec.web.api.v2.issues import issue_now, promoted

_MUTES = ("mute_days", "mute_sessions", "mute_per_hour")


@patch("/issues/{key:str}", guards=[needs("admin")], tags=["issues"], body=ChangeIssue)
async def change_issue(request: AnyRequest, key: FromPath[str]) -> Response[Issue]:
    """Change state, assignee and note; what is left out stays. 409 where `seenState` is not its state any more."""
    project_id, sent = project_of(request), await body_of(request, ChangeIssue)
    async with database_of(request).write() as connection:
        tally = await promoted(connection, project_id, key)
        seen = tally.issue.state if sent.seen_state is UNSET else sent.seen_state
        is_changed = await triage.set_triage(
            connection, project_id, tally.issue.key, _triage(tally, sent), seen_state=seen, now=utc_now(),
            author=author_of(request),
        )  # fmt: skip
        if not is_changed:
            raise Conflict(f"This issue is {tally.issue.state}, not {seen}: someone changed it.", field="seenState")
        return told(request, await issue_now(request, connection, tally.issue.key))


def _triage(tally: Tally, sent: ChangeIssue) -> Triage:
    issue = tally.issue
    state = _given(sent.state, issue.state)
    mutes = {name: getattr(sent, name) for name in _MUTES if getattr(sent, name) is not UNSET}
    if mutes and (state is not IssueState.MUTED or len(mutes) > 1):
        raise BadRequest("A mute ends in one way: one of muteDays, muteSessions and mutePerHour, with the state muted.")
    is_resolved = state is IssueState.RESOLVED
    if is_resolved and sent.fix_in is FixIn.RELEASE and not sent.fix_release.strip():
        raise BadRequest("Name the release the fix is in.", field="fixRelease")
    return Triage(
        state=state,
        assignee=" ".join(_given(sent.assignee, issue.assignee).split()),
        note=_given(sent.note, issue.state_note).strip(),
        muted_until=utc_now() + timedelta(days=mutes["mute_days"]) if "mute_days" in mutes else None,
        mute_more_sessions=mutes.get("mute_sessions"),
        mute_per_hour=mutes.get("mute_per_hour"),
        fix_in=sent.fix_in if is_resolved else FixIn.NOW,
        fix_release=sent.fix_release.strip() if is_resolved and sent.fix_in is FixIn.RELEASE else "",
    )


def _given(sent: Any | UnsetType, otherwise: Any) -> Any:
    return otherwise if sent is UNSET else sent


@post("/issues/changes", guards=[needs("admin")], tags=["issues"], status_code=200, body=ChangeIssues)
async def change_issues(request: AnyRequest) -> Response[Changed]:
    """The same change for up to 100 issues; keys of issues that are not there are passed over."""
    sent = await body_of(request, ChangeIssues)
    if sent.fix_in is FixIn.RELEASE:
        raise BadRequest("A release is named for one issue at a time; use now or next.", field="fixIn")
    now, is_muted = utc_now(), sent.state is IssueState.MUTED
    if sent.mute_days is not UNSET and not is_muted:
        raise BadRequest("muteDays goes with the state muted.", field="muteDays")
    until = now + timedelta(days=sent.mute_days) if sent.mute_days is not UNSET else None
    async with database_of(request).write() as connection:
        changed = await triage.set_many(
            connection, project_of(request), sent.keys, state=_given(sent.state, None),
            assignee=_given(sent.assignee, None), fix_in=sent.fix_in, muted_until=until, now=now, author=author_of(request),
        )  # fmt: skip
    return told(request, Changed(changed=changed))


@post("/issues/{key:str}/comments", guards=[needs("admin")], tags=["issues"], status_code=201, body=NewComment)
async def add_comment(request: AnyRequest, key: FromPath[str]) -> Response[ActivityLine]:
    """Add a comment to an issue's log, under the key's name."""
    project_id, text = project_of(request), (await body_of(request, NewComment)).text.strip()
    async with database_of(request).write() as connection:
        tally = await promoted(connection, project_id, key)
        await activity.note(
            connection, project_id, tally.issue.key, "comment", text, author=author_of(request), now=utc_now()
        )
        line = (await activity.latest(connection, project_id, [tally.issue.key], limit=1))[0]
    return told(request, shaped(line, ActivityLine), status=201)


@post("/issues/{key:str}/merge", guards=[needs("admin")], tags=["issues"], status_code=200, body=OtherIssue)
async def merge_issue(request: AnyRequest, key: FromPath[str]) -> Response[Decided]:
    """Make it one with another, under the key of the older."""
    sent = await body_of(request, OtherIssue)
    return await _decide(request, key, deciding.merge, key, sent.other)


@post("/issues/{key:str}/apart", guards=[needs("admin")], tags=["issues"], status_code=200, body=OtherIssue)
async def keep_issue_apart(request: AnyRequest, key: FromPath[str]) -> Response[Decided]:
    """Say that it is not the same as another: no rule joins the two, and merging is not suggested again."""
    sent = await body_of(request, OtherIssue)
    return await _decide(request, key, deciding.keep_apart, key, sent.other)


@post("/issues/{key:str}/split", guards=[needs("admin")], tags=["issues"], status_code=200, body=SplitOff)
async def split_issue(request: AnyRequest, key: FromPath[str]) -> Response[Decided]:
    """Take one fingerprint out of it, with its sessions and whatever comes with it later."""
    sent = await body_of(request, SplitOff)
    return await _decide(request, key, deciding.split, sent.cluster_key)


@post("/issues/{key:str}/move", guards=[needs("admin")], tags=["issues"], status_code=200, body=MoveSession)
async def move_session(request: AnyRequest, key: FromPath[str]) -> Response[Decided]:
    """Count one of its sessions under another issue."""
    sent = await body_of(request, MoveSession)
    return await _decide(request, key, deciding.move_session, sent.session_id, key, sent.other)


@post("/issues/{key:str}/decisions/{decision_id:str}/undo", guards=[needs("admin")], tags=["issues"], status_code=200)
async def undo_decision(request: AnyRequest, key: FromPath[str], decision_id: FromPath[str]) -> Response[Decided]:
    """Take a decision back: the issues are what they were before it, and what came since."""
    return await _decide(request, key, deciding.undo, decision_id)


@post("/issues/{key:str}/feedback", guards=[needs("admin")], tags=["issues"], status_code=200, body=Feedback)
async def give_feedback(request: AnyRequest, key: FromPath[str]) -> Response[Heard]:
    """Say that a failure is, or isn't, a real one; failures that keep being rejected go quiet."""
    project_id, sent, now = project_of(request), await body_of(request, Feedback), utc_now()
    async with database_of(request).write() as connection:
        await promoted(connection, project_id, key)
        if sent.session_id and await sessions.find(connection, project_id, sent.session_id) is None:
            raise NotFound(f"There is no session {sent.session_id!r} in this project.", field="sessionId")
        await judging.give_feedback(
            connection, project_id, sent.cluster_key, sent.session_id, author=key_of(request).id, is_real=sent.is_real,
            settings=request.app.state.settings.promote, now=now,
        )  # fmt: skip
        heard = (await judgements.judged_of(connection, project_id, [sent.cluster_key]))[0]
    return told(request, shaped(heard, Heard, is_quiet=heard.quiet_since is not None))


async def _decide(
    request: AnyRequest, key: str, decide: Callable[..., Awaitable[Decision]], *given: str
) -> Response[Decided]:
    project_id = project_of(request)
    async with database_of(request).write() as connection:
        await promoted(connection, project_id, key)
        decision = await decide(
            connection, project_id, *given, author=author_of(request), settings=request.app.state.settings.promote, now=utc_now()
        )
        home = await clusters.home_of(connection, project_id, decision.issue_key)
    return told(request, Decided(decision_id=decision.id, issue_key=home))


ROUTES = [
    change_issue, change_issues, add_comment, merge_issue, keep_issue_apart, split_issue, move_session, undo_decision,
    give_feedback,
]  # fmt: skip
