"""Notes who looked at, shared, deleted or changed what: one hook after every answer.

A handler that changes accounts, keys or shares writes its entry itself, within the same transaction
(``note_change``); everything else is noted here once it was answered, so that a new route is in the log from its
first day.
"""

import time
from collections import OrderedDict
from typing import Any

import structlog
from litestar import Request

from retrospec.domain.audit import Actor
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.storage import audit
from retrospec.storage.database import Connection, Database
from retrospec.web.access import client_address

AnyRequest = Request[Any, Any, Any]

log = structlog.get_logger()

LOOKS = {
    "sessions/{session_id}": ("session_viewed", "session_id"),
    "sessions/{session_id}/events.json": ("recording_read", "session_id"),
    "sessions/{session_id}/stream": ("recording_read", "session_id"),
    "sessions/{session_id}/events": ("recording_read", "session_id"),
    "sessions/{session_id}/artifacts/{artifact_id}": ("artifact_read", "session_id"),
    "sessions/{session_id}/artifacts/{artifact_type}": ("artifact_read", "session_id"),
    "sessions/{session_id}/artifacts/{artifact_type}/token": ("token_made", "session_id"),
    "sessions/{session_id}/files/{artifact_id}": ("artifact_read", "session_id"),
    "sessions/{session_id}/trace": ("session_viewed", "session_id"),
    "sessions/{session_id}/reproduction": ("session_viewed", "session_id"),
    "sessions/{session_id}/capsule": ("capsule_taken", "session_id"),
    "sessions/{session_id}/capsule.html": ("capsule_taken", "session_id"),
    "issues/{key}/sessions": ("issue_viewed", "key"),
    "issues/{key}": ("issue_viewed", "key"),
    "issues/{cluster_key}/sessions": ("issue_viewed", "cluster_key"),
}
SUBJECTS = ("session_id", "key", "cluster_key", "key_id", "share_id", "user_id", "message_id")
SAME_LOOK_S = 600.0
"""Looking again within this time is the same look: pages refresh themselves."""
MAX_LOOKS = 20_000


class LooksSeen:
    """Which looks were noted a moment ago."""

    def __init__(self) -> None:
        self._at: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_new(self, *look: str) -> bool:
        """Whether this look was not noted within ``SAME_LOOK_S``; it is from now on."""
        now, then = time.monotonic(), self._at.get(look)
        if then is not None and now - then < SAME_LOOK_S:
            return False
        self._at[look] = now
        self._at.move_to_end(look)
        if len(self._at) > MAX_LOOKS:
            self._at.popitem(last=False)
        return True


def actor_of(request: AnyRequest) -> Actor:
    """Who asks: a signed-in user, a key, or a stranger."""
    address = client_address(request, request.app.state.settings)
    login, key = request.state.get("login"), request.state.get("key")
    if login is not None:
        return Actor(name=login.user.email, id=login.user.id, address=address)
    share = request.state.get("share")
    if share is not None:
        return Actor(name=f"share link {share.id}", id=share.id, address=address)
    if key is not None:
        return Actor(name=f"key {key.hint}… {key.name}", id=key.id, address=address)
    return Actor(name="nobody signed in", address=address)


async def note_change(
    request: AnyRequest,
    connection: Connection,
    action: str,
    *,
    project_id: str = "",
    subject: str = "",
    **detail: Any,
) -> None:
    """One entry, in the transaction of the change; the hook then adds none."""
    request.state.is_noted = True
    await audit.note(
        connection,
        actor_of(request),
        action,
        now=utc_now(),
        project_id=project_id,
        subject=subject,
        detail=detail,
    )


async def note_answered(request: AnyRequest) -> None:
    """After a page or an API call was answered (never after an error): what it was goes into the log."""
    if request.method not in ("GET", "HEAD") and (changed := _project_of(request)):
        _database(request).changes.note(changed)
    entry = _entry_of(request)
    if entry is None or request.state.get("is_noted"):
        return
    action, subject, project_id = entry
    actor, database = actor_of(request), _database(request)

    async def write(connection: Connection) -> None:
        await audit.note(
            connection, actor, action, now=utc_now(), project_id=project_id, subject=subject
        )

    try:
        await database.write_soon(write)
    except RetroSpecError as error:
        log.error("audit_entry_lost", action=action, actor=actor.name, subject=subject, reason=str(error))


def _entry_of(request: AnyRequest) -> tuple[str, str, str] | None:
    """Action, subject and project; None for what leaves no trace."""
    place = _place_of(str(request.scope.get("path_template", "")))
    project_id = _project_of(request)
    if request.method not in ("GET", "HEAD"):
        return _action_name(place), _subject(request), project_id
    look = LOOKS.get(place)
    if look is None or not request.app.state.settings.audit.looks:
        return None
    action, name = look
    subject = str(request.path_params.get(name, ""))
    if not _looks_seen(request).is_new(actor_of(request).name, action, project_id, subject):
        return None
    return action, subject, project_id


def _place_of(template: str) -> str:
    """``/p/{project_id}/issues/{key}`` and ``/v1/issues/{key}`` → ``issues/{key}``."""
    parts = [part for part in template.split("/") if part]
    cut = 2 if parts[:1] == ["p"] else 1 if parts[:1] in (["v1"], ["v2"]) else 0
    return "/".join(parts[cut:])


def _action_name(place: str) -> str:
    words = [part for part in place.split("/") if not part.startswith("{")]
    return f"{'_'.join(words).replace('-', '_')}_sent"[:64]


def _subject(request: AnyRequest) -> str:
    found = (request.path_params.get(name) for name in SUBJECTS)
    return next((str(value) for value in found if value is not None), "")


def _project_of(request: AnyRequest) -> str:
    key = request.state.get("key")
    return str(request.path_params.get("project_id") or (key.project_id if key else ""))


def _looks_seen(request: AnyRequest) -> LooksSeen:
    state = request.app.state
    if "looks_seen" not in state:
        state["looks_seen"] = LooksSeen()
    seen: LooksSeen = state["looks_seen"]
    return seen


def _database(request: AnyRequest) -> Database:
    database: Database = request.app.state.database
    return database
