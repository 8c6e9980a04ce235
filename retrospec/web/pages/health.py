"""The Health page: how the server is, its last day, its dead letters; and the settings in force."""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from retrospec.domain.account import Role
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings_catalog import effective_settings, sections, settings_by_key
from retrospec.domain.settings_reload import is_live
from retrospec.retention.expiry import Cleaned, forget
from retrospec.storage import health, queue
from retrospec.storage.database import Connection
from retrospec.storage.health import Figures, Sample
from retrospec.storage.queue import DeadLetter, Depth
from retrospec.storage.scope import across_projects
from retrospec.vitals import Vitals, take_vitals
from retrospec.web.pages import words
from retrospec.web.pages.guard import blobs_of, database_of, read_form, require_instance_admin, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame, render

BUCKETS = 96
"""Quarters of an hour in the plots' day."""
WIDTH, HEIGHT = 288, 64
SHOWN_DEAD = 50
LATE_S = 600
LAGGING_S = 0.25
MANY = 100_000


class Tile(msgspec.Struct):
    """One figure of now."""

    label: str
    value: str
    note: str = ""
    is_bad: bool = False


class PlotBar(msgspec.Struct, frozen=True):
    """One quarter of an hour."""

    x: float
    y: float
    width: float
    height: float
    title: str


class Plot(msgspec.Struct):
    """One figure over a day."""

    label: str
    peak: str
    bars: list[PlotBar]


class HealthPage(msgspec.Struct, kw_only=True):
    """What the page shows."""

    tiles: list[Tile]
    plots: list[Plot]
    has_samples: bool
    depths: list[Depth]
    dead: list[DeadLetter]
    may_change: bool


class SettingRow(msgspec.Struct):
    """A setting in force."""

    key: str
    value: str
    source: str
    meaning: str
    takes: str


class SettingSection(msgspec.Struct):
    """A table of settings."""

    name: str
    about: str
    rows: list[SettingRow]


class SettingsPage(msgspec.Struct):
    """All of them."""

    sections: list[SettingSection]


class DeadForm(msgspec.Struct):
    """What to do with one dead letter, or with all where none is named."""

    act: str
    session_id: str = ""


