"""The Precision page: how often each detector was right, and which failures are quiet because they weren't."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.issues import judging, quieting
from retrospec.storage import judgements
from retrospec.storage.judgements import DetectorCounts, Judged
from retrospec.web.pages.grouping import ClusterForm
from retrospec.web.pages.guard import database_of, local_path, read_form, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, render

DAYS = 30


class Line(msgspec.Struct, kw_only=True):
    """One detector, with what its suspicions came to."""

    counts: DetectorCounts
    label: str
    kept: float
    """Share of its suspicions that stood."""


class PrecisionPage(msgspec.Struct, kw_only=True):
    """Every detector of the last days, and what is quiet."""

    days: int
    lines: list[Line]
    quiet: list[Judged]
    min_judged: int
    quiet_share: float


@get("/precision")
async def show_precision(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """From counters rolled up as sessions are judged: the same cost at any size."""
    assert frame.project is not None
    since_day = judging.day_of(utc_now()) - DAYS + 1
    async with database_of(request).read() as connection:
        found = await judgements.detectors(connection, frame.project.id, since_day=since_day)
        quiet = await judgements.quiet_ones(connection, frame.project.id)
    page = PrecisionPage(
        days=DAYS,
        lines=[_line(one) for one in found],
        quiet=quiet,
        min_judged=quieting.MIN_JUDGED,
        quiet_share=quieting.QUIET_SHARE,
    )
    return render("precision.html", frame, page)


def _line(one: DetectorCounts) -> Line:
    stood = max(0, one.confirmed - one.rejected)
    label = one.detector.replace("_", " ").capitalize()
    return Line(counts=one, label=label, kept=stood / one.detected if one.detected > 0 else 0.0)


@post("/precision/hear")
async def hear_again(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Let a quiet failure be shown again."""
    assert frame.project is not None and frame.user is not None
    form = await read_form(request, ClusterForm)
    async with database_of(request).write() as connection:
        await judging.hear_again(
            connection,
            frame.project.id,
            form.cluster,
            author=frame.user.name,
            settings=settings_of(request).promote,
            now=utc_now(),
        )
    return Redirect(local_path(form.back), status_code=303)
