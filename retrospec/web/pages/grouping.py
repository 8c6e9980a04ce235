"""Why an issue's failures are together, what is near it, and what people may say about that."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest
from retrospec.issues import deciding, judging
from retrospec.issues.similarity import SUGGEST_AT
from retrospec.storage import clusters, decisions, judgements, neighbours
from retrospec.storage import issues as stored_issues
from retrospec.storage.clusters import Cluster
from retrospec.storage.database import Connection
from retrospec.storage.decisions import Decision, PairLink, PairWord
from retrospec.storage.issues import Tally
from retrospec.storage.judgements import Judged
from retrospec.web.pages.guard import database_of, local_path, read_form, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame
from retrospec.web.pages.words import PARTS

MOST_NEAR = 3
_RULES = {
    "site": "the same place of the same build, where browsers count columns differently",
    "text": "the same words, seen at one place only in every build",
}
_ACTIONS = {
    "merge": "merged it with",
    "apart": "said it is not the same as",
    "split": "split off",
    "move": "moved a session to",
}


class Part(msgspec.Struct):
    """One part of a fingerprint."""

    name: str
    value: str


class Member(msgspec.Struct, kw_only=True):
    """One fingerprint of the issue."""

    key: str
    title: str
    session_count: int
    because: str
    """Why it is here."""
    parts: list[Part]
    ignored: list[str]
    judged: Judged | None


class Near(msgspec.Struct, kw_only=True):
    """Another issue that is like this one."""

    key: str
    symptom: str
    score: float
    is_suggested: bool


class Also(msgspec.Struct):
    """A failure of the same moments, caused by this one."""

    kind: str
    title: str
    session_count: int


class Said(msgspec.Struct, kw_only=True):
    """A decision, in words."""

    id: str
    author: str
    what: str
    about: str
    at: datetime
    undone_by: str


class Grouping(msgspec.Struct, kw_only=True):
    """All that the issue's page says of its grouping."""

    members: list[Member]
    near: list[Near]
    symptoms: list[Also]
    decisions: list[Said]
    reached: list[str]
    """How its confidence was reached, step by step."""


async def grouping_of(connection: Connection, tally: Tally, *, min_sessions: int) -> Grouping:
    """Read from the issue's few clusters; nothing here grows with its sessions."""
    project_id, key = tally.issue.project_id, tally.issue.key
    inside = await clusters.of_issues(connection, project_id, [key])
    keys = [one.key for one in inside] or [key]
    words = await decisions.words_about(connection, project_id, keys)
    links = await decisions.links_about(connection, project_id, keys) if len(keys) > 1 else []
    judged = {one.cluster_key: one for one in await judgements.judged_of(connection, project_id, keys)}
    return Grouping(
        members=[_member(one, inside[0], words, links, judged.get(one.key)) for one in inside],
        near=await _near(connection, project_id, keys, words),
        symptoms=[Also(*row) for row in await clusters.symptoms_of(connection, project_id, keys)],
        decisions=[_said(one) for one in await decisions.decisions_about(connection, project_id, keys, limit=20)],
        reached=_reached(tally, min_sessions),
    )


def _member(
    one: Cluster, first: Cluster, words: Sequence[PairWord], links: Sequence[PairLink], judged: Judged | None
) -> Member:
    return Member(
        key=one.key,
        title=one.tally.title,
        session_count=one.tally.issue.session_count,
        because=_because(one, first, words, links),
        parts=[Part(PARTS.get(name, name), value) for name, value in one.parts],
        ignored=one.ignored,
        judged=judged,
    )


def _because(one: Cluster, first: Cluster, words: Sequence[PairWord], links: Sequence[PairLink]) -> str:
    if one.own_rule:
        return f"A rule of yours in retrospec.toml: {one.own_rule}"
    if one.key == first.key:
        return "The issue's first fingerprint."
    if any(word.together and one.key in (word.a, word.b) for word in words):
        return "Put here by a person."
    rules = sorted({link.rule for link in links if one.key in (link.a, link.b)})
    told = " and ".join(_RULES.get(rule, rule) for rule in rules)
    return f"Joined by rule: {told}." if told else "Joined through another fingerprint."


