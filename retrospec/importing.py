"""Recordings from files become sessions: in by the same door as those that browsers send.

One chunk per tab, not cut: what redaction learns from a snapshot then holds for all of its tab.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from retrospec.arriving import MAX_CLOCK_SKEW
from retrospec.capture.checks import FIRST_CLIENT_MS, LAST_CLIENT_MS, MAX_ROUTE_CHARS, MAX_SITE_CHARS
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.ids import is_client_id
from retrospec.domain.recording import Recording
from retrospec.domain.report import ReportCard
from retrospec.domain.rrweb import EventType
from retrospec.domain.settings import Settings
from retrospec.domain.web_address import address_parts
from retrospec.intake import Intake
from retrospec.lookout import Lookout, why_not
from retrospec.model_line import ModelLine
from retrospec.pipeline import Pipeline
from retrospec.reader import Reader
from retrospec.screening.room import RenderRoom
from retrospec.screening.strips import StripKeeper
from retrospec.source_names import SourceNames
from retrospec.storage import reports
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.telemetry import Metrics
from retrospec.traffic import Traffic

UNKNOWN_SITE = "imported"
MAX_IMPORT_MB = 1_024
"""As much as a stored recording may inflate to."""
MAX_IMPORT_EVENTS = 10_000_000
_FIRST_PLAUSIBLE_MS = 946_684_800_000
"""2000: an earlier time is a count from some zero, not a moment."""
_ID_DIGITS = 32


class Imported(msgspec.Struct, kw_only=True):
    """The session that a recording became."""

    session_id: str
    """Made from the events, so that the same recording is the same session."""
    is_new: bool
    event_count: int


class _Head(msgspec.Struct, gc=False):
    """What is looked at of an event."""

    type: int | float | None = None
    timestamp: int | float | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Address(msgspec.Struct):
    href: str = ""


class _Facts(msgspec.Struct):
    """What a session's row needs and only the events know."""

    event_count: int = 0
    first_ms: int = 0
    last_ms: int = 0
    href: str = ""


@contextmanager
def import_door(settings: Settings, database: Database, blobs: Blobs) -> Iterator[Intake]:
    """The front door for the operator's own files: limits meant for strangers are lifted, and nothing more is waited for."""
    capture = msgspec.structs.replace(settings.capture, end_grace_seconds=0)
    limits = msgspec.structs.replace(settings.limits, max_body_mb=MAX_IMPORT_MB, max_events=MAX_IMPORT_EVENTS)
    own = msgspec.structs.replace(settings, capture=capture, limits=limits)
    door = Intake(own, database, blobs, _not_rung, Metrics(), SourceNames(database, blobs))
    try:
        yield door
    finally:
        door.close()


async def import_recording(door: Intake, project_id: str, recording: Recording, *, site: str, source: str) -> Imported:
    """Keep ``recording`` as a session of the project; ``site`` empty takes the first page's host.

    ``source`` is kept as the tag ``importedFrom``. Doing it twice changes nothing. Raises Refused.
    """
    session_id, facts = _session_id(recording), _facts_of(recording)
    now_ms = to_epoch_ms(utc_now())
    shared = {
        "v": 2,
        "sessionId": session_id,
        "seq": 0,
        "segment": 0,
        "site": site or _host(facts.href),
        "route": _path(facts.href),
        "url": "",
        "tags": {"importedFrom": source},
        **_times(facts, now_ms),
    }
    is_new = False
    tabs = _tab_ids(recording)
    for number, (tab_id, chunk) in enumerate(zip(tabs, recording.chunks, strict=True), start=1):
        body = shared | {"tabId": tab_id, "events": msgspec.Raw(chunk), "final": number == len(tabs)}
        _, added, _ = await door.accept_chunk(project_id, msgspec.json.encode(body))
        is_new |= added is not None
    return Imported(session_id=session_id, is_new=is_new, event_count=facts.event_count)


@asynccontextmanager
async def own_pipeline(settings: Settings, database: Database, blobs: Blobs) -> AsyncIterator[Pipeline]:
    """A pipeline of this process, as a server has one; safe beside a server, since claims are.

    It serves no videos, so where ``confirmation.checker`` is ``remote_visual`` the built-in verdict stands.
    """
    no_look = why_not(settings)
    line, names = ModelLine(), SourceNames(database, blobs)
    room = RenderRoom(settings, database)
    lookout = None if no_look else Lookout(settings, blobs, line, room, publish=None)
    word = None if settings.analysis.provider == "heuristic" else Reader(settings.analysis, line).word
    try:
        look = lookout.look if lookout is not None else None
        yield Pipeline(settings, database, blobs, Metrics(), names, word, look, no_look, Traffic())
        if lookout is not None:
            await StripKeeper(database, blobs).make_missing()
    finally:
        await room.close()
        await names.close()
        await line.close()


async def report_of(database: Database, project_id: str, session_id: str) -> ReportCard | None:
    """What became of a session; None while nobody has judged it."""
    return await database.read_once(lambda connection: reports.of_session(connection, project_id, session_id))


async def _not_rung(named: Sequence[tuple[str, str]]) -> None:
    """The queue is the server's; its sweep finds what is due."""


def _session_id(recording: Recording) -> str:
    digest = hashlib.sha256()
    for tab_id, chunk in zip(_tab_ids(recording), recording.chunks, strict=True):
        digest.update(tab_id.encode() + b"\0" + hashlib.sha256(chunk).digest())
    return f"imp_{digest.hexdigest()[:_ID_DIGITS]}"


def _tab_ids(recording: Recording) -> list[str]:
    """The recording's own names of its tabs where they will do, a number elsewhere."""
    given = [*recording.tabs, *[""] * (len(recording.chunks) - len(recording.tabs))]
    return [name if is_client_id(name) else f"tab-{number}" for number, name in enumerate(given)]


def _facts_of(recording: Recording) -> _Facts:
    facts = _Facts()
    decoder = msgspec.json.Decoder(_Head)
    for raw in recording.raw_events():
        facts.event_count += 1
        try:
            head = decoder.decode(raw)
        except msgspec.DecodeError:
            continue  # an odd event is stored as it is; it only names no time and no page
        at_ms = int(head.timestamp or 0)
        if FIRST_CLIENT_MS < at_ms < LAST_CLIENT_MS:
            facts.first_ms = min(facts.first_ms or at_ms, at_ms)
            facts.last_ms = max(facts.last_ms, at_ms)
        if head.type == EventType.META and not facts.href:
            facts.href = _href_of(head.data)
    return facts


def _href_of(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Address).href
    except msgspec.DecodeError:
        return ""


def _times(facts: _Facts, now_ms: int) -> dict[str, Any]:
    """When the session began. Times that are no moments of the past are moved so that it ends now."""
    skew_ms = MAX_CLOCK_SKEW.total_seconds() * 1_000
    if not facts.last_ms:
        return {"startedAt": now_ms, "sentAt": now_ms}
    is_moment = facts.first_ms >= _FIRST_PLAUSIBLE_MS and facts.last_ms <= now_ms + skew_ms
    return {"startedAt": facts.first_ms, "sentAt": now_ms if is_moment else facts.last_ms}


def _host(href: str) -> str:
    return _split(href)[0][:MAX_SITE_CHARS] or UNKNOWN_SITE


def _path(href: str) -> str:
    return _split(href)[1][:MAX_ROUTE_CHARS] or "/"


def _split(href: str) -> tuple[str, str]:
    """Host and path of a page's address, without what a client may not send; empty where there is none."""
    parts = address_parts(href)
    return _printable(parts.hostname or ""), _printable(parts.path)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
