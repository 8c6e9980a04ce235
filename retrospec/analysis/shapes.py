"""rrweb events as typed shapes: only the parts analysis reads are decoded (source: @rrweb/types 2.1).

Attributes stay JSON text until someone asks: a page has fifty times more of them than are ever read.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

NO_ATTRIBUTES = Raw(b"{}")


class Node(Struct, rename="camel", eq=False):
    """A node of a snapshot; it lives on as a node of the mirror."""

    id: int
    type: int = 2
    tag_name: str = ""
    attributes: Raw = NO_ATTRIBUTES
    child_nodes: list["Node"] = []
    text_content: str | None = None
    parent: Any = msgspec.field(default=None, name="~parent")
    """The parent Node while in a mirror (set there, whatever the JSON said)."""
    altered: Any = msgspec.field(default=None, name="~altered")
    """The attributes as a dict once a mutation changed them (reset on entering a mirror)."""
    look: Any = msgspec.field(default=-1, name="~look")
    """``looks.Look`` bits once asked for; -1 before."""


class Added(Struct, rename="camel"):
    """One node that came."""

    parent_id: int
    node: Node
    next_id: int | None = None


class Removed(Struct, rename="camel"):
    """One node that went."""

    id: int


class Retexted(Struct, rename="camel"):
    """One text node that changed."""

    id: int
    value: str | None = None


class Reattributed(Struct, rename="camel"):
    """One element whose attributes changed."""

    id: int
    attributes: dict[str, Any] = {}


class Mutation(Struct, rename="camel"):
    """``data`` of an incremental event of source 0."""

    adds: list[Added] = []
    removes: list[Removed] = []
    texts: list[Retexted] = []
    attributes: list[Reattributed] = []


class Gesture(Struct, rename="camel"):
    """``data`` of the small incremental events: mouse, scroll, input, media, focus."""

    source: int = -1
    type: int | None = None
    id: int | None = None
    x: float | None = None
    y: float | None = None
    text: str | None = None
    is_checked: bool | None = None
    width: float | None = None


class PageMeta(Struct):
    """``data`` of a meta event."""

    href: str = ""
    width: float = 0
    height: float = 0


class Offset(Struct):
    """How far a page is scrolled."""

    left: float = 0
    top: float = 0


class Snapshot(Struct, rename="camel"):
    """``data`` of a full snapshot."""

    node: Node
    initial_offset: Offset | None = None


class Custom(Struct):
    """``data`` of a custom event."""

    tag: str = ""
    payload: Any = None


class Plugin(Struct):
    """``data`` of a plugin event."""

    plugin: str = ""
    payload: Any = None


class HeadData(Struct):
    """What ordering needs of ``data``."""

    source: int = -1


class Head(Struct, rename="camel"):
    """What ordering needs of an event."""

    type: int
    timestamp: float | None = None
    data: HeadData | None = None
    tab_id: str = ""


class LooseHead(Struct):
    """An event whose ``data`` is of no known shape."""

    type: int
    timestamp: float | None = None


class MutationEvent(Struct):
    """An event with a mutation."""

    data: Mutation


class GestureEvent(Struct):
    """An event with a small incremental ``data``."""

    data: Gesture


class MetaEvent(Struct):
    """A meta event."""

    data: PageMeta


class SnapshotEvent(Struct):
    """A full-snapshot event."""

    data: Snapshot


class CustomEvent(Struct):
    """A custom event."""

    data: Custom


class PluginEvent(Struct):
    """A plugin event."""

    data: Plugin
