"""What one key may send in a day, and how many sessions one visitor or key may begin in an hour."""

import time
from collections import OrderedDict
from typing import Any

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.errors import TooManyRequests
from retrospec.domain.settings import LimitSettings
from retrospec.storage import projects
from retrospec.storage.database import Connection, Database
from retrospec.storage.projects import ApiKey
from retrospec.web.shared_rates import SharedRates

DAY_MS = 86_400_000
SAVED_EVERY_S = 5.0
HOUR_S = 3_600.0
MAX_VISITORS = 20_000


class _Used:
    def __init__(self, day: int, stored: int) -> None:
        self.day, self.stored, self.unsaved, self.saved_at = day, stored, 0, time.monotonic()


class VolumeQuota:
    """Counts what is sent with keys that have a daily limit; kept in the database every few seconds.

    Several processes each see the others' counts only when they look anew, once in ``SAVED_EVERY_S``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[str, _Used] = {}

    async def admit(self, key: ApiKey, size_bytes: int) -> None:
        """``size_bytes`` more are sent with ``key``. Raises TooManyRequests when that is past its day's limit."""
        now_ms = to_epoch_ms(utc_now())
        day = now_ms // DAY_MS
        used = self._used.get(key.id)
        if used is None or used.day != day:
            stored = await self._database.read_once(lambda c: projects.used_bytes(c, key.id, day))
            used = self._used[key.id] = _Used(day, stored)
        if used.stored + used.unsaved + size_bytes > key.daily_mb * 1_000_000:
            raise TooManyRequests(
                f"This key's {key.daily_mb:,} MB for today are used up.",
                retry_after_s=(DAY_MS - now_ms % DAY_MS) / 1_000,
            )
        used.unsaved += size_bytes
        if time.monotonic() - used.saved_at > SAVED_EVERY_S or used.stored == 0:
            await self._save(key.id, used)

    async def _save(self, key_id: str, used: _Used) -> None:
        unsaved, used.unsaved, used.saved_at = used.unsaved, 0, time.monotonic()
        used.stored += unsaved

        async def add(connection: Connection) -> int:
            await projects.add_used_bytes(connection, key_id, used.day, unsaved)
            return await projects.used_bytes(connection, key_id, used.day)

        used.stored = await self._database.write_soon(add)


def volume_quota(state: Any) -> VolumeQuota:
    """The one of this process."""
    if "volume_quota" not in state:
        state["volume_quota"] = VolumeQuota(state.database)
    quota: VolumeQuota = state["volume_quota"]
    return quota


class SessionQuota:
    """How many sessions began lately, per visitor and per key; in memory, and where ``shared``, at other servers too."""

    def __init__(self, limits: LimitSettings, shared: SharedRates | None = None) -> None:
        self._limits = limits
        self._shared = shared
        self._begun: OrderedDict[str, dict[str, float]] = OrderedDict()

    def admit(self, key_id: str, visitor_id: str, session_id: str) -> None:
        """A piece of ``session_id`` arrives. Raises TooManyRequests when it would be one session too many."""
        self._count(f"key {key_id}", session_id, self._limits.sessions_per_key)
        if visitor_id:
            self._count(f"{key_id} {visitor_id}", session_id, self._limits.sessions_per_visitor)

    def _count(self, name: str, session_id: str, most: int) -> None:
        now, begun = time.monotonic(), self._begun.setdefault(name, {})
        self._begun.move_to_end(name)
        if not most or session_id in begun:
            return
        if len(begun) >= most:
            _forget_old(begun, now)
        if len(begun) >= most:
            raise TooManyRequests(
                f"Too many sessions: at most {most:,} an hour are kept of one visitor or key.",
                retry_after_s=HOUR_S - (now - min(begun.values())),
            )
        if self._shared is not None:
            self._refuse_past_all(name, most)
        begun[session_id] = now
        if len(self._begun) > MAX_VISITORS:
            self._begun.popitem(last=False)


    def _refuse_past_all(self, name: str, most: int) -> None:
        assert self._shared is not None
        wait_s = self._shared.wait_s(f"sessions {name}", most / HOUR_S)
        if wait_s > 0:
            raise TooManyRequests(f"Too many sessions: at most {most:,} an hour are kept of one visitor or key.", retry_after_s=wait_s)
        self._shared.spend(f"sessions {name}", most / HOUR_S, float(most))


def _forget_old(begun: dict[str, float], now: float) -> None:
    for session_id in [name for name, at in begun.items() if now - at > HOUR_S]:
        del begun[session_id]


def session_quota(state: Any) -> SessionQuota:
    """The one of this process."""
    if "session_quota" not in state:
        state["session_quota"] = SessionQuota(state.settings.limits, state.rate_limiter.shared)
    quota: SessionQuota = state["session_quota"]
    return quota
