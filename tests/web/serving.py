"""The pages over a real socket, a real SQLite file and a local blob folder."""

import asyncio
import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from retrospec.accounts.links import create_user
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.web import api
from retrospec.web.pages import page_errors, routes
from tests.web.seeding import add_project, seed

EMAIL, PASSWORD = "mara@fern.example", "three quiet ferns"


def make_app(folder: Path, *, filled: bool, has_user: bool = True) -> Litestar:
    """The dashboard alone: one administrator, and a week of data when ``filled``."""
    shutil.copytree(_prepared(filled, has_user), folder, dirs_exist_ok=True)
    settings = _settings(folder)
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> Any:
        yield
        await database.close()

    state = State({"database": database, "blobs": blobs, "settings": settings})
    reference = OpenAPIConfig(title="RetroSpec", version="1", path="/api/plain", render_plugins=[JsonRenderPlugin()])
    return Litestar(
        [*api.routes, *routes], state=state, lifespan=[lifespan], exception_handlers=dict(page_errors),
        openapi_config=reference, debug=False, logging_config=None,
    )  # fmt: skip


def _settings(folder: Path) -> Settings:
    return Settings(storage=StorageSettings(dir=str(folder)))


@functools.cache
def _prepared(filled: bool, has_user: bool) -> Path:
    """A data folder to copy: migrating and filling one for every server would take most of the tests' time."""
    folder = Path(tempfile.mkdtemp(prefix="retrospec-pages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = _settings(folder)
    migrate(settings.database_url)
    # in a thread: a loop may be running in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _fill(settings, filled=filled, has_user=has_user)).result()
    return folder


async def _fill(settings: Settings, *, filled: bool, has_user: bool) -> None:
    database, now = Database.open(settings.database_url), utc_now()
    if has_user:
        await create_user(database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=now)
    if filled:
        await seed(database, Blobs.open(settings.blobs_url), now=now)
    else:
        async with database.write() as connection:
            await add_project(connection, now=now)
    await database.close()


@contextmanager
def serving(app: Litestar) -> Iterator[str]:
    """``app`` on a free port of the loopback address; yields its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on", ws="none"))
    ready = threading.Event()
    note_started = server.startup

    async def startup(*arguments: Any, **named: Any) -> None:
        await note_started(*arguments, **named)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
