"""The figures of a bench on a terminal: rich tables, and a bar while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from retrospec.bench import ingest
from retrospec.bench.ingest import Outcome

_LEGENDS = {"ingest": "sending sessions", "reports": "waiting for reports"}


@contextmanager
def progress_bar(console: Console) -> Iterator[ingest.Progress]:
    """A bar per phase on a terminal; silence elsewhere."""
    if not console.is_terminal:
        yield ingest.no_progress
        return
    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(_LEGENDS.get(phase, phase))
            bar.update(tasks[phase], completed=done, total=total)

        yield advance


def show_outcome(console: Console, outcome: Outcome) -> None:
    """A table of what ``bench ingest`` measured, then what failed."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, note in _rows(outcome):
        table.add_row(name, value, note)
    console.print(table)
    for sample in outcome.failure_samples:
        console.print(f"  [red]failed[/red] {sample}", highlight=False)


def _rows(outcome: Outcome) -> list[tuple[str, str, str]]:
    size = (
        f"{outcome.recording_bytes / 1e6:.2f} MB"
        if outcome.recording_bytes > 10_000
        else f"{outcome.recording_bytes} bytes"
    )
    answered = outcome.sessions - outcome.failures
    rows = [
        (
            "sessions",
            f"{answered} / {outcome.sessions}",
            f"{outcome.failures} failed; {size} each, {outcome.concurrency} at a time",
        ),
        (
            "throughput",
            f"{outcome.sessions_per_s:.0f} /s",
            f"{outcome.mb_per_s:.1f} MB/s for {outcome.wall_s:.2f} s",
        ),
        ("latency p50", f"{outcome.p50_ms:.0f} ms", "of a whole session: two calls"),
        ("p95 · p99 · worst", f"{outcome.p95_ms:.0f} · {outcome.p99_ms:.0f} · {outcome.worst_ms:.0f} ms", ""),
    ]
    return rows + _report_rows(outcome) + _usage_rows(outcome)


def _report_rows(outcome: Outcome) -> list[tuple[str, str, str]]:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(outcome.report_statuses.items()))
    drained = "never" if outcome.drain_s is None else f"{outcome.drain_s:.2f} s"
    lag = "not told" if outcome.loop_lag_max_ms is None else f"{outcome.loop_lag_max_ms:.0f} ms"
    return [
        ("all reports after", drained, f"{statuses or 'no session was accepted'}; from the last answer"),
        ("worst loop lag", lag, "longest the server's event loop was blocked since its start"),
    ]


def _usage_rows(outcome: Outcome) -> list[tuple[str, str, str]]:
    client = ("this command's CPU", f"{outcome.client_cpu_s:.2f} s", "while sending")
    if outcome.cpu_s is None:
        return [
            ("server CPU, memory", "not measured", "no server process found on this machine: give --pid"),
            client,
        ]
    sent_mb = (outcome.sessions - outcome.failures) * outcome.recording_bytes / 1e6
    note = f"{outcome.cpu_ms_per_session:.1f} ms per session; {outcome.cpu_until_answered_s:.2f} s of it until the last answer"
    if outcome.cpu_ms_per_mb is not None and outcome.cpu_until_answered_s is not None:
        answering = outcome.cpu_until_answered_s * 1_000 / sent_mb
        note = f"per MB: {answering:.1f} ms until the last answer, {outcome.cpu_ms_per_mb:.1f} ms with the reports"
        note += f"; the first is {answering / outcome.yardstick_ms_per_mb:.1f} × a plain JSON decode here"
    children = f"{outcome.resident_peak_children_mb:.0f} MB of the peak in child processes"
    return [
        ("server CPU", f"{outcome.cpu_s:.2f} s", note),
        (
            "this machine",
            f"{outcome.yardstick_ms_per_mb:.1f} ms",
            "CPU to decode 1 MB of such JSON: the yardstick",
        ),
        ("resident idle", f"{outcome.resident_idle_mb:.0f} MB", "before the first request"),
        ("resident peak", f"{outcome.resident_peak_mb:.0f} MB", children),
        client,
    ]
