"""What the server can vouch for of a marker, from what is stored."""

import pytest

from retrospec.domain.receipt import Kept, Piece, Vouched, losses_of, receipt_of, session_receipt

T = 1_700_000_000_000
WITH, WITHOUT = Vouched.WITH_REPLAY, Vouched.WITHOUT_REPLAY


def piece(seq: int, start_s: float, end_s: float, *, snapshot_s: float | None = None, tab: str = "t1") -> Piece:
    """A chunk of seconds ``[start_s, end_s]``; without events where both are negative."""
    is_empty = end_s < 0
    return Piece(
        tab_id=tab,
        seq=seq,
        first_ms=0 if is_empty else T + round(start_s * 1_000),
        last_ms=0 if is_empty else T + round(end_s * 1_000),
        snapshot_ms=0 if snapshot_s is None else T + round(snapshot_s * 1_000),
    )


WHOLE = [piece(0, 0, 10, snapshot_s=0.2), piece(1, 10, 20), piece(2, 20, 30)]
NO_SNAPSHOT = [piece(0, 0, 10), piece(1, 10, 20)]


@pytest.mark.parametrize(
    ("at_s", "pieces", "dropped", "state", "reason"),
    [
        (15, WHOLE, {}, WITH, ""),
        (-1, WHOLE, {}, WITH, ""),
        (31.9, WHOLE, {}, WITH, ""),
        (45, WHOLE, {}, WITHOUT, "the recording ends 15 s before it"),
        (-60, WHOLE, {}, WITHOUT, "the recording begins 60 s later"),
        (15, [], {}, WITHOUT, "no recording arrived"),
        (15, NO_SNAPSHOT, {}, WITHOUT, "no whole picture of a page arrived"),
        (15, NO_SNAPSHOT, {"governor": 3}, WITHOUT, "the recorder stepped down to markers only to spare the page"),
        (15, [piece(0, -1, -1)], {"sampled": 1}, WITHOUT, "the visit was sampled for markers only"),
        (45, WHOLE, {"max_events": 9}, WITHOUT, "the recorder had reached its limit of events"),
        (15, [], {"refused_413": 1}, WITHOUT, "the server refused it (status 413)"),
        (15, [WHOLE[0], WHOLE[2]], {}, WITHOUT, "chunk 1 never arrived"),
        (25, [WHOLE[0], WHOLE[2]], {}, WITH, "chunk 1 before it never arrived, so the page may look different"),
        (35, [WHOLE[0], piece(2, 30, 40, snapshot_s=31)], {}, WITH, ""),
        (5, [piece(2, 0, 10), piece(3, 10, 20)], {}, WITHOUT, "no whole picture of a page arrived"),
    ],
)
def test_a_marker_is_stored_with_its_replay_or_says_why_not(
    at_s: float, pieces: list[Piece], dropped: dict[str, int], state: Vouched, reason: str
) -> None:
    receipt = receipt_of(T + round(at_s * 1_000), Kept(pieces=pieces, dropped=dropped))
    assert (receipt.state, receipt.reason) == (state, reason)


def test_any_tab_that_shows_the_moment_will_do() -> None:
    other = [piece(0, 12, 18, snapshot_s=12.5, tab="t2")]
    kept = Kept(pieces=[WHOLE[0], WHOLE[2], *other])
    assert receipt_of(T + 15_000, kept).has_replay


def test_chunks_stored_before_snapshots_were_looked_for_count_as_playable() -> None:
    old = [Piece(tab_id="", seq=0, first_ms=T, last_ms=T + 9_000, snapshot_ms=-1)]
    assert receipt_of(T + 1_000, Kept(pieces=old)).has_replay


def test_a_recording_that_cannot_be_read_is_no_replay() -> None:
    receipt = session_receipt(Kept(pieces=WHOLE, damaged="the stored recording is damaged"))
    assert not receipt.has_replay
    assert "damaged" in receipt.reason


def test_losses_name_missing_chunks_and_what_the_browser_gave_up() -> None:
    pieces = [WHOLE[0], piece(3, 30, 40), piece(1, 0, 5, tab="t2")]
    kept = Kept(pieces=pieces, dropped={"event_too_large": 2, "canvas": 40, "odd_new_reason": 1, "none": 0})
    assert losses_of(kept) == [
        "chunks 1 to 2 of a tab never arrived",
        "chunk 0 of a tab never arrived",
        "40 lost: drawings on a canvas are not recorded",
        "2 lost: an event was too large to be sent",
        "1 lost: odd new reason",
    ]
