"""What a start loads: it is measured in seconds, and those are imports. (``retrospec bench stored`` has the seconds.)"""

import subprocess
import sys
from pathlib import Path

from argon2 import PasswordHasher

from retrospec.accounts import secrets

STARTED = """
import asyncio, sys
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.cli.serve import serve
from retrospec import serving
from retrospec.storage.migrate import migrate

settings = Settings(storage=StorageSettings(dir=sys.argv[1]))
settings.replay.render, settings.confirmation.checker = "off", "none"
migrate(settings.database_url)

async def start():
    app = serving.create_app(settings)
    async with serving.running_parts(app, settings):
        print(*sorted(sys.modules))

asyncio.run(start())
"""
AFTERWARDS = {"numpy", "av", "PIL", "playwright", "apprise", "symbolic", "opentelemetry.sdk", "alembic", "joserfc", "httpx", "hypothesis"}
"""Imported by the first recording, film, alert, source map, sign-in by a provider: 0.05 to 0.5 s each."""


def test_a_start_loads_nothing_that_only_later_work_needs(tmp_path: Path) -> None:
    run = [sys.executable, "-c", STARTED, str(tmp_path)]
    subprocess.run(run, check=True, timeout=120, capture_output=True)  # makes the database, which takes Alembic
    loaded = set(subprocess.run(run, check=True, timeout=120, capture_output=True, text=True).stdout.split())
    assert {"litestar", "sqlalchemy", "huey"} <= loaded
    assert not loaded & AFTERWARDS


async def test_a_password_of_nobody_costs_what_anybodys_costs() -> None:
    """A hash made at each start took as long as a sign-in; the one that is written down has the same cost to check."""
    present = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    assert not present.check_needs_rehash(secrets._NOBODYS_HASH)
    assert not await secrets.is_password("", None)
    assert not secrets._HASHER.check_needs_rehash(secrets._NOBODYS_HASH)
