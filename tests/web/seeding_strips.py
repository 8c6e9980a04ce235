"""Pictures of the payment that failed, as the screen check leaves them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from retrospec.capture.compress import compress
from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.domain.visual import Frame, VerdictWord, VisualResult
from retrospec.screening.strips import StripKeeper
from retrospec.storage import expiry, reports, tables
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from tests.screening.test_strips import SENTENCE, see_the_pay_session, verdict
from tests.web.seeding import PAY_SESSION, PROJECT
from tests.web.seeding_pay import pay_analysis


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
            await reports.save_artifact(connection, stored_frame(frame))
        if word is VerdictWord.REFUTED:
            where = tables.reports.c.session_id == PAY_SESSION
            changed = {"status": "discarded", "basis": "visual", "reason": SENTENCE}
            await connection.execute(tables.reports.update().where(where).values(changed))
    await StripKeeper(database, blobs).make_missing()
    visual = VisualResult(status="ready", checker="builtin", verdicts=[seen])
    story = msgspec.json.decode(pay_analysis(PAY_SESSION)) | {"visual": msgspec.to_builtins(visual)}
    await blobs.put(blob_key("artifacts/pay/analysis.json"), compress(msgspec.json.encode(story)))
    if expired:
        async with database.write() as connection:
            await expiry.forget_sessions(connection, [(PROJECT, PAY_SESSION)], now=utc_now())
    await database.close()


def stored_frame(frame: Frame) -> Artifact:
    """Its row."""
    now = utc_now()
    return Artifact(
        id=f"frame-{frame.role}", project_id=PROJECT, session_id=PAY_SESSION, artifact_type="frame",
        artifact_key=frame.image, trigger_kind=frame.role, status="ready", content_type="image/webp", size_bytes=9,
        generated_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
