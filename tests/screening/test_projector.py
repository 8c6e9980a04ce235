"""Films on demand, from the order to the file, in a real browser; and every way it can end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import av
import msgspec
import pytest

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import ReplaySettings, Settings
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import find_browser
from retrospec.screening.projector import Projector
from retrospec.screening.room import RenderRoom
from retrospec.storage import films, render_budget, reports
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from retrospec.storage.films import FAILED, READY, SKIPPED, TO_THE_END, WANTED, WHOLE, WantedFilm
from retrospec.vault.store import Vault
from tests.web.seeding import PAY_SESSION, PROJECT

needs_browser = pytest.mark.skipif(
    find_browser(ReplaySettings()) is None or not (built_dir() / "replay.js").is_file(),
    reason="needs a Chromium and the built replayer",
)


def order(film_id: str = WHOLE, start_ms: int = 0, end_ms: int = TO_THE_END) -> WantedFilm:
    now = utc_now()
    return WantedFilm(
        project_id=PROJECT, session_id=PAY_SESSION, id=film_id, start_ms=start_ms, end_ms=end_ms, status=WANTED,
        asked_at=now, updated_at=now,
    )  # fmt: skip


@asynccontextmanager
async def projecting(settings: Settings, database: Database, blobs: Blobs) -> AsyncIterator[Projector]:
    room = RenderRoom(settings, database)
    try:
        yield Projector(database, blobs, Vault(settings, database, blobs), room)
    finally:
        await room.close()


async def ask(database: Database, *orders: WantedFilm) -> None:
    async with database.write() as connection:
        for one in orders:
            await films.ask(connection, one)


async def outcome(database: Database) -> tuple[list[WantedFilm], list[Artifact]]:
    async with database.read() as connection:
        asked = await films.of_session(connection, PROJECT, PAY_SESSION)
        made = await reports.artifacts_of(connection, PROJECT, PAY_SESSION)
    return asked, [one for one in made if one.content_type == "video/webm" and one.status == READY]


@needs_browser
@pytest.mark.browser
async def test_a_film_and_a_clip_are_made_one_after_the_other(settings: Settings, database: Database, blobs: Blobs) -> None:
    small = msgspec.structs.replace(settings.replay, width=640, height=360, daily_limit=1)
    settings.replay = small
    await ask(database, order("clip-6000", 6_000, 9_000), order())
    async with projecting(settings, database, blobs) as projector:
        assert [await projector.film_next() for _ in range(3)] == [True, True, False]
    asked, made = await outcome(database)
    assert [(film.id, film.status, film.reason) for film in asked] == [(WHOLE, READY, ""), ("clip-6000", READY, "")]
    by_type = {one.artifact_type: one for one in made}
    lengths = {}
    for kind in (WHOLE, "clip"):
        with av.open(BytesIO(await blobs.get(by_type[kind].artifact_key))) as video:
            lengths[kind] = max(float(frame.time or 0) for frame in video.decode(video=0))
    assert lengths == {WHOLE: pytest.approx(15.1, abs=0.1), "clip": pytest.approx(3.0, abs=0.1)}
    async with database.read() as connection:
        assert await render_budget.spent_today(connection, PROJECT, now=utc_now()) == 0, "a person's click is not rationed"


@needs_browser
@pytest.mark.browser
async def test_an_order_outlives_the_worker_that_had_it(settings: Settings, database: Database, blobs: Blobs) -> None:
    await ask(database, order("clip-0", 0, 1_000))
    async with database.write() as connection:
        assert await films.claim_next(connection, owner="killed", now=utc_now(), until=utc_now())
    async with projecting(settings, database, blobs) as projector:
        assert await projector.film_next()
    asked, made = await outcome(database)
    assert (asked[0].status, asked[0].attempt, len(made)) == (READY, 2, 1)


async def test_without_a_browser_it_says_so(settings: Settings, database: Database, blobs: Blobs) -> None:
    settings.replay.browser = "/no/such/chromium"
    await ask(database, order())
    async with projecting(settings, database, blobs) as projector:
        assert await projector.film_next()
    (film,), made = await outcome(database)
    assert (film.status, made) == (SKIPPED, [])
    assert "/no/such/chromium" in film.reason


async def test_a_recording_that_is_gone_fails_in_a_sentence(settings: Settings, database: Database, blobs: Blobs) -> None:
    await blobs.delete(blob_key("session-events/pay.json"))
    await ask(database, order())
    async with projecting(settings, database, blobs) as projector:
        assert await projector.film_next()
    (film,), made = await outcome(database)
    assert (film.status, made) == (FAILED, [])
    assert film.reason.endswith(".") and "session-events/pay.json" in film.reason


async def test_what_keeps_killing_the_server_is_given_up(settings: Settings, database: Database, blobs: Blobs) -> None:
    await ask(database, order())
    for _ in range(3):
        async with database.write() as connection:
            assert await films.claim_next(connection, owner="killed", now=utc_now(), until=utc_now())
    async with projecting(settings, database, blobs) as projector:
        assert await projector.film_next()
        assert not await projector.film_next()
    (film,), _ = await outcome(database)
    assert (film.status, film.reason) == (FAILED, "The server stopped 3 times while filming this; it was given up.")
