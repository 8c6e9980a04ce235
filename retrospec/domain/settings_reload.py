"""Which settings a running server takes over, and taking them over."""

import msgspec

from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import settings_by_key

_LIVE_SECTIONS = ("retention", "promote", "artifacts", "backup")
_LIVE = {
    "server.internal_key", "server.metrics_token", "server.trusted_proxies", "server.log_level", "storage.max_gb",
    "limits.requests_per_second", "limits.burst", "limits.max_backlog", "limits.max_events", "capture.idle_seconds",
    "capture.end_grace_seconds", "analysis.min_confidence", "worker.max_attempts", "worker.retry_base_seconds",
    "worker.retry_max_seconds", "worker.lease_seconds",
}  # fmt: skip


class Reloaded(msgspec.Struct):
    """What came of a reload, as dotted names."""

    applied: list[str] = []
    waiting: list[str] = []
    """Changed, but only a restart can take them over."""
    error: str = ""
    """Why nothing was taken over."""


def is_live(key: str) -> bool:
    """Whether a running server takes a change of this setting over."""
    return key in _LIVE or key.partition(".")[0] in _LIVE_SECTIONS


def changed_keys(current: Settings, fresh: Settings) -> list[str]:
    """Settings whose values differ."""
    return [key for key in settings_by_key() if _value(current, key) != _value(fresh, key)]


def take_over(current: Settings, fresh: Settings) -> Reloaded:
    """Change ``current`` in place, where everything that holds it sees it; what can't be is left as it was."""
    reloaded = Reloaded([], [])
    for key in changed_keys(current, fresh):
        section, _, name = key.partition(".")
        if not is_live(key):
            reloaded.waiting.append(key)
            continue
        setattr(getattr(current, section), name, _value(fresh, key))
        if key in fresh.sources:
            current.sources[key] = fresh.sources[key]
        else:
            current.sources.pop(key, None)
        reloaded.applied.append(key)
    return reloaded


def _value(settings: Settings, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)
