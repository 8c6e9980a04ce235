"""Holding a session while a stage works on it: claimed, renewed, and given back or buried when the stage fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import CorruptRecording, NotFound, Outage, RetroSpecError, Unavailable
from retrospec.domain.ids import new_id
from retrospec.domain.report import ReportCard
from retrospec.domain.session import Stage
from retrospec.domain.settings import WorkerSettings
from retrospec.report_cards import failed_report
from retrospec.storage import reports, sessions
from retrospec.storage.database import Database
from retrospec.storage.sessions import Claim

log = structlog.get_logger()


def own_stages(worker: WorkerSettings) -> tuple[Stage, ...]:
    """What a worker does: everything, or what ``worker.stages`` leaves it."""
    analysis = (Stage.RECORDING, Stage.ANALYSIS) if "analysis" in worker.stages else ()
    return (*analysis, *((Stage.CONFIRMATION,) if "replay" in worker.stages else ()))


async def seen_elsewhere(*_: Any) -> Any:
    """Stands where this worker leaves looking to others: it never holds a session to look at."""
    raise Unavailable("Another worker looks at this session.")


async def next_claim(
    database: Database, worker: WorkerSettings, project_id: str, session_id: str
) -> Claim | None:
    """The session, held by a new owner, if one of its stages is due and nobody holds it."""
    owner, now = new_id("job"), utc_now()
    claimed: Claim | None = await database.write_soon(
        lambda connection: sessions.claim(
            connection, project_id, session_id, owner=owner, now=now, lease_s=worker.lease_seconds, stages=own_stages(worker)
        )
    )
    if claimed is not None and claimed.session.attempt > worker.max_attempts:
        await _bury_poison(database, worker, claimed)
        return None
    return claimed


async def _bury_poison(database: Database, worker: WorkerSettings, claim: Claim) -> None:
    """Each attempt ended with its worker's life, so no stage was there to note a failure."""
    error = WorkerLost(f"The worker ended {claim.session.attempt - 1} times while it worked on this session.")
    named = claim.session.project_id, claim.session.id
    report = await database.read_once(lambda connection: reports.of_session(connection, *named))
    await bury_or_postpone(database, worker, claim, report, error)


class WorkerLost(RetroSpecError):
    """A session outlived as many workers as it has attempts."""


async def seized(database: Database, worker: WorkerSettings, project_id: str, session_id: str) -> Claim:
    """The session, whoever holds it now: an outside word settles it. Raises NotFound."""
    until = utc_now() + timedelta(seconds=worker.lease_seconds)
    async with database.write() as connection:
        claim = await sessions.seize(connection, project_id, session_id, owner=new_id("out"), until=until)
    if claim is None:
        raise NotFound(f"There is no session {session_id!r} in this project.")
    return claim


@asynccontextmanager
async def kept(database: Database, worker: WorkerSettings, claim: Claim) -> AsyncIterator[None]:
    """Renews the claim as long as the body runs; gives it back, uncounted, where the body is told to stop."""
    renewing = asyncio.create_task(_keep_renewing(database, worker, claim))
    try:
        yield
    except asyncio.CancelledError:
        async with database.write() as connection:
            await sessions.release(connection, claim, now=utc_now())
        raise
    finally:
        renewing.cancel()


async def _keep_renewing(database: Database, worker: WorkerSettings, claim: Claim) -> None:
    while True:
        await asyncio.sleep(worker.lease_seconds / 3)
        try:
            async with database.write() as connection:
                until = utc_now() + timedelta(seconds=worker.lease_seconds)
                await sessions.renew(connection, claim, until=until)
        except Unavailable as error:  # the next round tries again; two more fit into a lease
            log.warning("lease_not_renewed", reason=str(error))


async def bury_or_postpone(
    database: Database, worker: WorkerSettings, claim: Claim, report: ReportCard | None, error: Exception
) -> None:
    """A stage failed: try again later, or, where that can't help or was tried enough, make it a dead letter."""
    attempt = claim.session.attempt
    sentence = str(error) if isinstance(error, RetroSpecError) else f"{type(error).__name__}: {error}"
    is_tried_enough = attempt >= worker.max_attempts and not isinstance(error, Outage)
    is_final = isinstance(error, CorruptRecording | NotFound) or is_tried_enough
    log.warning(
        "stage_failed",
        attempt=attempt,
        final=is_final,
        error=sentence,
        exc_info=not isinstance(error, RetroSpecError),
    )
    now = utc_now()
    delay_s = sessions.retry_delay_s(
        attempt, base_s=worker.retry_base_seconds, max_s=worker.retry_max_seconds, jitter=random.random()
    )
    async with database.write() as connection:
        if is_final:
            await sessions.bury(connection, claim, now=now, error=sentence)
            await reports.save(connection, failed_report(claim.session, report, sentence))
        else:
            counted = attempt - isinstance(error, Outage)  # a full or absent store is not the session's fault
            not_before = now + timedelta(seconds=delay_s)
            await sessions.postpone(connection, claim, not_before=not_before, error=sentence, attempt=counted)
