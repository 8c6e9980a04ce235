"""Pictures of the payment that failed, as the screen check leaves them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.domain.visual import Frame, VerdictWord
from retrospec.screening.strips import StripKeeper
from retrospec.storage import expiry, reports, tables
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from tests.screening.test_strips import SENTENCE, see_the_pay_session, verdict
from tests.web.seeding import PAY_SESSION, PROJECT


def add_strips(folder: Path, word: VerdictWord = VerdictWord.CONFIRMED, *, expired: bool = False) -> None:
    """To the data in ``folder``; ``expired`` forgets the session afterwards."""
    # in a thread: a loop may be running in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _fill(folder, word, expired=expired)).result()


async def _fill(folder: Path, word: VerdictWord, *, expired: bool) -> None:
    settings = Settings(storage=StorageSettings(dir=str(folder)))
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    seen = verdict("f1", word, 0.9)
    await see_the_pay_session(blobs, [seen])
    async with database.write() as connection:
        for frame in seen.frames:
            await reports.save_artifact(connection, _row(frame))
        if word is VerdictWord.REFUTED:
            where = tables.reports.c.session_id == PAY_SESSION
            changed = {"status": "discarded", "basis": "visual", "reason": SENTENCE}
            await connection.execute(tables.reports.update().where(where).values(changed))
    await StripKeeper(database, blobs).make_missing()
    if expired:
        async with database.write() as connection:
            await expiry.forget_sessions(connection, [(PROJECT, PAY_SESSION)], now=utc_now())
    await database.close()


def _row(frame: Frame) -> Artifact:
    now = utc_now()
    return Artifact(
        id=f"frame-{frame.role}", project_id=PROJECT, session_id=PAY_SESSION, artifact_type="frame",
        artifact_key=frame.image, trigger_kind=frame.role, status="ready", content_type="image/webp", size_bytes=9,
        generated_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
