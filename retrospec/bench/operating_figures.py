"""What ``retrospec bench crash``, ``small``, ``day`` and ``stored`` found, beside what was asked."""

from retrospec.bench.crash import Matrix, run_matrix
from retrospec.bench.figures import Figure, Note, counted
from retrospec.bench.light import run_light
from retrospec.bench.operating import Day, SmallMachine, Stored, run_day, run_small, run_stored

RESIDENT_BYTES = 250_000_000
FLAT = 1.15


def crash(note: Note) -> list[Figure]:
    """200 kills: some ten minutes."""
    return of_matrix(run_matrix(200, seed=1, progress=note, points=lambda _: True))


def small(note: Note) -> list[Figure]:
    """10,000 sessions: some five minutes."""
    return of_small(run_small(10_000, 1, 1_000_000_000, note, run_light))


def day(note: Note) -> list[Figure]:
    """Four minutes for a day."""
    return of_day(run_day(240, 7_200, note, run_light))


def stored(note: Note) -> list[Figure]:
    """100,000 sessions are stored first: some five minutes."""
    return of_stored(run_stored(100_000, 1_000, note, run_light))


def of_matrix(matrix: Matrix) -> list[Figure]:
    """A line for everything that must not happen."""
    count, kills = matrix.count, matrix.kills
    beside = f"{matrix.random_kills} at random, {matrix.refusals} refused operations; {count.accepted_sessions:,} sessions and {count.accepted_markers:,} markers accepted"
    return [
        Figure(name="kills", goal=">= 200", reached=f"{kills}", is_met=kills >= 200, beside=beside),
        counted(f"named points not reached, of {len(matrix.points)}", "0", len(matrix.not_reached)),
        counted("lost", "0", len(count.lost)),
        counted("doubled", "0", len(count.doubled)),
        counted("without a final status", "0", count.unfinished),
        counted("given up", "0", count.dead),
        counted("ready but not counted", "0", count.uncounted),
        counted("orphan blobs after the sweep", "0", count.orphans),
        counted(f"damaged database copies, of {matrix.copies_checked}", "0", matrix.copies_damaged),
    ]


def of_small(made: SmallMachine) -> list[Figure]:
    """Failures and memory."""
    outcome, peak = made.outcome, made.outcome.resident_peak_mb or 0.0
    beside = f"{outcome.sessions:,} sessions, {outcome.sessions_per_s:.0f}/s, p99 {outcome.p99_ms:.0f} ms; limited by {made.limited_by.partition(' ')[0]}"
    return [
        counted("failures", "0", outcome.failures + outcome.still_pending),
        Figure(name="resident memory", goal="< 250 MB", reached=f"{peak:.0f} MB", is_met=peak * 1e6 < RESIDENT_BYTES, beside=beside),
    ]


def of_day(made: Day) -> list[Figure]:
    """What must stay flat."""
    growth, budget = made.end_bytes / made.quarter_bytes, made.budget_bytes
    return [
        counted("failures", "0", made.failures),
        Figure(
            name="memory, end against a quarter", goal=f"flat (<= {FLAT})", reached=f"{growth:.2f}", is_met=growth <= FLAT,
            beside=f"{made.end_bytes / 1e6:.0f} MB; {made.sessions:,} sessions, {made.hurry:.0f} times as fast as life",
        ),
        Figure(name="file handles", goal="flat (+ 10)", reached=f"{made.quarter_files} -> {made.end_files}", is_met=made.end_files <= made.quarter_files + 10),
        Figure(
            name="disk within its budget", goal=f"{budget / 1e6:.0f} MB", reached=f"{made.stored_bytes / 1e6:.1f} MB", is_met=made.stored_bytes <= budget,
            beside=made.stored_as,
        ),
    ]  # fmt: skip


def of_stored(made: Stored) -> list[Figure]:
    """The start, and ingest beside a clean-up."""
    ratio = made.disturbed_p99_ms / made.undisturbed_p99_ms
    half = made.sessions // 2
    return [
        Figure(
            name="cold start to healthy", goal="< 2 s", reached=f"{made.start_s:.2f} s", is_met=made.start_s < 2,
            beside=f"its CPU {made.start_cpu_s:.2f} s; with nothing stored {made.empty_start_s:.2f} s, CPU {made.empty_start_cpu_s:.2f} s",
        ),
        Figure(
            name="ingest p99 beside the deletion", goal="< 2 x", reached=f"{ratio:.2f} x", is_met=ratio < 2,
            beside=f"medians {made.undisturbed_p99_ms:.0f} -> {made.disturbed_p99_ms:.0f} ms; in turn {', '.join(f'{quiet:.0f} -> {busy:.0f}' for quiet, busy in made.rounds)}",
        ),
        Figure(name="deleted", goal=f"{half:,}", reached=f"{made.deleted:,}", is_met=made.deleted > half * 0.8, beside=f"in {made.delete_s:.0f} s"),
    ]  # fmt: skip
