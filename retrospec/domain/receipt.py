"""Receipts: what the server can vouch for of a marker, by a pure rule over what is stored."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from retrospec.domain.marker import Marker
from retrospec.domain.window import AFTER_MS, BEFORE_MS


class Vouched(StrEnum):
    """What became of a marker, or of a session's replay."""

    WITH_REPLAY = "with_replay"
    WITHOUT_REPLAY = "without_replay"
    EXPIRED = "expired"
    """The recording went past its retention; what issues counted lives on."""
    LOST = "lost"


class Receipt(msgspec.Struct, frozen=True):
    """A state, and why in one clause; with a replay, what is wrong with it, if anything."""

    state: Vouched
    reason: str = ""

    @property
    def has_replay(self) -> bool:
        """Whether a link to the replay leads to one."""
        return self.state is Vouched.WITH_REPLAY


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A stored chunk; times are client epoch milliseconds, 0 where it has no event that tells."""

    tab_id: str
    seq: int
    first_ms: int
    last_ms: int
    snapshot_ms: int
    """Its first whole picture of a page; 0 where it has none, -1 where that was not looked at."""


class Kept(msgspec.Struct, kw_only=True):
    """What is known of a session's recording."""

    pieces: Sequence[Piece]
    """By tab and number."""
    dropped: Mapping[str, int] = {}
    """What the browser reported it gave up, by reason."""
    damaged: str = ""
    """Why the stored recording cannot be read; empty where it can, as far as is known."""


class Hole(msgspec.Struct, frozen=True):
    """Chunks of a tab that never arrived, and the stretch they would have covered."""

    tab_id: str
    first_seq: int
    last_seq: int
    start_ms: int
    end_ms: int


NO_RECORDING = "no recording arrived"
NO_PICTURE = "no whole picture of a page arrived"
STEPPED_DOWN = "governor"
"""Counts how often, not how much was lost by it."""
WHY_DROPPED = {
    STEPPED_DOWN: "the recorder stepped down to markers only to spare the page",
    "markers_only": "the recorder sent markers only",
    "sampled": "the visit was sampled for markers only",
    "paused": "recording was paused",
    "max_events": "the recorder had reached its limit of events",
    "backlog": "too much waited to be sent",
    "too_large": "a piece was too large to be sent",
    "event_too_large": "an event was too large to be sent",
    "spool_expired": "what waited in the browser grew too old",
    "spool_unavailable": "the browser keeps nothing while it waits to be sent",
    "early_input": "what was done before the recorder was ready",
    "second_part": "a part of the recorder could not be loaded",
    "canvas": "drawings on a canvas are not recorded",
    "csp": "the page's policy forbade sending",
    "sdk_fault": "the recorder itself failed",
    "marker_limit": "markers past the page's limit",
    "marker_repeated": "repeats of a marker already sent",
    "markers_past_limit": "markers past the session's limit (limits.max_markers)",
}
"""What the reasons in ``dropped`` mean; one that is not listed is shown as it came."""
_STOPS_RECORDING = ("governor", "markers_only", "sampled", "paused", "max_events", "backlog", "too_large", "csp", "sdk_fault", "spool_expired")
"""Reasons for which a recording may be missing, most telling first."""
_REFUSED = "refused_"


def receipt_of(at_ms: int, kept: Kept) -> Receipt:
    """The receipt of a marker at ``at_ms`` (client epoch): is the window around it stored in any tab?

    Cost: linear in the session's chunks.
    """
    whole = session_receipt(kept)
    if not whole.has_replay:
        return whole
    tabs: dict[str, list[Piece]] = {}
    for piece in kept.pieces:
        tabs.setdefault(piece.tab_id, []).append(piece)
    answers = [_in_tab(at_ms, pieces, kept.dropped) for pieces in tabs.values()]
    return min(answers, key=lambda answer: (not answer.has_replay, bool(answer.reason)))


def receipts_of_markers(markers: Iterable[Marker], client_ms: Mapping[str, int], kept: Kept) -> dict[str, Receipt]:
    """The receipt of each marker by its id; ``client_ms`` has the moments of those whose client sent one."""
    zero_ms = min((piece.first_ms for piece in kept.pieces if piece.first_ms > 0), default=0)
    return {
        marker.id: receipt_of(client_ms.get(marker.id, 0) or zero_ms + marker.replay_offset_ms, kept)
        for marker in markers
    }


