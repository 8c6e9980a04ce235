"""Every bench that ``retrospec bench all`` runs: a line each. To add one, write ``figures(note) -> list[Figure]`` and name it here."""

from importlib import import_module

import msgspec

from retrospec.bench.figures import Figure, Note


class Bench(msgspec.Struct, frozen=True):
    """One bench: what it is called, what it tells, where it is, and what measures the same again."""

    name: str
    about: str
    place: str
    """``module:function``; imported when it runs."""
    command: str
    picture: str = ""
    """File it draws (``picture_file``)."""


STAND = "python -m tests.servers.stand"
"""Runs what follows while a PostgreSQL and an S3 server stand ready."""

BENCHES = (
    Bench("ingest", "Whole sessions over wire v1, two calls each", "retrospec.bench.ingest_figures:figures", "retrospec bench ingest --spawn --size 1MB"),
    Bench("report", "From the end of a visit to its report", "retrospec.bench.report_delay:figures", "retrospec bench report"),
    Bench("analyze", "Stage 1: how right and how fast it reads", "retrospec.bench.analyze_figures:figures", "retrospec bench analyze"),
    Bench("render", "Stage 2: verdicts, films, memory", "retrospec.bench.render_figures:figures", "retrospec bench render"),
    Bench("cluster", "Grouping on labelled sets, and how fast", "retrospec.bench.cluster_figures:figures", "retrospec bench cluster --data grouping-data"),
    Bench("redact", "Redaction: recall, harmless texts, speed", "retrospec.bench.redact_figures:figures", "retrospec bench redact"),
    Bench("stored", "Start and clean-up with 100,000 sessions stored", "retrospec.bench.operating_figures:stored", "retrospec bench stored"),
    Bench("day", "A day of visits in fast time", "retrospec.bench.operating_figures:day", "retrospec bench day"),
    Bench("pages", "Every page over 100,000 sessions, 10,000 issues, 1 M markers", "retrospec.bench.pages:figures", "retrospec bench pages"),
    Bench("small", "10,000 sessions on one core with 1 GB", "retrospec.bench.operating_figures:small", "retrospec bench small"),
    Bench("crash", "Ends of the server's life under load", "retrospec.bench.operating_figures:crash", "retrospec bench crash --kills 200"),
    Bench("growth", "What grows with what is stored", "retrospec.bench.growth:figures", "retrospec bench growth", "growth.svg"),
    Bench("soak", "Mixed load with faults", "retrospec.bench.soak:figures", "retrospec bench soak --minutes 120"),
    Bench("large", "PostgreSQL and S3 against SQLite and disk", "retrospec.bench.large_stand:large", f"{STAND} retrospec bench large"),
    Bench(
        "large_pages", "Every page over 1 M sessions, 10,000 issues, 5 M markers on PostgreSQL", "retrospec.bench.large_stand:large_pages",
        "retrospec bench pages --database postgresql://… --sessions 1000000 --markers 5000000",
    ),
    Bench("outage", "Two servers and two workers, each killed; PostgreSQL and S3 stopped for 30 s", "retrospec.bench.large_stand:outage", "python -m tests.servers.outage"),
    Bench("scale", "Two servers foretold from one", "retrospec.bench.large_stand:scale", f"{STAND} retrospec bench scale --simulate"),
    Bench("sdk", "The SDK: size, main-thread time, bytes, last moments", "bench.sdk:figures", "python -m bench.sdk"),
)


def measure(bench: Bench, note: Note) -> list[Figure]:
    """Run it here and now. Raises Lacking, and whatever the bench raises."""
    module, _, function = bench.place.partition(":")
    found: list[Figure] = getattr(import_module(module), function)(note)
    return found

