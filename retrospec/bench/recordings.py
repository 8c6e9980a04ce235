"""Made-up rrweb recordings of an asked size, the same for the same seed.

They have the parts of real ones in about their proportions: a full snapshot with an inlined
stylesheet, bursts of added and changed nodes, mouse moves, clicks, scrolling and typing; node ids
are consistent, so they can be replayed. zstd at level 3 makes them 6.6 times smaller.
"""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from retrospec.domain.rrweb import EventType, MouseInteraction, NodeType, Source

Event = dict[str, Any]

_VOCABULARY = (
    "account add address afternoon amber autumn bag balance basket black blend box bright brown buy candle card "
    "change checkout citrus clear coffee collection colour cotton cream cup currency customer dark delivery detail "
    "discount earth easy edition evening express fabric fast filter fine first flower forest free fresh friend "
    "garden gift glass gold green hand harvest help herb honey house invoice item jasmine kettle large leaf lemon "
    "light linen list little lookup market matte method mint morning mountain natural new night notes oak offer "
    "open orange order organic paper parcel pattern payment pepper piece pine plum porcelain postage price product "
    "quality quiet rain ready recipe red refill region return river roast rose round sale sand save sea season "
    "second set shade ship shop silver size slow small smoke soft spice spring steel stone stock street summer sun "
    "sweet table tall tea terms thick tin today total touch track tree velvet view warm water weight white whole "
    "wild wind window winter wood wool wrap yellow"
)
_WORDS = _VOCABULARY.split()
_RULES = (
    "margin",
    "padding",
    "color",
    "background-color",
    "border-radius",
    "font-size",
    "line-height",
    "width",
    "gap",
)
_FRAME_MS = 50


class Habit(msgspec.Struct, frozen=True):
    """What a recording is mostly made of."""

    snapshot_share: float
    """Of a recording's bytes; the rest is what happened after."""
    weights: tuple[int, ...]
    """Of moves, added cards, changed texts, changed classes, clicks, scrolls, typing."""


NORMAL = Habit(0.3, (40, 30, 12, 12, 8, 6, 4))
HABITS = {
    "quiet": Habit(0.5, (60, 2, 3, 3, 6, 20, 10)),
    "normal": NORMAL,
    "busy": Habit(0.1, (4, 60, 30, 30, 3, 2, 1)),
}
"""A page that is read, a shop that is used, a page that never stands still."""


def bare_recording(started_at_ms: int) -> bytes:
    """The least a v1 client sends: two events, types 2 and 3, without data."""
    return msgspec.json.encode(
        [
            {"type": int(EventType.FULL_SNAPSHOT), "timestamp": started_at_ms},
            {"type": int(EventType.INCREMENTAL), "timestamp": started_at_ms + 1_000},
        ]
    )


def recording(seed: int, size_bytes: int, started_at_ms: int, habit: Habit = NORMAL) -> bytes:
    """A JSON array of rrweb events of about ``size_bytes`` (never less than a small page's snapshot)."""
    page = _Page(random.Random(seed), started_at_ms, habit)
    parts = [msgspec.json.encode(event) for event in page.first_events(int(size_bytes * habit.snapshot_share))]
    total = sum(len(part) + 1 for part in parts)
    while total < size_bytes:
        part = msgspec.json.encode(page.next_event())
        parts.append(part)
        total += len(part) + 1
    return b"[" + b",".join(parts) + b"]"


def duration_ms(events: bytes) -> int:
    """From a recording's first event to its last."""
    stamps = msgspec.json.decode(events, type=list[_Stamped])
    return stamps[-1].timestamp - stamps[0].timestamp


class _Stamped(msgspec.Struct):
    timestamp: int