async def _near(
    connection: Connection, project_id: str, keys: Sequence[str], words: Iterable[PairWord]
) -> list[Near]:
    """The nearest other issues that are shown, nearest first; kept apart ones are not suggested."""
    apart = {end for word in words if not word.together for end in (word.a, word.b)}
    found: dict[str, Near] = {}
    for one in await neighbours.likeness_of(connection, project_id, keys):
        if len(found) >= MOST_NEAR:
            break
        tally = await stored_issues.find(connection, project_id, one.other)
        if tally is None or tally.promoted_at is None or tally.issue.key in (*keys, *found):
            continue
        found[tally.issue.key] = Near(
            key=tally.issue.key,
            symptom=tally.issue.symptom,
            score=one.score,
            is_suggested=one.score >= SUGGEST_AT and one.other not in apart,
        )
    return list(found.values())


def _said(one: Decision) -> Said:
    return Said(
        id=one.id,
        author=one.author,
        what=_ACTIONS.get(one.action, one.action),
        about=one.other_key,
        at=one.decided_at,
        undone_by=one.undone_by,
    )


def _reached(tally: Tally, min_sessions: int) -> list[str]:
    """The rungs of the ladder it stands on, lowest first."""
    issue = tally.issue
    sessions = f"{issue.session_count} session{'s' if issue.session_count != 1 else ''}"
    rungs = [f"Detected, and borne out by the text of {sessions}"]
    if tally.visual_count:
        rungs.append(f"Seen on screen in {min(tally.visual_count, issue.session_count)} of them")
    if issue.session_count >= min_sessions:
        people = f"{issue.user_count} {'people' if issue.user_count != 1 else 'person'}"
        rungs.append(f"Recurring: {people}")
    return rungs


class OtherForm(msgspec.Struct):
    """Which other issue."""

    other: str
    back: str = "/"


class ClusterForm(msgspec.Struct):
    """Which fingerprint."""

    cluster: str
    back: str = "/"


class MoveForm(msgspec.Struct):
    """Which session, and where to."""

    session: str
    other: str
    back: str = "/"


class DecisionForm(msgspec.Struct):
    """Which decision."""

    decision: str
    back: str = "/"


class FeedbackForm(msgspec.Struct):
    """Whether it is a real failure; of one session, or of the issue as a whole."""

    real: str
    cluster: str
    session: str = ""
    back: str = "/"


@post("/issues/{key:str}/merge")
async def merge_issue(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Make it one with another."""
    form = await read_form(request, OtherForm)
    return await _decide(request, frame, deciding.merge, key, key_in(form.other), back=form.back)


@post("/issues/{key:str}/apart")
async def keep_issue_apart(
    request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]
) -> Response[Any]:
    """Never suggest these two again, nor join them."""
    form = await read_form(request, OtherForm)
    return await _decide(request, frame, deciding.keep_apart, key, key_in(form.other), back=form.back)


@post("/issues/{key:str}/split")
async def split_issue(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Take a fingerprint out of it."""
    form = await read_form(request, ClusterForm)
    return await _decide(request, frame, deciding.split, form.cluster, back=form.back)


@post("/issues/{key:str}/move")
async def move_session(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Count one session under another issue."""
    form = await read_form(request, MoveForm)
    return await _decide(
        request, frame, deciding.move_session, form.session, key, key_in(form.other), back=form.back
    )


@post("/issues/{key:str}/undo")
async def undo_decision(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Take a decision back."""
    form = await read_form(request, DecisionForm)
    return await _decide(request, frame, deciding.undo, form.decision, back=form.back)


@post("/issues/{key:str}/feedback")
async def give_feedback(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Say that a failure is, or isn't, a real one."""
    form = await read_form(request, FeedbackForm)
    if form.real not in ("yes", "no"):
        raise BadRequest("Say yes or no.")
    assert frame.project is not None and frame.user is not None
    async with database_of(request).write() as connection:
        await judging.give_feedback(
            connection,
            frame.project.id,
            form.cluster,
            form.session,
            author=frame.user.id,
            is_real=form.real == "yes",
            settings=settings_of(request).promote,
            now=utc_now(),
        )
    return Redirect(local_path(form.back), status_code=303)


def key_in(typed: str) -> str:
    """The issue key in what somebody typed: the key itself, or the address of its page."""
    return typed.strip().split("?", 1)[0].rstrip("/").rpartition("/")[2].replace("%3A", ":")


async def _decide(
    request: AnyRequest, frame: Frame, decide: Any, *given: str, back: str
) -> Response[Any]:
    assert frame.project is not None and frame.user is not None
    async with database_of(request).write() as connection:
        await decide(
            connection,
            frame.project.id,
            *given,
            author=frame.user.name,
            settings=settings_of(request).promote,
            now=utc_now(),
        )
    return Redirect(local_path(back), status_code=303)