@get("/health")
async def show_health(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The page."""
    assert frame.project is not None and frame.user is not None
    now = utc_now()
    with across_projects():
        vitals = await take_vitals(request.app.state) if "governor" in request.app.state else None
        depths = vitals.depths if vitals else await database_of(request).read_once(partial(queue.depths, now=now))
    look_up = partial(_look_up, project_id=frame.project.id, since=now - timedelta(hours=24))
    samples, dead = await database_of(request).read_once(look_up)
    page = HealthPage(
        tiles=tiles_of(vitals) if vitals else [], plots=plots_of(samples, now), has_samples=bool(samples), depths=depths,
        dead=dead, may_change=frame.may(Role.ADMIN),
    )  # fmt: skip
    return render("health.html", frame, page)


async def _look_up(connection: Connection, project_id: str, since: datetime) -> tuple[list[Sample], list[DeadLetter]]:
    samples = await health.samples_since(connection, since)
    return samples, await queue.dead_letters(connection, project_id=project_id, limit=SHOWN_DEAD)


@post("/health/dead", need=Role.ADMIN)
async def change_dead(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Retry or delete a dead letter of this project, or retry all; administrators only."""
    assert frame.project is not None
    form = await read_form(request, DeadForm)
    database = database_of(request)
    async with database.read() as connection:
        letters = await queue.dead_letters(connection, project_id=frame.project.id, session_id=form.session_id, limit=MANY)
    names = [(each.project_id, each.session_id) for each in letters]
    if form.act == "drop" and form.session_id and names:
        await forget(database, blobs_of(request), names, Cleaned(), now=utc_now())
    elif form.act == "retry" and names:
        async with database.write() as connection:
            await queue.revive(connection, names, now=utc_now())
    return Redirect(f"/p/{frame.project.id}/health#dead", status_code=303)


@get("/settings", need=Role.ADMIN)
async def show_settings(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Every setting with its value, source and meaning; administrators only."""
    require_instance_admin(frame)
    held = {each.key: each for each in effective_settings(settings_of(request))}
    known = settings_by_key()
    shown = [
        SettingSection(
            section.name,
            section.about,
            [
                SettingRow(
                    key := setting.key, _text(held[key].value), held[key].source, known[key].description, "reload" if is_live(key) else "restart"
                )
                for setting in section.settings
            ],
        )
        for section in sections()
    ]
    return render("settings.html", frame, SettingsPage(shown))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) if value != "" else "–"


def tiles_of(vitals: Vitals) -> list[Tile]:
    """The figures of now, each with whether it is a worry."""
    rooms = {"open": "Open", "markers_only": "Failures only", "full": "Full"}
    share = vitals.used_bytes / vitals.budget_bytes if vitals.budget_bytes else 0
    refused = sum(vitals.refused.values())
    return [
        Tile("Front door", rooms[vitals.room], vitals.notice, vitals.room != "open"),
        Tile("Waiting", f"{vitals.waiting:,}", f"the oldest for {vitals.oldest_s:,.0f} s" if vitals.waiting else "", vitals.oldest_s > LATE_S),
        Tile("Dead letters", f"{vitals.dead:,}", "", vitals.dead > 0),
        Tile("Stored", words.size(vitals.used_bytes), f"{share:.0%} of {words.size(vitals.budget_bytes)}", share > 1),
        Tile("Disk free", words.size(vitals.free_bytes), f"{vitals.evicted:,} sessions evicted since the start" if vitals.evicted else "", vitals.room != "open"),
        Tile("Memory", words.size(vitals.resident_bytes), f"{vitals.open_files} open files"),
        Tile("Longest stall", f"{vitals.loop_lag_s * 1000:,.0f} ms", "of the event loop since the start", vitals.loop_lag_s > LAGGING_S),
        Tile("Refused", f"{refused:,}", ", ".join(f"{count} for {reason}" for reason, count in vitals.refused.items())),
        Tile("Renders today", f"{vitals.rendered_today:,}", f"of {vitals.renders_a_day:,}" if vitals.renders_a_day else "", vitals.is_render_budget_spent),
        Tile("Last backup", f"{vitals.backup_at:%Y-%m-%d %H:%M}" if vitals.backup_at else "None", "" if vitals.backup_at else "see backup.every_hours"),
    ]


def plots_of(samples: Sequence[Sample], now: datetime) -> list[Plot]:
    """The day's figures: levels at their highest, counters as what was added."""
    slots = _slots(samples, now)
    return [
        _plot("Sessions taken in", slots, "ingested", _added, lambda n: f"{n:,.0f}"),
        _plot("Reports written", slots, "reports", _added, lambda n: f"{n:,.0f}"),
        _plot("Waiting", slots, "waiting", _highest, lambda n: f"{n:,.0f}"),
        _plot("Oldest waiting", slots, "oldest_s", _highest, lambda n: f"{n:,.0f} s"),
        _plot("Stored", slots, "used_bytes", _highest, lambda n: words.size(int(n))),
        _plot("Memory", slots, "resident_bytes", _highest, lambda n: words.size(int(n))),
    ]


Slot = tuple[str, list[Figures]]
"""A bar's time of day, and what was kept in it."""
Reduce = Callable[[Iterable[float]], float]


def _slots(samples: Sequence[Sample], now: datetime) -> list[Slot]:
    step = timedelta(hours=24) / BUCKETS
    moments = [sample.at_ms for sample in samples]
    slots = []
    for start in (now - timedelta(hours=24) + step * index for index in range(BUCKETS)):
        # from a minute before: what a counter grew by since the sample that the last bar ended with
        first, end = bisect_left(moments, to_epoch_ms(start - step / 15)), bisect_left(moments, to_epoch_ms(start + step))
        slots.append((f"{start:%H:%M}", [sample.figures for sample in samples[first:end]]))
    return slots


def _highest(values: Iterable[float]) -> float:
    return max(values, default=0.0)


def _added(values: Iterable[float]) -> float:
    """What a counter grew by; one that fell began anew at a restart."""
    return sum(later - before if later >= before else later for before, later in itertools.pairwise(values))


def _plot(label: str, slots: Sequence[Slot], name: str, reduce: Reduce, shown: Callable[[float], str]) -> Plot:
    figure = attrgetter(name)
    values = [reduce(map(figure, some)) for _, some in slots]
    peak = max(values)
    slot = WIDTH / BUCKETS
    bars = [
        PlotBar(round(index * slot, 2), round(HEIGHT - tall, 1), round(slot - 0.6, 2), tall, f"{at} {shown(value)}")
        for index, ((at, _), value) in enumerate(zip(slots, values, strict=True))
        if (tall := max(1.0, round(value / peak * HEIGHT, 1)) if peak and value else 0.0)
    ]
    return Plot(label, shown(peak), bars)
