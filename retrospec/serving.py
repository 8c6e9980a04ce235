"""Listening: an application on a socket, in this thread until a signal or in one of its own."""

import asyncio
import gc
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import uvicorn
import uvloop
from litestar import Litestar

from retrospec import __version__
from retrospec.accounts.links import new_setup_link
from retrospec.app import create_app, running_parts
from retrospec.bounded_http import BoundedHttp, OpenConnections
from retrospec.domain.address import local_address
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Outage, RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_reload import Reloaded
from retrospec.quick_start import UNUSED, unseen
from retrospec.reloading import Load, reload, write_in_force
from retrospec.storage import projects
from retrospec.storage.bucket_rules import keep_rule
from retrospec.storage.folder import held_folder
from retrospec.storage.migrate import migrate
from retrospec.storage.nodes import Role, is_shared
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.telemetry import LAG_PROBE_S, set_up_logging
from retrospec.tracing import traced, tracing_by

GRACE_S = 2
"""Open requests get this long when the server stops."""
DATABASE_WAIT_S, DATABASE_LOOK_S = 30.0, 1.0
"""At a start PostgreSQL is waited for so long: machines and containers come up in any order."""
SWITCH_S = 0.0005
"""How soon a thread that reads a recording lets the event loop on: Python's own 5 ms, for each of many
short waits of the loop, added up to half a second under load."""


class Server(uvicorn.Server):
    """Uvicorn that leaves signals to us, so that a stop by signal is a clean exit."""

    @contextmanager
    def capture_signals(self) -> Any:
        """Signals are handled in ``serve``."""
        yield


class RunningServer:
    """A server in a thread of its own, for the demo, benches and tests."""

    def __init__(self, settings: Settings, role: Role = Role.ALL) -> None:
        self.app = create_app(settings, role)
        self._listening = _listen(settings)
        self.url = self.app.state.address = address_of(self._listening, settings)
        self._server = _server(self.app, settings)
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


def serve(settings: Settings, load: Load | None = None, role: Role = Role.ALL) -> int:
    """Run until SIGTERM or SIGINT; the exit code. ``load`` reads the settings again at SIGHUP."""
    set_up_logging(settings.server)
    sys.setswitchinterval(SWITCH_S)
    # First here, where a refusal (a folder in use, a newer database) ends as one sentence.
    with nullcontext() if is_shared(settings) else held_folder(settings.data_dir):
        _migrate_when_up(settings)
    listening = _listen(settings)
    with tracing_by(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, listening, load, role))


def work(settings: Settings) -> int:
    """Work stages off until SIGTERM or SIGINT, listening nowhere; the exit code."""
    set_up_logging(settings.server)
    sys.setswitchinterval(SWITCH_S)
    _migrate_when_up(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work(settings))


def _migrate_when_up(settings: Settings) -> None:
    """``migrate``; a database server that is not there yet is waited for. Raises Outage when it does not come."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + DATABASE_WAIT_S
    while True:
        try:
            migrate(settings.database_url)
            _see_to_the_bucket(settings)
            return
        except Outage as error:
            if not is_shared(settings) or time.monotonic() > until:
                raise
            sys.stderr.write(f"retrospec: waiting for the database. {error}\n")
        time.sleep(DATABASE_LOOK_S)


def _see_to_the_bucket(settings: Settings) -> None:
    """Beside the start: a store that is away or knows no rules holds nothing up."""
    if settings.blobs.lifecycle and settings.blobs_url.startswith("s3:"):
        threading.Thread(target=keep_rule, args=[settings.blobs_url], name="bucket-rule", daemon=True).start()


async def _work(settings: Settings) -> int:
    app, asked = create_app(settings, Role.WORKER), asyncio.Event()
    app.state.address = settings.server.public_url.rstrip("/")
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    async with running_parts(app, settings, Role.WORKER):
        sys.stdout.write(f"RetroSpec {__version__} works with {settings.worker.threads} threads\n")
        sys.stdout.flush()
        await asked.wait()
    return 0


async def _serve(settings: Settings, listening: socket.socket, load: Load | None, role: Role) -> int:
    with unseen(*UNUSED):
        app = create_app(settings, role)
    app.state.address = address_of(listening, settings)
    server = _server(app, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    if load is not None:
        loop.add_signal_handler(signal.SIGHUP, reload, settings, load)
        write_in_force(settings, Reloaded())
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
    keep_for_good()
    await asyncio.sleep(2 * LAG_PROBE_S)
    app.state.metrics.forget_lag()


def keep_for_good() -> None:
    """What was loaded so far stays: the collector need not look through half a million objects again each time, which held everything up for 0.15 s."""
    gc.collect()
    gc.freeze()
    gc.enable()


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


def _server(app: Litestar, settings: Settings) -> Server:
    bounded = partial(BoundedHttp, settings=settings, connections=OpenConnections())
    return Server(
        uvicorn.Config(
            traced(app, settings.server.trusted_proxies),
            http=bounded,  # type: ignore[arg-type]  # called as the class is
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
    return local_address(host, port)


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
