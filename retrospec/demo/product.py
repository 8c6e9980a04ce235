"""The product under the demo: a real server over a data folder that is the demo's own."""

import asyncio
import http.client
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from retrospec import serving
from retrospec.accounts.keys import new_secret
from retrospec.accounts.links import new_setup_link
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Conflict, Unavailable
from retrospec.domain.settings import Settings
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID

REQUEST_DEADLINE_S = 30.0
_NOTE = "demo.txt"
_NOTE_TEXT = "The data of `retrospec demo`. Nothing here is of a real site; delete it when you like.\n"


class Product(msgspec.Struct):
    """A running server and the ways into it."""

    url: str
    ingest_key: str
    """The public one, for snippets."""
    key: str
    """Reads, and sends recorded visits."""
    sign_in_url: str
    """Works once; empty when the folder has its administrator already."""
    data_dir: Path

    def snippet(self, site: str) -> str:
        """The tag that the shop's pages carry; in its head and not async, so that nothing is missed."""
        return serving.snippet(self.url, self.ingest_key, site).replace(" async", "")

    def issue_url(self, key: str) -> str:
        """The dashboard page of an issue."""
        return f"{self.url}/p/{DEFAULT_PROJECT_ID}/issues/{quote(key, safe=':')}"

    def get(self, path: str) -> Any:
        """What the API answers at ``path``. Raises Unavailable for anything but a 200."""
        return self._ask("GET", path, b"")

    def post(self, path: str, body: Any) -> Any:
        """Send ``body`` as JSON. Raises Unavailable for anything but a 2xx."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def _ask(self, method: str, path: str, body: bytes) -> Any:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=REQUEST_DEADLINE_S)
        try:
            connection.request(
                method, path, body, {"X-Retrospec-Key": self.key, "Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Unavailable(
                f"{method} {path} answered {answer.status}: {text[:200].decode(errors='replace')}"
            )
        return json.loads(text)


@contextmanager
def running_product(chosen: Settings, data_dir: Path | None, port: int, *, keep: bool) -> Iterator[Product]:
    """Serve until the end of the block. Without ``data_dir`` in a temporary folder, removed unless ``keep``.

    Of ``chosen`` only what says how sessions are judged is used, never where its data is.

    Raises Conflict for a folder that has a database and was not made by the demo.
    """
    with _own_folder(data_dir, keep=keep) as folder:
        settings = demo_settings(chosen, folder, port)
        server = serving.start_server(settings)
        try:
            yield asyncio.run(_ways_in(settings, server.url))
        finally:
            server.stop()


def demo_settings(chosen: Settings, folder: Path, port: int) -> Settings:
    """Defaults and ``chosen``'s ways of judging; a session is judged as soon as its visitor has left."""
    settings = Settings(analysis=chosen.analysis, confirmation=chosen.confirmation, replay=chosen.replay)
    settings.storage.dir = str(folder)
    settings.server.port = port
    settings.server.log_level = "error"
    settings.limits.requests_per_second = 0
    settings.capture.end_grace_seconds = 3
    settings.capture.idle_seconds = 8
    settings.worker.sweep_seconds = 0.5
    return settings


@contextmanager
def _own_folder(data_dir: Path | None, *, keep: bool) -> Iterator[Path]:
    if data_dir is not None:
        yield _claimed(data_dir)
    elif keep:
        yield _claimed(Path(tempfile.mkdtemp(prefix="retrospec-demo-")))
    else:
        with tempfile.TemporaryDirectory(prefix="retrospec-demo-", ignore_cleanup_errors=True) as scratch:
            yield _claimed(Path(scratch))


def _claimed(folder: Path) -> Path:
    """``folder``, made and marked as the demo's."""
    note = folder / _NOTE
    if not note.exists() and folder.is_dir() and any(folder.iterdir()):
        raise Conflict(
            f"{folder} is not empty and was not made by the demo; it is left alone.",
            hint="Name a new folder with --data, or leave --data out.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(_NOTE_TEXT, encoding="utf-8")
    return folder


async def _ways_in(settings: Settings, url: str) -> Product:
    database = Database.open(settings.database_url)
    try:
        key, ingest_key = await _keys(database)
        link = await new_setup_link(database, now=utc_now())
    finally:
        await database.close()
    return Product(url, ingest_key, key, f"{url}{link}" if link else "", settings.data_dir)


async def _keys(database: Database) -> tuple[str, str]:
    secret = new_secret()
    async with database.write() as connection:
        known = await projects.list_keys(connection, DEFAULT_PROJECT_ID)
        await projects.add_key(
            connection, project_id=DEFAULT_PROJECT_ID, name="Demo", scopes=frozenset({"ingest", "read"}),
            secret=secret, now=utc_now(),
        )  # fmt: skip
    return secret, next(key.public_value for key in known if key.public_value and key.revoked_at is None)