def session_receipt(kept: Kept) -> Receipt:
    """Whether there is anything to play at all."""
    if kept.damaged:
        return Receipt(Vouched.WITHOUT_REPLAY, f"the stored recording cannot be read: {kept.damaged}")
    shown = [piece for piece in kept.pieces if piece.first_ms > 0 or piece.snapshot_ms]
    if any(piece.snapshot_ms for piece in shown):
        return Receipt(Vouched.WITH_REPLAY)
    return Receipt(Vouched.WITHOUT_REPLAY, _why(kept.dropped) or (NO_PICTURE if kept.pieces else NO_RECORDING))


def lost_receipt(reason: str) -> Receipt:
    """Of a marker that the browser made and gave up for ``reason``."""
    return Receipt(Vouched.LOST, _words(reason))


def expired_receipt(at: datetime) -> Receipt:
    """Of a session that went past its retention at ``at``."""
    return Receipt(Vouched.EXPIRED, f"expired on {at.day} {at:%B %Y}")


def holes_in(pieces: Sequence[Piece]) -> list[Hole]:
    """Numbers that are missing between a tab's stored chunks, or before its first."""
    found: list[Hole] = []
    last: Piece | None = None
    for piece in pieces:
        if last is not None and last.tab_id != piece.tab_id:
            last = None
        expected = 0 if last is None else last.seq + 1
        if piece.seq > expected:
            start_ms = 0 if last is None else last.last_ms
            found.append(Hole(piece.tab_id, expected, piece.seq - 1, start_ms, piece.first_ms))
        last = piece
    return found


def losses_of(kept: Kept) -> list[str]:
    """A clause for everything that is known to be lost, the largest first."""
    lines = [
        f"{_numbers(hole)} of a tab never arrived" for hole in holes_in(kept.pieces)
    ]
    by_size = sorted(kept.dropped.items(), key=lambda entry: (-entry[1], entry[0]))
    return lines + [_loss(reason, count) for reason, count in by_size if count > 0]


def _in_tab(at_ms: int, pieces: Sequence[Piece], dropped: Mapping[str, int]) -> Receipt:
    timed = [piece for piece in pieces if piece.first_ms > 0]
    pictures = [piece.snapshot_ms if piece.snapshot_ms > 0 else piece.first_ms for piece in timed if piece.snapshot_ms]
    if not timed or not pictures:
        return Receipt(Vouched.WITHOUT_REPLAY, _why(dropped) or NO_PICTURE)
    if min(pictures) > at_ms + AFTER_MS:
        return Receipt(Vouched.WITHOUT_REPLAY, _why(dropped) or f"the recording begins {_seconds(min(pictures) - at_ms)} later")
    end_ms = max(piece.last_ms for piece in timed)
    if end_ms < at_ms - BEFORE_MS:
        return Receipt(Vouched.WITHOUT_REPLAY, _why(dropped) or f"the recording ends {_seconds(at_ms - end_ms)} before it")
    return _across_holes(at_ms, pieces, pictures)


def _across_holes(at_ms: int, pieces: Sequence[Piece], pictures: Sequence[int]) -> Receipt:
    picture_ms = max((at for at in pictures if at <= at_ms), default=min(pictures))
    for hole in holes_in(pieces):
        if hole.start_ms <= at_ms <= hole.end_ms:
            return Receipt(Vouched.WITHOUT_REPLAY, f"{_numbers(hole)} never arrived")
        if picture_ms < hole.end_ms <= at_ms:
            return Receipt(Vouched.WITH_REPLAY, f"{_numbers(hole)} before it never arrived, so the page may look different")
    return Receipt(Vouched.WITH_REPLAY)


def _loss(reason: str, count: int) -> str:
    return _words(reason) if reason == STEPPED_DOWN else f"{count:,} lost: {_words(reason)}"


def _why(dropped: Mapping[str, int]) -> str:
    refused = next((reason for reason in dropped if reason.startswith(_REFUSED)), "")
    reason = next((reason for reason in _STOPS_RECORDING if dropped.get(reason)), refused)
    return _words(reason) if reason else ""


def _words(reason: str) -> str:
    if reason.startswith(_REFUSED):
        return f"the server refused it (status {reason.removeprefix(_REFUSED)})"
    return WHY_DROPPED.get(reason, reason.replace("_", " "))


def _numbers(hole: Hole) -> str:
    one = hole.first_seq == hole.last_seq
    return f"chunk {hole.first_seq}" if one else f"chunks {hole.first_seq} to {hole.last_seq}"


def _seconds(ms: int) -> str:
    return f"{max(1, round(ms / 1_000)):,} s"
