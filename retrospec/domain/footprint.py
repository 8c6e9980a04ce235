"""What a session did where: clicks in vain, refused fields and requests, as plain facts of one recording."""

import msgspec

from retrospec.domain.finding import Outcome
from retrospec.domain.marker import Control


class Press(msgspec.Struct, kw_only=True):
    """A click that came to nothing."""

    page: str
    """Address or path of the page."""
    sort: str
    """``rage`` or ``dead``."""
    t_ms: int
    x: int
    """In the document, CSS pixels; -1 where the recording does not tell."""
    y: int
    width: int
    """Of the viewport; 0 where unknown."""
    control: Control | None = None


class Refused(msgspec.Struct, kw_only=True):
    """A field that a form refused, however often."""

    page: str
    form: str
    field: str
    rule: str
    """The ``ValidityState`` flag; empty where the page itself refused."""
    t_ms: int
    times: int = 1
    outcome: Outcome = Outcome.UNKNOWN


class Call(msgspec.Struct, kw_only=True):
    """A request that came to an end."""

    method: str
    url: str
    failed: bool
    t_ms: int


class Footprint(msgspec.Struct, kw_only=True):
    """All of a session's."""

    presses: list[Press] = []
    refusals: list[Refused] = []
    calls: list[Call] = []
