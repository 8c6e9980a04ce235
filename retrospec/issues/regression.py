"""When a resolved issue has come back, when a fix is verified, when a muted issue speaks again. Pure."""

import math
from datetime import datetime

from msgspec import Struct

from retrospec.domain.workflow import Fix, FixIn

CHANCE_OF_LUCK = 0.05
"""A fix is verified once so many clean sessions would be this unlikely if it had changed nothing."""
FEWEST_CLEAN = 3
UNKNOWN_SHARE = 0.1
"""Taken for the share of sessions that fail where it was never measured: 29 clean ones verify."""


class Visit(Struct, frozen=True, kw_only=True):
    """What ordering needs to know of a session."""

    started_at: datetime
    release: str = ""
    release_since: datetime | None = None
    """When its release was first seen in this project."""


def is_of_the_fix(fix: Fix, visit: Visit, fix_since: datetime | None) -> bool:
    """Whether the session ran with the fix in place; ``fix_since`` is when the fix's release was first seen.

    Releases are ordered by when this project first saw them, never by their names. A session without a release, or a
    fix whose release nobody has seen yet, cannot be placed: the answer is no.
    """
    if fix.fix_in is FixIn.NOW:
        return visit.started_at > fix.resolved_at
    if visit.release_since is None:
        return False
    if fix.release:
        return visit.release == fix.release or (fix_since is not None and visit.release_since >= fix_since)
    return fix.fix_in is FixIn.NEXT and visit.release_since > fix.resolved_at


def clean_sessions_needed(used_count: int, failed_count: int) -> int:
    """How many sessions without the failure verify a fix.

    With a share ``p`` of the users failing before, ``n`` clean sessions happen by luck with probability ``(1 - p)^n``
    (the zero-failure case of the binomial test; for small ``p`` the "rule of three", n = 3 / p).
    """
    share = failed_count / used_count if used_count >= 10 and failed_count else UNKNOWN_SHARE
    share = min(max(share, 0.003), 0.99)
    return max(FEWEST_CLEAN, math.ceil(math.log(CHANCE_OF_LUCK) / math.log(1 - share)))


class Mute(Struct, frozen=True, kw_only=True):
    """What ends a mute; each part may be unset."""

    until: datetime | None = None
    total: int | None = None
    """Sessions of the issue, ever."""
    per_hour: int | None = None


def unmute_reason(mute: Mute, *, now: datetime, session_count: int, this_hour: int) -> str:
    """Why a muted issue speaks again, as the end of a sentence; empty while it stays muted."""
    if mute.until is not None and now >= mute.until:
        return "its time was over"
    if mute.total is not None and session_count >= mute.total:
        return f"it reached {mute.total} sessions"
    if mute.per_hour is not None and this_hour >= mute.per_hour:
        return f"{this_hour} sessions met it within an hour"
    return ""
