"""What a team decides about an issue beyond its state, and what becomes of that."""

from datetime import datetime
from enum import StrEnum

import msgspec


class FixIn(StrEnum):
    """From when on an issue counts as fixed."""

    NOW = "now"
    """From the moment it was resolved."""
    NEXT = "next"
    """From the first release that is first seen after that moment."""
    RELEASE = "release"
    """From a release that was named."""


class Fix(msgspec.Struct, kw_only=True, frozen=True):
    """How an issue was resolved."""

    fix_in: FixIn
    resolved_at: datetime
    release: str = ""
    """The release the fix is in; empty for ``now``, and for ``next`` until that release is seen."""


class Work(msgspec.Struct, kw_only=True):
    """The standing of an issue that its own row does not hold."""

    fix: Fix | None = None
    verified_at: datetime | None = None
    clean_count: int = 0
    """Sessions since the fix that used what failed, without the failure."""
    mute_total: int | None = None
    """Unmuted once the issue has this many sessions."""
    mute_per_hour: int | None = None
    """Unmuted once this many sessions fall into one hour."""
    watch: str = ""
    """What its visitors were using when it failed: ``control:…``, ``endpoint:…`` or ``page:…``; empty when unknown."""
    watch_shown: str = ""
    watched_since: datetime | None = None
    used_count: int = 0
    """Sessions that used it since then, with or without the failure."""
    failed_count: int = 0
    """Those of them with the failure confirmed."""


class Activity(msgspec.Struct, kw_only=True):
    """One line of an issue's log."""

    id: str
    at: datetime
    author: str
    """Name of the person; empty for RetroSpec itself."""
    kind: str
    """``comment``, ``state``, ``assignee``, ``note``, ``promoted``, ``regressed``, ``unmuted``, ``verified``."""
    detail: str
