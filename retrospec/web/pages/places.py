"""Places: on which pages clicks come to nothing, which fields refuse people, and which endpoints fail them."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.errors import NotFound
from retrospec.storage import places, receipts
from retrospec.storage.database import Connection
from retrospec.storage.places import Sort, Spot, Toll
from retrospec.web.pages import assets
from retrospec.web.pages.guard import database_of
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.policy import Styles
from retrospec.web.pages.rendering import AnyRequest, Frame, render, typed, url_with

DAY_MS = 86_400_000
SPANS = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "30d": ("30 days", 30)}
MOST_ROWS = 12
MOST_SPOTS = 500
NARROW_PX = 600
"""A page laid out for less is another page: phones and desktops have a heat map each."""
CLICKS = (Sort.RAGE, Sort.DEAD)


class FieldRow(msgspec.Struct, kw_only=True):
    """A field that refused people."""

    place: str
    field: str
    rule: str
    toll: Toll
    overcome_share: float


class CallRow(msgspec.Struct, kw_only=True):
    """An endpoint that failed people."""

    host: str
    endpoint: str
    toll: Toll
    rate: float
    """0…1 of all its calls."""


class PageRow(msgspec.Struct, kw_only=True):
    """A page on which clicks came to nothing."""

    url: str
    toll: Toll


class PlacesPage(msgspec.Struct, kw_only=True):
    """The three lists over one span."""

    spans: list[Choice]
    span_label: str
    pages: list[PageRow]
    fields: list[FieldRow]
    calls: list[CallRow]


class ControlRow(msgspec.Struct, kw_only=True):
    """What was clicked in vain, and where to watch it."""

    shown: str
    rage: int
    dead: int
    people: int
    url: str


class HeatPage(msgspec.Struct, kw_only=True):
    """One page's clicks in vain, over its own snapshot where a session with one is kept."""

    place: str
    back_url: str
    spans: list[Choice]
    widths: list[Choice]
    is_cut: bool
    people: int
    controls: list[ControlRow]
    spots: list[tuple[int, int, int, str]]
    """x, y, the viewport's width, and the sort."""
    stream_url: str
    """Of the session whose snapshot is shown; empty where none is kept."""
    at_ms: int
    has_player: bool


def _spans(request: AnyRequest, chosen: str) -> list[Choice]:
    return [Choice(label=label, url=url_with(request, span=name), is_chosen=name == chosen) for name, (label, _) in SPANS.items()]


def _since_day(span: str) -> int:
    """The first day of a span that ends today."""
    return to_epoch_ms(utc_now()) // DAY_MS - SPANS[span][1] + 1


@get("/places")
async def show_places(request: AnyRequest, frame: NamedDependency[Frame], span: FromQuery[str] = "7d") -> Response[str]:
    """All three, the costliest first."""
    assert frame.project is not None
    span = span if span in SPANS else "7d"
    project_id, since = frame.project.id, _since_day(span)
    async with database_of(request).read() as connection:
        by_page = await places.tolls(connection, project_id, CLICKS, since_day=since, limit=MOST_ROWS, by_place=True)
        by_field = await places.tolls(connection, project_id, [Sort.FIELD], since_day=since, limit=MOST_ROWS)
        by_call = await places.tolls(connection, project_id, [Sort.CALL], since_day=since, limit=MOST_ROWS)
    page = PlacesPage(
        spans=_spans(request, span),
        span_label=SPANS[span][0],
        pages=[PageRow(toll=toll, url=f"{request.url.path}/page?{urlencode({'route': toll.place, 'span': span})}") for toll in by_page],
        fields=[_field_row(toll) for toll in by_field],
        calls=[CallRow(host=toll.place, endpoint=toll.thing, toll=toll, rate=toll.failed / max(1, toll.count)) for toll in by_call],
    )
    return render("places.html", frame, page)


def _field_row(toll: Toll) -> FieldRow:
    field, _, rule = toll.thing.rpartition(" · ") if " · " in toll.thing else (toll.thing, "", "")
    return FieldRow(place=toll.place, field=field, rule=rule, toll=toll, overcome_share=toll.overcome / max(1, toll.sessions))


@get("/places/page")
async def show_heat(
    request: AnyRequest, frame: NamedDependency[Frame], route: FromQuery[str] = "", span: FromQuery[str] = "7d", width: FromQuery[str] = ""
) -> Response[str]:
    """One page's clicks in vain. Raises NotFound where there were none."""
    assert frame.project is not None
    span, route = span if span in SPANS else "7d", typed(route)
    project_id, since = frame.project.id, _since_day(span)
    async with database_of(request).read() as connection:
        found = await places.spots(connection, project_id, route, since_day=since, limit=MOST_SPOTS)
        if not found:
            raise NotFound("No click came to nothing on that page in this time.")
        narrow = [spot for spot in found if 0 < spot.width < NARROW_PX]
        wide = [spot for spot in found if spot.width == 0 or spot.width >= NARROW_PX]
        shown = narrow if (width == "narrow" and narrow) or not wide else wide
        best = await _best(connection, project_id, shown)
    here = f"/p/{project_id}"
    page = HeatPage(
        place=route,
        back_url=f"{here}/places?span={span}",
        spans=_spans(request, span),
        widths=[
            Choice(label=label, url=url_with(request, width=name), is_chosen=shown is own, count=len(own))
            for name, label, own in (("wide", "Wide screens", wide), ("narrow", "Phones", narrow))
            if own
        ],
        is_cut=max(Counter(spot.sort for spot in found).values()) == MOST_SPOTS // 2,
        people=len({spot.person_key for spot in shown}),
        controls=_controls(shown, here),
        spots=[(spot.x, spot.y, spot.width, spot.sort) for spot in shown if spot.x >= 0 and spot.width > 0],
        stream_url=f"{here}/sessions/{quote(best.session_id, safe='')}/stream" if best else "",
        at_ms=best.t_ms if best else 0,
        has_player=assets.is_built("player.js"),
    )
    return render("heat.html", frame, page, styles=Styles.RECORDED)


async def _best(connection: Connection, project_id: str, spots: Sequence[Spot]) -> Spot | None:
    """The newest click whose session has a replay."""
    newest = list({spot.session_id: spot for spot in reversed(spots) if spot.width > 0}.values())[-10:]
    vouched = await receipts.receipts_of(connection, project_id, [spot.session_id for spot in newest])
    return next((spot for spot in reversed(newest) if spot.session_id in vouched and vouched[spot.session_id].has_replay), None)


def _controls(spots: Sequence[Spot], here: str) -> list[ControlRow]:
    """By control, the one most clicked first."""
    counts = Counter(spot.thing for spot in spots)
    rows = []
    for thing, _ in counts.most_common(MOST_ROWS):
        own = [spot for spot in spots if spot.thing == thing]
        rage = sum(spot.sort == Sort.RAGE for spot in own)
        rows.append(
            ControlRow(
                shown=own[0].shown or thing, rage=rage, dead=len(own) - rage, people=len({spot.person_key for spot in own}),
                url=f"{here}/sessions/{quote(own[0].session_id, safe='')}?t={own[0].t_ms}",
            )
        )  # fmt: skip
    return rows
