"""A real server over a folder of its own, and clients that speak to it."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.accounts.keys import new_secret
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer, start_server
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID, Project
from tests.servers.choice import choose_stores

ALL_SCOPES = frozenset({"ingest", "read", "admin", "internal"})
DEADLINE_S = 30.0


SCRATCH = "RETROSPEC_TESTS_SCRATCH"


def pytest_configure(config: pytest.Config) -> None:
    """Whatever browsers, drivers and killed servers leave in the temporary folder goes when the run ends.

    The folders of tests that failed stay where pytest keeps them.
    """
    if SCRATCH in os.environ:  # a worker of the run
        return
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = os.environ[SCRATCH] = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="retrospec-tests-")
    tempfile.tempdir = None
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


LONG_FIRST = (
    "servers", "e2e", "bench", "confirmation/test_corpus.py", "analysis/test_corpus.py", "replay", "vault", "tracing", "pipeline",
    "security/test_schema.py", "security/test_hostile_replay.py", "governor", "jobs", "browser", "demo", "ship", "retention", "docs/test_typed_as_written.py",
)  # fmt: skip
SHORT_LAST = ("domain", "capture", "search", "docs", "issues", "accounts", "cli", "test_structure.py")
"""Files that wait for processes and browsers come first and those that only compute last, whatever their number of tests: a
long file that comes last keeps one worker busy and leaves the others idle. It is about time, never about results."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.path.relative_to(Path(__file__).parent).as_posix()))


def _turn(name: str) -> int:
    for place, start in enumerate(LONG_FIRST):
        if name.startswith(start):
            return place
    return len(LONG_FIRST) + name.startswith(SHORT_LAST)


def settings_for(folder: Path) -> Settings:
    """A free port, no rate limit, no browser, and no waiting longer than a test should."""
    settings = Settings()
    settings.storage.dir = str(folder)
    choose_stores(settings, folder)
    settings.server.port = 0
    settings.server.log_level = "error"
    settings.limits.requests_per_second = 0
    settings.confirmation.checker = "none"
    settings.capture.end_grace_seconds = 0
    settings.capture.idle_seconds = 1
    settings.worker.sweep_seconds = 0.2
    settings.worker.retry_base_seconds = 0.05
    return settings


def make_key(settings: Settings, *, project_id: str = DEFAULT_PROJECT_ID, scopes: frozenset[str] = ALL_SCOPES) -> str:
    """A new key, stored straight into the database; its project is made where missing."""

    async def add() -> str:
        database, secret = Database.open(settings.database_url), new_secret()
        async with database.write() as connection:
            await projects.create_project(connection, Project(project_id, project_id, utc_now()))
            await projects.add_key(
                connection, project_id=project_id, name="test", scopes=scopes, secret=secret, now=utc_now()
            )
        await database.close()
        return secret

    return asyncio.run(add())


_OPENED: list[httpx.Client] = []


def open_http(**given: Any) -> httpx.Client:
    """An HTTP client that is closed when the test's module has ended."""
    _OPENED.append(httpx.Client(**given))
    return _OPENED[-1]


@pytest.fixture(autouse=True, scope="module")
def _opened_clients_are_closed() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


class Client:
    """Speaks wire v1 with one key."""

    def __init__(self, server: RunningServer, key: str) -> None:
        self.http = open_http(base_url=server.url, headers={"X-Retrospec-Key": key}, timeout=DEADLINE_S)

    def upload(self, session_id: str, events: Any = None, site: str = "Shop One") -> httpx.Response:
        events = [{"type": 2}, {"type": 3}] if events is None else events
        body = {"sessionId": session_id, "site": site, "events": events}
        return self.http.post("/v1/artifacts/session-events", json=body)

    def ingest(self, session_id: str, *markers: dict[str, Any], key: str = "", **session: Any) -> httpx.Response:
        about = {
            "id": session_id,
            "site": "Shop One",
            "route": "/checkout",
            "startedAt": datetime.now(UTC).isoformat(),
            "durationMs": 5_000,
            "eventsObjectKey": key,
        }
        return self.http.post("/v1/ingest/session", json={"session": about | session, "markers": list(markers)})

    def send(self, session_id: str, *markers: dict[str, Any], **session: Any) -> httpx.Response:
        """Both calls, as a v1 client makes them."""
        uploaded = self.upload(session_id)
        assert uploaded.status_code == 201, uploaded.text
        return self.ingest(session_id, *markers, key=uploaded.json()["eventsObjectKey"], **session)

    def session(self, session_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/v1/sessions/{session_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["session"]
        return found

    def judged(self, session_id: str) -> dict[str, Any]:
        """The session once its report is no longer pending."""
        return wait_for(lambda: _if_judged(self.session(session_id)))


def _if_judged(session: dict[str, Any]) -> dict[str, Any] | None:
    is_judged = session.get("reportCard", {}).get("status", "pending") != "pending"
    return session if is_judged and session["stage"] in ("done", "dead") else None


def wait_for(look: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """What ``look`` answers once it is true. Fails at the deadline."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    pytest.fail(f"nothing after {deadline_s} s")


def marker(marker_id: str = "m1", **changes: Any) -> dict[str, Any]:
    """A v1 marker: a TypeError at 1.2 s unless changed."""
    return {
        "id": marker_id,
        "clusterKey": "theirs",
        "label": "TypeError: cart.total is not a function",
        "replayOffsetMs": 1_200,
        "kind": "js_exception",
    } | changes


@contextmanager
def serving(settings: Settings) -> Iterator[RunningServer]:
    """A server for the length of the block."""
    server = start_server(settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_for(tmp_path_factory.mktemp("retrospec"))


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[RunningServer]:
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer, settings: Settings) -> Iterator[Client]:
    speaking = Client(server, make_key(settings))
    yield speaking
    speaking.http.close()
