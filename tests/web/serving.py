"""The pages over a real socket, a real SQLite file and a local blob folder."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from retrospec.accounts.links import create_user
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.web.pages import page_errors, routes
from tests.web.seeding import add_project, seed

EMAIL, PASSWORD = "mara@fern.example", "three quiet ferns"


def make_app(folder: Path, *, filled: bool, has_user: bool = True) -> Litestar:
    """The dashboard alone: one administrator, and a week of data when ``filled``."""
    settings = Settings(storage=StorageSettings(dir=str(folder)))
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> Any:
        await asyncio.to_thread(migrate, settings.database_url)
        if has_user:
            await create_user(
                database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=utc_now()
            )
        if filled:
            await seed(database, blobs, now=utc_now())
        else:
            async with database.write() as connection:
                await add_project(connection, now=utc_now())
        yield
        await database.close()

    state = State({"database": database, "blobs": blobs, "settings": settings})
    return Litestar(
        routes, state=state, lifespan=[lifespan], exception_handlers=dict(page_errors), openapi_config=None,
        debug=False, logging_config=None,
    )  # fmt: skip


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
