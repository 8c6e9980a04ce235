"""A film of a page whose site is gone shows its pictures: asked for by a click, and from the command line."""

import asyncio
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import httpx
import pytest
from click.testing import CliRunner

from retrospec.cli.main import main
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.screening.projector import Projector
from retrospec.screening.room import RenderRoom
from retrospec.storage import films, reports
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.films import WANTED, WHOLE, WantedFilm
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.vault.store import Vault
from tests.conftest import Client, make_key, serving, settings_for
from tests.servers.choice import stores_given
from tests.vault import looks

pytestmark = pytest.mark.browser
SESSION = "gone-site"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The folder of a server that was sent one session and what its page looked like."""
    settings = settings_for(tmp_path_factory.mktemp("films"))
    with serving(settings) as server:
        http = Client(server, make_key(settings)).http
        sent = [
            http.post("/v2/chunks", content=looks.chunk_body(SESSION)),
            http.post("/v2/assets/known", content=looks.known_body(SESSION)),
            *(put(http, kind, content) for kind, content in looks.CONTENTS.values()),
        ]
        http.close()
        assert [answer.status_code // 100 for answer in sent] == [2] * len(sent)
    yield settings


def put(http: httpx.Client, kind: str, content: bytes) -> httpx.Response:
    return http.post("/v2/assets", params={"sha256": looks.digest(content), "type": kind}, content=content)


def last_frame(video: bytes) -> bytes:
    """As PNG."""
    out = BytesIO()
    with av.open(BytesIO(video)) as opened:
        *_, last = opened.decode(video=0)
        last.to_image().save(out, "PNG")
    return out.getvalue()


def assert_dressed(video: bytes) -> None:
    picture, ground = (looks.area(last_frame(video), color) for color in (looks.RED, looks.GREEN))
    assert picture == pytest.approx(100 * 100, rel=0.1)
    assert ground == pytest.approx(picture, rel=0.1), "both are squares of 100 pixels"



async def filmed(settings: Settings) -> bytes:
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    room, now = RenderRoom(settings, database), utc_now()
    wanted = WantedFilm(
        project_id=DEFAULT_PROJECT_ID, session_id=SESSION, id=WHOLE, status=WANTED, asked_at=now, updated_at=now,
        start_ms=0, end_ms=films.TO_THE_END,
    )  # fmt: skip
    try:
        async with database.write() as connection:
            await films.ask(connection, wanted)
        assert await Projector(database, blobs, Vault(settings, database, blobs), room).film_next()
        async with database.read() as connection:
            artifact = await reports.latest_artifact(connection, DEFAULT_PROJECT_ID, SESSION, WHOLE)
        assert artifact is not None
        return await blobs.get(artifact.artifact_key)
    finally:
        await room.close()
        await database.close()


def test_a_film_asked_for_shows_them(kept: Settings) -> None:
    assert_dressed(asyncio.run(filmed(kept)))


def test_a_film_from_the_command_line_shows_them(kept: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out.webm"
    done = CliRunner().invoke(main, ["render", SESSION, "--data", str(kept.data_dir), "-o", str(out)], env=stores_given(kept))
    assert done.exit_code == 0, done.output
    assert_dressed(out.read_bytes())
