"""The figures of ``retrospec bench ingest`` over the sizes a server meets, each on a server of its own."""

from retrospec.bench.figures import Figure, Note, counted
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.light import run_light
from retrospec.bench.spawned import spawned_server

QUIET = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}
LARGE_BYTES = 500_000
"""What recordings above this cost is held against a goal for each MB."""
WARM_UP = (20, 4, 20_000)
"""A server's first sessions load what later ones find loaded: some 0.1 s, which is not what a MB costs."""
LOADS = ((400, 20, 0), (100, 20, 100_000), (60, 20, 1_000_000), (20, 4, 5_800_000))
"""Sessions, how many at once, and the size of each recording."""


def figures(note: Note) -> list[Figure]:
    """Some minutes."""
    found: list[Figure] = []
    for number, (sessions, at_once, size_bytes) in enumerate(LOADS):
        with spawned_server(QUIET) as server:
            if size_bytes > LARGE_BYTES:
                run_light(run_load(Load(server.url, server.key, *WARM_UP, 2, server.pid)))
            outcome = run_light(run_load(Load(server.url, server.key, sessions, at_once, size_bytes, 1, server.pid)))
        what = "bare sessions" if not size_bytes else f"{size_bytes / 1e6:g} MB recordings"
        found += _of(outcome, what)
        if size_bytes > LARGE_BYTES:
            with spawned_server(QUIET) as server:
                run_light(run_load(Load(server.url, server.key, *WARM_UP, 2, server.pid)))
                alone = Load(server.url, server.key, sessions, at_once, size_bytes, 1, server.pid, recordings_alone=True)
                found += _taken_in(run_light(run_load(alone)), what)
        note("load", number + 1, len(LOADS))
    return found


def _taken_in(outcome: Outcome, what: str) -> list[Figure]:
    """Checked, redacted, compressed and stored, with nothing read beside it."""
    if outcome.cpu_until_answered_s is None:
        return []
    each = outcome.cpu_until_answered_s * 1_000 / (outcome.sessions * outcome.recording_bytes / 1e6)
    beside = f"{each / outcome.yardstick_ms_per_mb:.1f} x a plain decode of the same; {outcome.mb_per_s:.1f} MB/s; {outcome.failures} refused"
    return [Figure(name=f"{what}: CPU to take them in", goal="<= 14 ms a MB", reached=f"{each:.1f} ms a MB", is_met=each <= 14 and not outcome.failures, beside=beside)]


def _of(outcome: Outcome, what: str) -> list[Figure]:
    latencies = f"p50 {outcome.p50_ms:.0f}, p95 {outcome.p95_ms:.0f}, p99 {outcome.p99_ms:.0f} ms a session of two calls"
    rate = Figure(name=f"{what}: sessions", reached=f"{outcome.sessions_per_s:.0f}/s", beside=latencies)
    if not outcome.cpu_ms_per_mb:
        rate = Figure(name=rate.name, reached=rate.reached, beside=rate.beside, goal=">= 300/s", is_met=outcome.sessions_per_s >= 300)
    return [counted(f"{what}: failed or without a report", "0", outcome.failures + outcome.still_pending), rate, *_cost(outcome, what), *_memory(outcome, what)]


def _cost(outcome: Outcome, what: str) -> list[Figure]:
    if not outcome.cpu_ms_per_mb or outcome.cpu_until_answered_s is None:
        return []
    answering = outcome.cpu_until_answered_s * 1_000 / (outcome.sessions * outcome.recording_bytes / 1e6)
    is_large = outcome.recording_bytes > LARGE_BYTES
    return [
        Figure(
            name=f"{what}: CPU until answered, with what is read meanwhile", goal="<= 14 ms a MB" if is_large else "", reached=f"{answering:.1f} ms a MB",
            is_met=not is_large or answering <= 14, beside=f"{answering / outcome.yardstick_ms_per_mb:.1f} x a plain decode of the same",
        ),
        Figure(
            name=f"{what}: throughput", goal=">= 60 MB/s" if is_large else "", reached=f"{outcome.mb_per_s:.1f} MB/s",
            is_met=not is_large or outcome.mb_per_s >= 60, beside=f"{outcome.cpu_ms_per_mb:.1f} ms CPU a MB with the reports",
        ),
    ]  # fmt: skip


def _memory(outcome: Outcome, what: str) -> list[Figure]:
    is_warm = outcome.recording_bytes > LARGE_BYTES
    idle, peak, lag = outcome.resident_idle_mb or 0.0, outcome.resident_peak_mb or 0.0, outcome.loop_lag_max_ms
    found = [Figure(name=f"{what}: resident peak", goal="<= 250 MB", reached=f"{peak:.0f} MB", is_met=peak <= 250, beside=f"before, {'warmed up' if is_warm else 'idle'}, {idle:.0f} MB{'' if is_warm else ' (asked <= 120)'}")]
    if lag is not None:
        found.append(Figure(name=f"{what}: loop blocked at most", goal="<= 50 ms", reached=f"{lag:.0f} ms", is_met=lag <= 50))
    return found
