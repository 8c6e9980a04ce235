"""What the front door lets in when work or disk space runs short: everything, what has markers, or nothing.

A refusal is polite: the SDK keeps what was refused and sends it again after ``Retry-After``.
"""

from enum import IntEnum

import msgspec

from retrospec.domain.errors import StorageFull, TooManyRequests
from retrospec.domain.settings import Settings

MARKERS_UNTIL = 2
"""Chunks with markers are taken until the backlog is this many times its limit."""
RETRY_BACKLOG_S = 15.0
RETRY_DISK_S = 60.0


class Room(IntEnum):
    """How much the disk still takes."""

    OPEN = 0
    MARKERS_ONLY = 1
    """Recordings are no longer kept, what failed is."""
    FULL = 2


class Admission(msgspec.Struct, kw_only=True):
    """The state of the door; the governor keeps it current, the intake asks it."""

    settings: Settings
    backlog: int = 0
    """Sessions that wait for a worker."""
    room: Room = Room.OPEN
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Refusals by reason (``backlog``, ``disk``) and recordings left out (``events``)."""

    def admit(self, *, has_markers: bool) -> None:
        """Raises TooManyRequests or StorageFull where this cannot be taken now."""
        if self.room is Room.FULL or (self.room is Room.MARKERS_ONLY and not has_markers):
            self._note("disk")
            raise StorageFull("The server's disk is full; what has failures is taken longest.", retry_after_s=RETRY_DISK_S)
        limit = self.settings.limits.max_backlog
        if limit and self.backlog > limit * (MARKERS_UNTIL if has_markers else 1):
            self._note("backlog")
            raise TooManyRequests(
                f"The server is behind by {self.backlog:,} sessions; try again later.", retry_after_s=RETRY_BACKLOG_S
            )

    def kept_events(self, events: bytes) -> bytes:
        """``events``, or an empty array while only markers are kept."""
        if self.room is Room.OPEN:
            return events
        self._note("events")
        return b"[]"

    @property
    def notice(self) -> str:
        """What every page should say; empty when all is well."""
        if self.room is Room.FULL:
            return "The disk is full: nothing is taken in until there is room. See Health."
        if self.room is Room.MARKERS_ONLY:
            return "The disk is nearly full: failures are kept, recordings are not. See Health."
        limit = self.settings.limits.max_backlog
        if limit and self.backlog > limit:
            return f"{self.backlog:,} sessions wait to be judged; new ones without failures are asked to wait."
        return ""

    def _note(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
