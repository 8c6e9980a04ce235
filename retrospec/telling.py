"""The courier as this installation runs it, and the look after mutes whose time is over."""

import asyncio
from typing import Any
from urllib.parse import quote

import structlog

from retrospec import reactions
from retrospec.alerts.courier import Courier
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.storage import reports
from retrospec.storage.database import Database
from retrospec.storage.outbox import Letter

log = structlog.get_logger()

PICTURES = ("filmstrip", "frame")
"""Artifacts that show the moment, the best first."""
MUTES_EVERY_S = 20.0
DAY_S = 86_400


def courier_for(state: Any) -> Courier:
    """The courier over the parts in an app's ``state``."""

    async def picture_link(letter: Letter) -> str:
        session_id = letter.facts.get("sessionId", "")
        async with state.database.read() as connection:
            for kind in PICTURES:
                artifact = await reports.latest_artifact(connection, letter.project_id, session_id, kind)
                if artifact is not None and artifact.status == "ready" and artifact.artifact_key:
                    return _signed(state, letter.project_id, session_id, kind)
        return ""

    return Courier(state.settings.alerts, state.database, lambda: str(state.address), picture_link)


def _signed(state: Any, project_id: str, session_id: str, kind: str) -> str:
    """A link that works without signing in for as long as the picture may be kept."""
    seconds = state.settings.retention.days * DAY_S
    token, _ = state.tokens.issue(project_id, session_id, kind, now=utc_now(), seconds=seconds)
    return f"{state.address}/v1/sessions/{quote(session_id, safe='')}/artifacts/{kind}?artifactToken={token}"


async def unmute_forever(database: Database) -> None:
    """End mutes in their time, until cancelled."""
    while True:
        try:
            async with database.write() as connection:
                await reactions.unmute_overdue(connection, now=utc_now())
        except Unavailable as error:
            log.warning("unmuting_postponed", reason=str(error))
        await asyncio.sleep(MUTES_EVERY_S)
