"""Menus that write a search: what the sessions found can be narrowed by, and how many of them."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from retrospec.domain.marker import Signal
from retrospec.search.writing import has_part, part, toggled
from retrospec.storage.search import FacetRow

PER_MENU = 8
MAX_TAGS = 6
SIGNALS = (
    Signal.EXCEPTION, Signal.HTTP_ERROR, Signal.DEAD_CLICK, Signal.RAGE_CLICK, Signal.UNRESPONSIVE,
    Signal.VALIDATION_REFUSED, Signal.ERROR_SHOWN, Signal.BLANK_PAGE,
)  # fmt: skip


LENGTHS = {"<10s": "Under 10 seconds", ">1m": "Over a minute", ">5m": "Over 5 minutes", ">30m": "Over half an hour", "24h": "Since yesterday", "7d": "Last 7 days"}


class Offer(msgspec.Struct, kw_only=True):
    """One line of a menu."""

    label: str
    url: str
    is_chosen: bool
    count: int | None = None


class Menu(msgspec.Struct, kw_only=True):
    """One thing to narrow by."""

    name: str
    title: str
    offers: list[Offer]
    chosen: int = 0


def session_menus(rows: Sequence[FacetRow], query: str, url_of: Callable[[str], str]) -> list[Menu]:
    """For a list of sessions: these, and how long they were and ago."""
    lengths: dict[str, dict[str, int | None]] = {"duration": {"<10s": None, ">1m": None, ">5m": None, ">30m": None}, "since": {"24h": None, "7d": None}}
    return [*menus(rows, query, url_of), _menu("length", "Length and age", lengths, query, url_of, says=LENGTHS)]


def menus(rows: Sequence[FacetRow], query: str, url_of: Callable[[str], str]) -> list[Menu]:
    """``url_of`` gives the page's address with that search."""
    counted = {
        "route": Counter(row.route for row in rows),
        "release": Counter(row.release for row in rows),
        "browser": Counter(_plain(row.browser) for row in rows),
        "os": Counter(row.os for row in rows),
        "device": Counter(row.device for row in rows),
        "country": Counter(row.country for row in rows),
        "environment": Counter(row.environment for row in rows),
    }
    found = [_menu("kind", "Failure", {"kind": {str(signal): None for signal in SIGNALS}}, query, url_of)]
    titles = {"route": "Page", "release": "Release", "browser": "Browser", "os": "System", "device": "Device", "country": "Country", "environment": "Environment"}
    for name, title in titles.items():
        values = {value: count for value, count in counted[name].most_common(PER_MENU) if value}
        if len(values) > 1 or any(has_part(query, part(name, value)) for value in values):
            found.append(_menu(name, title, {name: dict(values)}, query, url_of))
    if tags := _tags(rows):
        found.append(_menu("tag", "Tags", tags, query, url_of))
    return found


def _plain(browser: str) -> str:
    """Without its version, which is another choice."""
    return browser.rstrip("0123456789. ") or browser


def _tags(rows: Sequence[FacetRow]) -> dict[str, dict[str, int | None]]:
    names = Counter(name for row in rows for name in row.tags)
    return {
        f"tag.{name}": dict(Counter(row.tags[name] for row in rows if name in row.tags).most_common(4))
        for name, _ in names.most_common(MAX_TAGS)
        if not set(name) & set(' ":.')
    }


def _menu(
    name: str,
    title: str,
    values: dict[str, dict[str, int | None]],
    query: str,
    url_of: Callable[[str], str],
    says: dict[str, str] | None = None,
) -> Menu:
    offers = []
    for field, counts in values.items():
        for value, count in counts.items():
            wanted = part(field, value)
            label = value.replace("_", " ").capitalize().replace("Http", "HTTP") if field == "kind" else (says or {}).get(value, value)
            shown = f"{field.removeprefix('tag.')}: {label}" if field.startswith("tag.") else label
            offers.append(Offer(label=shown, url=url_of(toggled(query, wanted)), is_chosen=has_part(query, wanted), count=count))
    return Menu(name=name, title=title, offers=offers, chosen=sum(offer.is_chosen for offer in offers))


def example_parts() -> list[tuple[str, str]]:
    """What the help shows: a part of a search and what it asks."""
    return [
        ("pay failed", "both words, anywhere in a session; a word may go on"),
        ('"pay now"', "these words in this order"),
        ("route:/checkout", "a page that was visited"),
        ("person:ada", "a user or visitor"),
        ('clicked:"Pay now"', "a control that was pressed"),
        ('saw:"out of stock"', "a text that appeared"),
        ('error:"is undefined"', "what an error said"),
        ("kind:dead_click", "how it failed"),
        ("tag.plan:pro", "a tag"),
        ("country:NL,BE", "where the visitor was, if a proxy says so"),
        ("release:1.4", "a release, or those that begin so"),
        ("browser:firefox,safari", "either; a minus before it: neither"),
        ("duration:>60", "longer than a minute; also <2m30s, 10..60"),
        ("since:7d", "the last week; also until:2026-11-20"),
        ("status:ready", "confirmed; also discarded, pending, failed"),
    ]
