"""Where everything is wired: settings in, a running server out."""

import asyncio
import gc
import itertools
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import quote

import structlog
import uvicorn
import uvloop
from litestar import Litestar, Request, Response
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from retrospec import __version__
from retrospec.accounts.keys import ensure_default_project
from retrospec.accounts.links import new_setup_link
from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.ids import new_id
from retrospec.domain.settings import Settings
from retrospec.intake import Intake
from retrospec.jobs.queue import Doorbell
from retrospec.jobs.ringer import Ringer
from retrospec.jobs.sweep import sweep_forever
from retrospec.lookout import MOST_ASKED, Lookout, Publish, why_not
from retrospec.model_line import ModelLine
from retrospec.pipeline import Look, Pipeline
from retrospec.reader import Reader
from retrospec.retention.expiry import clean_up, sweep_orphans
from retrospec.storage import projects, reports, sessions
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.folder import held_folder
from retrospec.storage.migrate import migrate
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.telemetry import LAG_PROBE_S, Metrics, set_up_logging
from retrospec.traffic import Traffic
from retrospec.vault.store import Vault, dressed
from retrospec.web import api, pages
from retrospec.web.access import KeyRing, RateLimiter
from retrospec.web.api.errors import HANDLERS
from retrospec.web.pages import page_errors
from retrospec.web.tokens import ArtifactTokens, signing_secret

log = structlog.get_logger()

GRACE_S = 2
"""Open requests get this long when the server stops."""
SWITCH_S = 0.0005
"""How soon a thread that reads a recording lets the event loop on: Python's own 5 ms, for each of many
short waits of the loop, added up to half a second under load."""
COMPRESSED_FROM_BYTES = 2_000
ORPHANS_EVERY = 24
"""One orphan sweep every so many clean-ups."""


def create_app(settings: Settings) -> Litestar:
    """The whole product as an ASGI application; it opens and closes everything in its lifespan."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with running_parts(app, settings):
            yield

    return Litestar(
        route_handlers=[*api.routes, *pages.routes],
        lifespan=[lifespan],
        before_request=_name_request,
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=4, minimum_size=COMPRESSED_FROM_BYTES
        ),
        cors_config=CORSConfig(
            allow_origins=settings.server.cors_origins,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Content-Type", "X-Retrospec-Key", "Range"],
            expose_headers=["Retry-After", "Content-Range", "X-Request-Id"],
            max_age=86_400,
        ),
        request_max_body_size=settings.limits.max_body_mb * 1_000_000,
        openapi_config=OpenAPIConfig(
            title="RetroSpec", version=__version__, path="/api/plain", render_plugins=[JsonRenderPlugin()]
        ),
        exception_handlers={
            Exception: _answer_error,
            HTTPException: _answer_error,
            RetroSpecError: _answer_error,
        },
        logging_config=None,
    )


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Where no handler was reached: JSON to programs, a page to people."""
    is_for_people = "text/html" in request.headers.get("accept", "")
    handlers = page_errors if is_for_people else HANDLERS
    kind = next(kind for kind in type(error).__mro__ if kind in handlers)
    return handlers[kind](request, error)


_RUN = new_id("run")[-8:]
_REQUESTS = itertools.count(1)
"""Together they name a request in the log; drawing random bits for each one costs a system call."""


async def _name_request(request: Request[Any, Any, Any]) -> None:
    """Give the request an id; log lines written while it runs carry it."""
    request_id = f"req_{_RUN}{next(_REQUESTS):x}"
    request.state.request_id = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


