"""Footage: what a replay showed around each finding, as plain data.

Made by ``replay`` from a real browser's screen, judged by ``confirmation``. All boxes are CSS
pixels of the recorded viewport; a picture has ``scale`` times as many.
"""

import msgspec

from retrospec.domain.visual import Box


class Line(msgspec.Struct, rename="camel", omit_defaults=True):
    """One run of text that is in view."""

    node_id: int
    text: str
    box: Box
    red: bool = False
    """Its colour, background or border is a warning red."""
    live: bool = False
    """In an element announced as an alert (``role=alert``, ``aria-live=assertive``, alert dialog)."""
    marked: bool = False
    """In an element whose class or id speaks of errors, toasts or alerts."""
    covered: bool = False


class Thing(msgspec.Struct, rename="camel", omit_defaults=True):
    """A spinner, dialog, refused field or unreplayable area that is in view."""

    kind: str
    """``spinner``, ``dialog``, ``invalid``, or for areas: ``canvas``, ``video``, ``frame``, ``image``, ``blocked``."""
    node_id: int
    box: Box
    text: str = ""


class Point(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a person's click or key hit."""

    found: bool = False
    """Whether the node is in the replayed page."""
    node_id: int = 0
    tag: str = ""
    text: str = ""
    box: Box | None = None
    control: bool = False
    """It looks as if a click on it did something: a control, a link, a hand cursor."""
    editable: bool = False
    disabled: bool = False
    leads_away: bool = False
    """Its effect would not show on this page: a new tab, a download, a mail or phone link, a file picker."""
    blind: str = ""
    """Why a replay cannot show it (``canvas``, ``frame``, ...), else empty."""


class Facts(msgspec.Struct, rename="camel", omit_defaults=True):
    """What the page's own structure says of one shot."""

    url: str = ""
    visible_elements: int = 0
    text_chars: int = 0
    lines: list[Line] = []
    things: list[Thing] = []
    scroll_y: int = 0
    node_count: int = 0
    cut: bool = False
    """The page was too large to be read to the end."""


class Shot(msgspec.Struct, rename="camel"):
    """One picture of the replay with its facts."""

    t_ms: int
    image: bytes
    """PNG."""
    scale: float
    width: int
    """Of the viewport, CSS pixels."""
    height: int
    page: int
    """Which page load of the recording; grows with every full snapshot of a new document."""
    facts: Facts


class Act(msgspec.Struct, rename="camel", omit_defaults=True):
    """The person's deed a finding follows from."""

    kind: str
    """``click`` or ``input``."""
    start_ms: int
    """Button down of the first click of a series."""
    end_ms: int
    """Last click of the series."""
    count: int = 1
    node_id: int = 0
    x: int = -1
    y: int = -1


class Look(msgspec.Struct, rename="camel", omit_defaults=True):
    """The shots that belong to one finding; indexes into ``Footage.shots``."""

    finding_id: str
    t_ms: int
    act: Act | None = None
    point: Point = msgspec.field(default_factory=Point)
    before: list[int] = []
    """Before the deed, in order; the last one is right before it."""
    after: list[int] = []
    """From the deed (or the finding's moment) on, in order."""
    until_ms: int = 0
    """Up to here what changed follows from this deed: then the person did something else."""
    until: str = ""
    """Why it ends there: ``window``, ``click``, ``input``, ``scroll``, ``end``."""
    loads: list[int] = []
    """Times of page loads within the window, after the deed."""
    stirs: int = 0
    """Events up to ``until_ms`` that may have changed something, seen or not."""
    stirs_later: bool = False
    """The page changed again between ``until_ms`` and the person's next click."""
    reason: str = ""
    """Why there is nothing to see, when ``after`` is empty."""


class Footage(msgspec.Struct, rename="camel", omit_defaults=True):
    """All that was looked at. ``status`` is ``ready``, ``failed`` or ``skipped``; see ``reason``."""

    status: str
    reason: str = ""
    shots: list[Shot] = []
    looks: list[Look] = []
    notes: list[str] = []
    """What the replay could not show, and where the browser ran less guarded than it could."""
    browser: str = ""
    elapsed_ms: int = 0


class Film(msgspec.Struct, rename="camel", omit_defaults=True):
    """One encoded video. ``status`` as in Footage; ``ready`` means the file is whole."""

    status: str
    reason: str = ""
    path: str = ""
    content_type: str = "video/webm"
    start_ms: int = 0
    end_ms: int = 0
    """The stretch of the session it shows; second 0 of the video is ``start_ms``."""
    duration_ms: int = 0
    frames: int = 0
    size_bytes: int = 0
    elapsed_ms: int = 0
    cut: str = ""
    """Why it ends before the session does; empty when it does not."""
