"""The projector: films somebody asked for by a click, one at a time, in the background.

The row of a wanted film is the truth and the bell only wakes, so an order survives a restart; it is claimed by
compare-and-set and settled together with its artifact's row, once the file is stored.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from retrospec.domain.artifact import Artifact, new_artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError, Unavailable
from retrospec.domain.footage import Film
from retrospec.domain.ids import new_id
from retrospec.domain.session import Session
from retrospec.domain.window import Window
from retrospec.screening.room import RenderRoom
from retrospec.screening.stored import read_session
from retrospec.storage import films, reports
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.films import FAILED, READY, TO_THE_END, WHOLE, WantedFilm
from retrospec.storage.reports import artifact_folder
from retrospec.vault.store import Vault

log = structlog.get_logger()

LOOK_EVERY_S = 3.0
"""For films asked for in another process, and those left by a worker that died."""
LEASE_S = 30.0
TELL_EVERY_S = 1.0
MOST_ATTEMPTS = 3
ON_DEMAND = "on_demand"


class Projector:
    """``ring`` after an order; ``work_forever`` films."""

    def __init__(self, database: Database, blobs: Blobs, vault: Vault, room: RenderRoom) -> None:
        self._database = database
        self._blobs = blobs
        self._vault = vault
        self._room = room
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something was asked for: look now."""
        self._rung.set()

    async def work_forever(self) -> None:
        """Film whatever is wanted until cancelled."""
        if self._database.is_sqlite:
            async with self._database.write() as connection:
                await films.release_all(connection)
        while True:
            try:
                while await self.film_next():
                    pass
            except Unavailable as error:
                log.warning("filming_postponed", reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), LOOK_EVERY_S)
            self._rung.clear()

    async def film_next(self) -> bool:
        """Film what was asked for first; False when nothing is wanted. Ends in the row's status, whatever happens."""
        now = utc_now()
        async with self._database.write() as connection:
            film = await films.claim_next(
                connection, owner=new_id("prj"), now=now, until=now + timedelta(seconds=LEASE_S)
            )
        if film is None:
            return False
        if film.attempt > MOST_ATTEMPTS:
            await self._settle(
                film, FAILED, f"The server stopped {MOST_ATTEMPTS} times while filming this; it was given up."
            )
            return True
        try:
            await self._film(film)
        except RetroSpecError as error:
            await self._settle(film, FAILED, error.message)
        except Exception:  # the job's border: logged with its trace, told on the page, the next one goes on
            log.exception("film_failed", project=film.project_id, session=film.session_id, film=film.id)
            await self._settle(
                film, FAILED, "Filming failed by a fault of RetroSpec's own; the log has it as film_failed."
            )
        return True

    async def _film(self, film: WantedFilm) -> None:
        session, recording, findings = await read_session(
            self._database, self._blobs, self._vault, film.project_id, film.session_id
        )
        windows = None if film.end_ms == TO_THE_END else [Window(film.start_ms, film.end_ms)]
        with tempfile.TemporaryDirectory(prefix="retrospec-film-") as folder:
            out = Path(folder, "film.webm")
            share = [0.0]
            async with self._room.place() as renderer, self._told(film, share):
                made = await renderer.film(
                    recording,
                    windows,
                    out,
                    findings=findings,
                    progress=lambda done: share.__setitem__(0, done),
                )
            if made.status != READY:
                await self._settle(film, made.status, f"{made.reason[:1].upper()}{made.reason[1:]}.")
                return
            content = await asyncio.to_thread(out.read_bytes)
        await self._keep(session, film, made, content)

    async def _keep(self, session: Session, film: WantedFilm, made: Film, content: bytes) -> None:
        """Blob first, row second; a session that expired meanwhile keeps neither."""
        artifact = _artifact(session, film, made, len(content))
        await self._blobs.put(artifact.artifact_key, content)
        reason = f"It ends before the session does: {made.cut}." if made.cut else ""
        async with self._database.write() as connection:
            is_ours = await films.settle(connection, film, READY, reason, now=utc_now())
            if is_ours:
                await reports.save_artifact(connection, artifact)
        if not is_ours:
            await self._blobs.delete(artifact.artifact_key)

    async def _settle(self, film: WantedFilm, status: str, reason: str) -> None:
        async with self._database.write() as connection:
            await films.settle(connection, film, status, reason, now=utc_now())

    @asynccontextmanager
    async def _told(self, film: WantedFilm, share: list[float]) -> AsyncIterator[None]:
        telling = asyncio.create_task(self._tell(film, share))
        try:
            yield
        finally:
            telling.cancel()

    async def _tell(self, film: WantedFilm, share: list[float]) -> None:
        while True:
            until = utc_now() + timedelta(seconds=LEASE_S)
            async with self._database.write() as connection:
                await films.note_progress(connection, film, round(share[0], 2), until=until)
            await asyncio.sleep(TELL_EVERY_S)


def _artifact(session: Session, film: WantedFilm, made: Film, size_bytes: int) -> Artifact:
    kind, key = WHOLE if film.id == WHOLE else "clip", f"{artifact_folder(session)}/{film.id}.webm"
    return new_artifact(
        session, kind, key, name=film.id, windows=[Window(made.start_ms, made.end_ms)], trigger=ON_DEMAND,
        size_bytes=size_bytes, content_type=made.content_type, reason=made.cut,
    )  # fmt: skip
