"""Who did what: one entry of the audit log."""

from datetime import datetime
from typing import Any

import msgspec


class Actor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it: a user, a key, a share link, or the command line."""

    name: str
    """As the log shows it: an e-mail address, ``key rs_1a2b3c…``, ``command line``."""
    id: str = ""
    address: str = ""
    """Of the browser or program, where it came over the network."""


COMMAND_LINE = Actor(name="command line")


class AuditEntry(msgspec.Struct, kw_only=True):
    """One thing done, as kept for ever (or ``audit.keep_days``)."""

    id: str
    at: datetime
    actor: Actor
    action: str
    """``session_viewed``, ``key_revoked``, …"""
    project_id: str = ""
    """Empty for what concerns the whole installation."""
    subject: str = ""
    """What it was done to: an id, a key of an issue, an address."""
    detail: dict[str, Any] = {}
