"""Looking: photograph the instants that tell whether a failure was seen."""

import time
from collections.abc import Sequence

import msgspec

from retrospec.domain.finding import Finding
from retrospec.domain.footage import Footage, Look, Point, Shot
from retrospec.domain.window import Window
from retrospec.replay.chromium import Chromium
from retrospec.replay.plan import LookPlan, plan_look, window_of
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, Timeline

MOST_FINDINGS = 12
"""Looked at in one session, surest first: the rest would not change its verdict."""


class Looking(msgspec.Struct):
    """Work in progress: what is finished when time runs out is still true."""

    shots: dict[int, Shot] = {}
    points: dict[str, Point] = {}
    notes: list[str] = []
    late: bool = False


async def look_at(
    chromium: Chromium, line: Timeline, findings: Sequence[Finding], windows: Sequence[Window], frame: Size, deadline_s: float
) -> Footage:
    """Footage of ``findings``; pictures fit into ``frame``. Stops between two pictures once past ``deadline_s`` (monotonic)."""
    chosen = sorted(findings, key=lambda finding: -finding.confidence)[:MOST_FINDINGS]
    plans = sorted((plan_look(line, finding, window_of(finding, windows)) for finding in chosen), key=lambda plan: plan.before_ms)
    work = Looking(notes=_notes(line))
    if plans:
        size = line.size_at(plans[0].before_ms[0])
        async with Stage(chromium, line, size, fit(size, frame), hover=False) as stage:
            await _photograph(stage, line, plans, frame, deadline_s, work)
            if broken := await stage.broken_events():
                work.notes.append(f"{broken} events could not be replayed")
    return _footage(plans, [finding.id for finding in findings], work)


def fit(size: Size, frame: Size) -> float:
    """How much a viewport shrinks to fit into ``frame``; it never grows."""
    return min(1.0, frame.width / size.width, frame.height / size.height)


async def _photograph(
    stage: Stage, line: Timeline, plans: Sequence[LookPlan], frame: Size, deadline_s: float, work: Looking
) -> None:
    moved, last = False, None
    for t_ms in sorted({t_ms for plan in plans for t_ms in (*plan.before_ms, *plan.after_ms)}):
        if time.monotonic() > deadline_s:
            work.late = True
            return
        size = line.size_at(t_ms)
        resized = await stage.resize(size, fit(size, frame))
        seek = await stage.seek(t_ms)
        if last is None or resized or moved or seek.moving or seek.stirred:
            last = await _shoot(stage, line, t_ms)
        work.shots[t_ms] = last = msgspec.structs.replace(last, t_ms=t_ms)
        moved = seek.moving
        for plan in plans:
            if plan.act is not None and t_ms == plan.before_ms[-1]:
                work.points[plan.finding.id] = await stage.point(plan.act.node_id, plan.act.x, plan.act.y)


async def _shoot(stage: Stage, line: Timeline, t_ms: int) -> Shot:
    facts = await stage.facts()
    facts.url = line.address_at(t_ms)
    return Shot(
        t_ms=t_ms,
        image=await stage.picture(),
        scale=stage.scale,
        width=stage.size.width,
        height=stage.size.height,
        page=line.page_at(t_ms),
        facts=facts,
    )


def _footage(plans: Sequence[LookPlan], finding_ids: Sequence[str], work: Looking) -> Footage:
    times = sorted(work.shots)
    place = {t_ms: index for index, t_ms in enumerate(times)}
    looks = {plan.finding.id: _look(plan, place, work) for plan in plans}
    unseen = f"only the {MOST_FINDINGS} surest suspicions of a session are looked at"
    return Footage(
        status="ready",
        shots=[work.shots[t_ms] for t_ms in times],
        looks=[looks.get(name) or Look(finding_id=name, t_ms=0, reason=unseen) for name in finding_ids],
        notes=work.notes,
    )


def _look(plan: LookPlan, place: dict[int, int], work: Looking) -> Look:
    after = [place[t_ms] for t_ms in plan.after_ms if t_ms in place]
    whole = len(after) == len(plan.after_ms)
    return Look(
        finding_id=plan.finding.id,
        t_ms=plan.finding.t_ms,
        act=plan.act,
        point=work.points.get(plan.finding.id, Point()),
        before=[place[t_ms] for t_ms in plan.before_ms if t_ms in place],
        after=after if whole else [],
        until_ms=plan.until_ms,
        until=plan.until,
        loads=plan.loads,
        stirs=plan.stirs,
        stirs_later=plan.stirs_later,
        reason="" if whole else "the time for this session's replay was used up",
    )


def _notes(line: Timeline) -> list[str]:
    return [f"{line.unreadable} events are not rrweb's and were left out"] if line.unreadable else []


