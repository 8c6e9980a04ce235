"""What people do to issues: one at a time on the Issue page, many at once on the list."""

from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound
from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.storage import activity, issues, triage
from retrospec.storage.triage import Triage
from retrospec.web.pages import words
from retrospec.web.pages.guard import database_of, local_path, read_form
from retrospec.web.pages.issue_work import muted_until
from retrospec.web.pages.rendering import AnyRequest, Frame

MAX_NOTE = 500
MAX_ASSIGNEE = 120
MAX_COMMENT = 4_000
MAX_AT_ONCE = 100
MAX_RELEASE = 200
MAX_COUNT = 1_000_000


class TriageForm(msgspec.Struct):
    """What the state form sends."""

    seen_state: str
    state: str
    assignee: str = ""
    note: str = ""
    mute_for: str = ""
    """``1d``, ``7d``, ``30d``, ``sessions``, ``rate``, or empty for ever."""
    mute_count: str = ""
    fix_in: str = FixIn.NOW
    """``now``, ``next`` or ``release``."""
    fix_release: str = ""
    back: str = "/"


class CommentForm(msgspec.Struct):
    """What the comment form sends."""

    text: str = ""
    back: str = "/"


class BulkForm(msgspec.Struct):
    """What the list sends beside the ticked keys."""

    do: str
    back: str = "/"


def _who(frame: Frame) -> str:
    return frame.user.name if frame.user else ""


@post("/issues/{key:str}/state")
async def change_issue(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Set state, assignee and note; refused when someone else changed the state meanwhile."""
    assert frame.project is not None
    form = await read_form(request, TriageForm)
    now, wanted = utc_now(), _read_triage(form)
    async with database_of(request).write() as connection:
        is_changed = await triage.set_triage(
            connection,
            frame.project.id,
            key,
            wanted,
            seen_state=_state_named(form.seen_state),
            now=now,
            author=_who(frame),
        )
    if not is_changed:
        await _require_issue(request, frame.project.id, key)
        raise Conflict(
            "Someone changed this issue since you opened it.", hint="Go back and reload to see how it stands."
        )
    return Redirect(local_path(form.back), status_code=303)


async def _require_issue(request: AnyRequest, project_id: str, key: str) -> None:
    async with database_of(request).read() as connection:
        tally = await issues.exact(connection, project_id, key)
    if tally is None or tally.promoted_at is None:
        raise NotFound("There is no such issue in this project.")


def _state_named(name: str) -> IssueState:
    if name not in words.STATES:
        raise BadRequest(f"There is no state {name!r}; use {', '.join(words.STATES)}.")
    return IssueState(name)


def _read_triage(form: TriageForm) -> Triage:
    state = _state_named(form.state)
    is_muted, is_resolved = state is IssueState.MUTED, state is IssueState.RESOLVED
    return Triage(
        state=state,
        assignee=" ".join(form.assignee.split())[:MAX_ASSIGNEE],
        note=form.note.strip()[:MAX_NOTE],
        muted_until=muted_until(form.mute_for, utc_now()) if is_muted else None,
        mute_more_sessions=_count_in(form) if is_muted and form.mute_for == "sessions" else None,
        mute_per_hour=_count_in(form) if is_muted and form.mute_for == "rate" else None,
        fix_in=_fix_in(form) if is_resolved else FixIn.NOW,
        fix_release=_release_in(form) if is_resolved else "",
    )


def _count_in(form: TriageForm) -> int:
    text = form.mute_count.strip()
    if not (text.isdecimal() and 0 < int(text) <= MAX_COUNT):
        raise BadRequest(f"Muting by sessions needs a number of them, 1 to {MAX_COUNT}.", field="mute_count")
    return int(text)


def _fix_in(form: TriageForm) -> FixIn:
    try:
        return FixIn(form.fix_in)
    except ValueError as error:
        raise BadRequest(f"There is no fix {form.fix_in!r}; use {', '.join(FixIn)}.", field="fix_in") from error


def _release_in(form: TriageForm) -> str:
    release = form.fix_release.strip()[:MAX_RELEASE]
    if _fix_in(form) is not FixIn.RELEASE:
        return ""
    if not release:
        raise BadRequest("Name the release the fix is in.", field="fix_release")
    return release


@post("/issues/{key:str}/comments")
async def add_comment(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Add a comment to the issue's log."""
    assert frame.project is not None
    form = await read_form(request, CommentForm)
    text = form.text.strip()[:MAX_COMMENT]
    if not text:
        raise BadRequest("A comment needs some text.", field="text")
    await _require_issue(request, frame.project.id, key)
    async with database_of(request).write() as connection:
        await activity.note(
            connection, frame.project.id, key, "comment", text, author=_who(frame), now=utc_now()
        )
    return Redirect(local_path(form.back), status_code=303)


class _Bulk(msgspec.Struct, frozen=True):
    state: IssueState | None = None
    fix_in: FixIn = FixIn.NOW
    mute_for: str = ""
    takes: bool = False


_BULK = {
    "resolve": _Bulk(IssueState.RESOLVED),
    "resolve_next": _Bulk(IssueState.RESOLVED, FixIn.NEXT),
    "acknowledge": _Bulk(IssueState.ACKNOWLEDGED),
    "reopen": _Bulk(IssueState.ACTIVE),
    "mute": _Bulk(IssueState.MUTED, mute_for="7d"),
    "archive": _Bulk(IssueState.ARCHIVED),
    "take": _Bulk(takes=True),
}


@post("/issues/bulk")
async def change_issues(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Do one thing to every ticked issue."""
    assert frame.project is not None
    form = await read_form(request, BulkForm)
    chosen = _BULK.get(form.do)
    if chosen is None:
        raise BadRequest(f"There is no such action; use {', '.join(_BULK)}.", field="do")
    keys = [str(key) for key in (await request.form()).getall("key", [])][:MAX_AT_ONCE]
    if not keys:
        raise BadRequest("No issue is ticked.", hint="Go back and tick the ones you mean.")
    now = utc_now()
    async with database_of(request).write() as connection:
        await triage.set_many(
            connection,
            frame.project.id,
            keys,
            state=chosen.state,
            assignee=_who(frame) if chosen.takes else None,
            fix_in=chosen.fix_in,
            muted_until=muted_until(chosen.mute_for, now),
            now=now,
            author=_who(frame),
        )
    return Redirect(local_path(form.back), status_code=303)