@asynccontextmanager
async def running_parts(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    """Database, blob store, queue, worker and periodic tasks, from first to last and back."""
    async with AsyncExitStack() as stack:
        stack.enter_context(held_folder(settings.data_dir))
        await asyncio.to_thread(migrate, settings.database_url)
        database = Database.open(settings.database_url)
        stack.push_async_callback(database.close)
        blobs, metrics = Blobs.open(settings.blobs_url), Metrics()
        doorbell = Doorbell(settings.data_dir / "queue.db", _advance_on(asyncio.get_running_loop(), app))
        ring = Ringer(doorbell, metrics)
        state = app.state
        state.settings, state.database, state.blobs, state.metrics = settings, database, blobs, metrics
        state.keyring, state.rate_limiter = KeyRing(database), RateLimiter(settings.limits)
        state.traffic = Traffic()
        state.tokens = ArtifactTokens(signing_secret(settings.data_dir))
        state.vault = Vault(settings, database, blobs)
        state.intake = Intake(settings, database, blobs, ring, metrics)
        stack.push_async_callback(asyncio.to_thread, state.intake.close)
        line = ModelLine()
        stack.push_async_callback(line.close)
        word = None if settings.analysis.provider == "heuristic" else Reader(settings.analysis, line).word
        no_look = await asyncio.to_thread(why_not, settings)
        look = None if no_look else await stack.enter_async_context(_looking(app, line))
        state.pipeline = Pipeline(settings, database, blobs, metrics, word, look, no_look, state.traffic)
        await ensure_default_project(database, now=utc_now())
        await asyncio.to_thread(doorbell.forget_all)
        stack.push_async_callback(asyncio.to_thread, doorbell.close)
        if database.is_sqlite:
            await _release_claims_of_the_dead(database)
        consumer = doorbell.consumer(settings.worker.threads)
        await asyncio.to_thread(consumer.start)
        stack.push_async_callback(asyncio.to_thread, consumer.stop, graceful=True)
        for periodic in (
            sweep_forever(database, ring, every_s=settings.worker.sweep_seconds),
            _clean_forever(settings, database, blobs, metrics),
            metrics.watch_loop(),
        ):
            stack.push_async_callback(_cancelled, asyncio.create_task(periodic))
        yield


@asynccontextmanager
async def _looking(app: Litestar, line: ModelLine) -> AsyncIterator[Look]:
    lookout = Lookout(app.state.settings, app.state.blobs, line, _publishing(app))
    try:
        yield dressed(lookout.look, app.state.vault)
    finally:
        await lookout.close()


def _publishing(app: Litestar) -> Publish:
    """Links that outlive the questions a visual model is asked about them."""

    async def publish(artifact: Artifact) -> str:
        state = app.state
        async with state.database.write() as connection:
            await reports.save_artifact(connection, artifact)
        seconds = state.settings.artifacts.token_seconds
        seconds += round(MOST_ASKED * state.settings.confirmation.timeout_seconds)
        named = artifact.project_id, artifact.session_id, artifact.artifact_type
        token, _ = state.tokens.issue(*named, now=utc_now(), seconds=seconds)
        path = f"/v1/sessions/{quote(artifact.session_id, safe='')}/artifacts/{artifact.artifact_type}"
        return f"{state.address}{path}?artifactToken={token}"

    return publish


async def _release_claims_of_the_dead(database: Database) -> None:
    """Only one server holds this folder, so whoever claimed a session before now is gone."""
    async with database.write() as connection:
        await sessions.release_all(connection)


def _advance_on(loop: asyncio.AbstractEventLoop, app: Litestar) -> Any:
    """The task shell: an id in, one pipeline call on the loop."""

    def advance(project_id: str, session_id: str) -> None:
        asyncio.run_coroutine_threadsafe(app.state.pipeline.advance(project_id, session_id), loop).result()

    return advance


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _clean_forever(settings: Settings, database: Database, blobs: Blobs, metrics: Metrics) -> None:
    rounds = 0
    while True:
        await asyncio.sleep(settings.retention.cleanup_minutes * 60)
        rounds += 1
        try:
            cleaned = await clean_up(database, blobs, days=settings.retention.days, now=utc_now())
            if rounds % ORPHANS_EVERY == 0:
                await sweep_orphans(database, blobs, now=utc_now())
        except RetroSpecError as error:
            log.warning("cleanup_postponed", reason=str(error))
            continue
        metrics.cleanup_runs.inc()
        metrics.cleanup_events.inc(cleaned.events)
        metrics.cleanup_artifacts.inc(cleaned.artifacts)


# ── serving ───────────────────────────────────────────────────────────────────────────────


class Server(uvicorn.Server):
    """Uvicorn that leaves signals to us, so that a stop by signal is a clean exit."""

    @contextmanager
    def capture_signals(self) -> Any:
        """Signals are handled in ``serve``."""
        yield


class RunningServer:
    """A server in a thread of its own, for the demo, benches and tests."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self._listening = _listen(settings)
        self.url = self.app.state.address = address_of(self._listening, settings)
        self._server = _server(self.app)
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="retrospec-server", daemon=True)

    def start(self) -> "RunningServer":
        """Start and wait until it answers. Raises what stopped it from starting."""
        self._thread.start()
        while not self._server.started and not self._ended.done():
            self._thread.join(0.01)
        if self._ended.done():
            self._ended.result()
        return self

    def stop(self) -> None:
        """Stop and wait until everything is closed."""
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._server.serve(sockets=[self._listening]))
            self._ended.set_result(None)
        except BaseException as error:  # carried to the thread that waits in start()
            self._ended.set_exception(error)


def start_server(settings: Settings) -> RunningServer:
    """Start a server on ``settings.server`` (port 0: a free one) in a thread; see ``.url`` and ``.stop()``."""
    return RunningServer(settings).start()


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    set_up_logging(settings.server)
    sys.setswitchinterval(SWITCH_S)
    # First here, where a refusal (a folder in use, a newer database) ends as one sentence.
    with held_folder(settings.data_dir):
        migrate(settings.database_url)
    listening = _listen(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> int:
    app = create_app(settings)
    app.state.address = address_of(listening, settings)
    server = _server(app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    greeting = asyncio.create_task(_greet(server, app, app.state.address))
    await server.serve(sockets=[listening])
    greeting.cancel()
    listening.close()
    return 0 if server.started else 1


async def _greet(server: Server, app: Litestar, url: str) -> None:
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    sys.stdout.write(await _greeting(app, url))
    sys.stdout.flush()
    # What was loaded so far stays for good: the collector need not look through half a million objects
    # again each time, which held everything up for 0.15 s.
    gc.collect()
    gc.freeze()
    await asyncio.sleep(2 * LAG_PROBE_S)
    app.state.metrics.forget_lag()


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise RetroSpecError(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            hint="Another program may use the port: choose one with --port or server.port.",
        ) from error
    return listening


def _server(app: Litestar) -> Server:
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=20,
        )
    )


def address_of(listening: socket.socket, settings: Settings) -> str:
    """The address to show and to put into snippets."""
    if settings.server.public_url:
        return settings.server.public_url.rstrip("/")
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "localhost"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


async def _greeting(app: Litestar, url: str) -> str:
    """What a start prints: the address; at first the set-up link and the snippet."""
    database, settings = app.state.database, app.state.settings
    link = await new_setup_link(database, now=utc_now())
    async with database.read() as connection:
        keys = await projects.list_keys(connection, DEFAULT_PROJECT_ID)
    key = next((each.public_value for each in keys if each.public_value and each.revoked_at is None), "")
    lines = [f"RetroSpec {__version__} is running at {url}", f"  data      {settings.data_dir}"]
    if link:
        lines += [
            "",
            "Create the first administrator (this link works once):",
            f"  {url}{link}",
        ]
        if key:
            lines += ["", "Paste this into the pages of your site:", f"  {snippet(url, key)}"]
    lines += ["", "Stop with Ctrl-C.", ""]
    return "\n".join(lines)


def snippet(url: str, key: str, site: str = "my-site") -> str:
    """The one tag a site needs."""
    return f'<script src="{url}/sdk.js" data-key="{key}" data-site="{site}" async></script>'