class _Page:
    """A page as it grows: hands out events in order of time."""

    def __init__(self, rng: random.Random, now_ms: int, habit: Habit) -> None:
        self._rng = rng
        self._now_ms = now_ms
        self._last_id = 0
        self._parents: list[int] = []
        self._texts: list[int] = []
        self._x, self._y = 400, 300
        self._makers: list[Callable[[], Any]] = [
            self._moves, self._added_card, self._changed_texts, self._changed_classes, self._click, self._scroll, self._typing,
        ]  # fmt: skip
        self._weights = habit.weights

    def first_events(self, snapshot_bytes: int) -> list[Event]:
        head = self._event(
            EventType.META, {"href": "http://shop.example/tea?v=1732366000", "width": 1280, "height": 720}
        )
        return [head, self._event(EventType.FULL_SNAPSHOT, self._snapshot(snapshot_bytes))]

    def next_event(self) -> Event:
        self._now_ms += self._rng.randrange(1, 4) * _FRAME_MS
        return self._event(EventType.INCREMENTAL, self._rng.choices(self._makers, self._weights)[0]())

    def _event(self, kind: EventType, content: Any) -> Event:
        return {"type": int(kind), "data": content, "timestamp": self._now_ms}

    # nodes

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _element(self, tag: str, attributes: dict[str, Any], children: list[Any]) -> Any:
        return {
            "type": int(NodeType.ELEMENT),
            "tagName": tag,
            "attributes": attributes,
            "childNodes": children,
            "id": self._id(),
        }

    def _text(self, text: str) -> Any:
        return {"type": int(NodeType.TEXT), "textContent": text, "id": self._id()}

    def _phrase(self, least: int, most: int) -> str:
        return " ".join(self._rng.choices(_WORDS, k=self._rng.randint(least, most)))

    def _stylesheet(self, size_bytes: int) -> str:
        rules: list[str] = []
        total = 0
        while total < size_bytes:
            body = ";".join(f"{name}:{self._rng.randrange(1, 64)}px" for name in self._rng.sample(_RULES, 4))
            rule = f".{'-'.join(self._rng.choices(_WORDS, k=2))}{{{body};fill:#{self._rng.randrange(1 << 24):06x}}}"
            rules.append(rule)
            total += len(rule)
        return "".join(rules)

    def _icon(self) -> Any:
        points = " ".join(f"{self._rng.uniform(0, 24):.2f}" for _ in range(8))
        return self._element(
            "svg", {"viewBox": "0 0 24 24"}, [self._element("path", {"d": f"M{points}z"}, [])]
        )

    def _card(self) -> Any:
        name, price = (
            self._text(self._phrase(1, 3)),
            self._text(f"{self._rng.randrange(300, 9900) / 100:.2f} €"),
        )
        self._texts += [name["id"], price["id"]]
        picture = (
            f"https://shop.example/img/{self._rng.choice(_WORDS)}.{self._rng.randrange(1 << 32):08x}.webp"
        )
        return self._element(
            "article",
            {"class": f"card card-{self._rng.choice(_WORDS)}", "data-id": str(self._rng.randrange(100_000))},
            [
                self._element("img", {"src": picture, "alt": name["textContent"], "loading": "lazy"}, []),
                self._element("h3", {"class": "card-title"}, [name]),
                self._element("p", {"class": "card-text muted"}, [self._text(self._phrase(6, 24))]),
                self._element("span", {"class": "price"}, [price]),
                self._element(
                    "button",
                    {"type": "button", "class": "button button-small"},
                    [self._icon(), self._text("Add to basket")],
                ),
            ],
        )

    def _snapshot(self, size_bytes: int) -> Any:
        style = self._element("style", {"_cssText": self._stylesheet(int(size_bytes * 0.35))}, [])
        cards = []
        for _ in range(max(1, int(size_bytes * 0.65) // 900)):  # a card is about 900 bytes
            cards.append(self._card())
        grid = self._element("main", {"class": "grid"}, cards)
        self._parents.append(grid["id"])
        search = self._element("input", {"type": "search", "name": "q", "value": ""}, [])
        self._field = search["id"]
        html = self._element(
            "html",
            {"lang": "en"},
            [self._element("head", {}, [style]), self._element("body", {}, [search, grid])],
        )
        doctype = {
            "type": int(NodeType.DOCUMENT_TYPE),
            "name": "html",
            "publicId": "",
            "systemId": "",
            "id": self._id(),
        }
        document = {"type": int(NodeType.DOCUMENT), "childNodes": [doctype, html], "id": self._id()}
        return {"node": document, "initialOffset": {"left": 0, "top": 0}}

    # what happens

    def _added_card(self) -> Any:
        """rrweb sends an added tree node by node, each without its children."""
        adds: list[Any] = []
        self._flatten(self._card(), self._parents[0], adds)
        return {"source": int(Source.MUTATION), "texts": [], "attributes": [], "removes": [], "adds": adds}

    def _flatten(self, node: Any, parent_id: int, adds: list[Any]) -> None:
        children = node.pop("childNodes", [])
        flat = {**node, "childNodes": []} if node["type"] == NodeType.ELEMENT else node
        adds.append({"parentId": parent_id, "nextId": None, "node": flat})
        for child in children:
            self._flatten(child, node["id"], adds)

    def _changed_texts(self) -> Any:
        changed = self._rng.sample(self._texts, min(4, len(self._texts)))
        texts = [{"id": node_id, "value": self._phrase(1, 5)} for node_id in changed]
        return {"source": int(Source.MUTATION), "texts": texts, "attributes": [], "removes": [], "adds": []}

    def _changed_classes(self) -> Any:
        changed = self._rng.sample(range(1, self._last_id), min(6, self._last_id - 1))
        attributes = [
            {"id": node_id, "attributes": {"class": f"is-{self._rng.choice(_WORDS)}"}} for node_id in changed
        ]
        return {
            "source": int(Source.MUTATION),
            "texts": [],
            "attributes": attributes,
            "removes": [],
            "adds": [],
        }

    def _moves(self) -> Any:
        positions = []
        for back in range(10, 0, -1):
            self._x = min(1279, max(0, self._x + self._rng.randrange(-40, 41)))
            self._y = min(719, max(0, self._y + self._rng.randrange(-30, 31)))
            positions.append(
                {
                    "x": self._x,
                    "y": self._y,
                    "id": self._rng.randrange(1, self._last_id),
                    "timeOffset": -back * _FRAME_MS,
                }
            )
        return {"source": int(Source.MOUSE_MOVE), "positions": positions}

    def _click(self) -> Any:
        return {
            "source": int(Source.MOUSE_INTERACTION), "type": int(MouseInteraction.CLICK),
            "id": self._rng.choice(self._texts), "x": self._x, "y": self._y, "pointerType": 0,
        }  # fmt: skip

    def _scroll(self) -> Any:
        return {"source": int(Source.SCROLL), "id": 1, "x": 0, "y": self._rng.randrange(4000)}

    def _typing(self) -> Any:
        return {
            "source": int(Source.INPUT),
            "text": "*" * self._rng.randrange(1, 20),
            "isChecked": False,
            "id": self._field,
        }
