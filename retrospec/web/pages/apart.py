"""What sets the visits of an issue apart, a part of its page."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from retrospec.domain.errors import NotFound
from retrospec.domain.issue import Issue
from retrospec.domain.marker import read_evidence
from retrospec.domain.trait import ENTRY, PRESSED, TAG, Sketch, Trait
from retrospec.issues.apart import Contrast, set_apart
from retrospec.search.traits import traits_of, words_for
from retrospec.storage import apart, clusters, issues, markers, work
from retrospec.storage.database import Connection
from retrospec.web.pages.guard import database_of
from retrospec.web.pages.issue_work import FACET_NAMES, narrowed
from retrospec.web.pages.rendering import AnyRequest, Frame, render


class Row(msgspec.Struct, kw_only=True):
    """One trait: what it is, and how many have it on either side."""

    before: str
    value: str
    after: str
    failed_with: int
    others_with: int
    url: str
    """Narrows the issue's sessions to it; empty where they can't be."""


class ApartPart(msgspec.Struct, kw_only=True):
    """The table; without rows there is nothing to say."""

    rows: list[Row]
    failed: int
    others: int
    used: str
    """What both sides did."""


@get("/issues/{key:str}/apart")
async def show_apart(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """The table alone, empty where nothing sets them apart. Raises NotFound."""
    assert frame.project is not None
    page = await database_of(request).read_once(partial(compose, project_id=frame.project.id, key=key))
    return render("_apart.html", frame, page)


async def compose(connection: Connection, project_id: str, key: str) -> ApartPart:
    """What tells the issue's visits from those that used the same and were spared. Raises NotFound."""
    tally = await issues.find(connection, project_id, key)
    if tally is None or tally.promoted_at is None:
        raise NotFound("There is no such issue in this project.")
    issue = tally.issue
    standing = await work.find(connection, project_id, issue.key)
    reach = await clusters.reach_of(connection, project_id, issue.key)
    spared = await apart.spared_sketches(connection, project_id, issue.key, reach.keys) if standing.watch else []
    if not spared:
        return ApartPart(rows=[], failed=0, others=0, used=standing.watch_shown)
    failed = await apart.failed_sketches(connection, project_id, reach)
    until = await _what_failed(connection, issue, reach.keys)
    found = set_apart(_traits(failed, until), _traits(spared, until))
    return ApartPart(rows=[_row(one) for one in found], failed=len(failed), others=len(spared), used=standing.watch_shown)


async def _what_failed(connection: Connection, issue: Issue, keys: Sequence[str]) -> str:
    """The control of the session that shows it best, as documents name it; empty where none was used or it has expired."""
    seen = await markers.of_session(connection, issue.project_id, issue.representative_session_id)
    own = [one for one in seen if one.cluster_key in keys]
    return next((words for one in own if (words := words_for(read_evidence(one.evidence).control))), "")


def _traits(sketches: Sequence[Sketch], until: str) -> list[frozenset[Trait]]:
    return [traits_of(sketch, until) for sketch in sketches]


def _row(contrast: Contrast) -> Row:
    sort, value = contrast.trait.sort, contrast.trait.value
    before = {PRESSED: "Pressed “", ENTRY: "Began at "}.get(sort) or f"{FACET_NAMES.get(sort) or sort.removeprefix(TAG)}: "
    return Row(
        before=before, value=value, after="” before" if sort == PRESSED else "",
        failed_with=contrast.failed_with, others_with=contrast.others_with, url=narrowed(sort, value),
    )  # fmt: skip
