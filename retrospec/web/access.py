"""Who may call the API: keys with scopes, the internal key, and the rate."""

import hmac
import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Forbidden, TooManyRequests, Unauthorized
from retrospec.domain.settings import LimitSettings, Settings
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import ApiKey
from retrospec.storage.scope import within_project
from retrospec.web.quotas import volume_quota
from retrospec.web.shared_rates import SharedRates

KEY_MEMORY_S = 5.0
"""A revoked key stops working within this time on every node."""
TOUCH_EVERY_S = 60.0
MAX_BUCKETS = 20_000
SHARED_AS = "requests "
_COUNTRY = re.compile("[A-Z]{2}")
_NO_COUNTRY = frozenset({"XX", "ZZ"})
"""What proxies say where they do not know (ISO 3166-1 gives these to nobody)."""

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Coroutine[Any, Any, None]]


class _Known(msgspec.Struct):
    key: ApiKey | None
    read_at: float
    touched_at: float = 0.0


class KeyRing:
    """Looks keys up, remembering each answer for a few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def find(self, secret: str) -> ApiKey | None:
        """The live key with this secret, or None."""
        known = self._known.get(secret)
        now = time.monotonic()
        if known is None or now - known.read_at > KEY_MEMORY_S:
            known = await self._read(secret, now, touched_at=known.touched_at if known else 0.0)
        if known.key is None or not known.key.is_live(utc_now()):
            return None
        if now - known.touched_at > TOUCH_EVERY_S:
            known.touched_at = now
            await self._touch(known.key.id)
        return known.key

    def forget(self) -> None:
        """Ask the database again: a key was revoked or changed just now."""
        self._known.clear()

    async def _read(self, secret: str, now: float, *, touched_at: float) -> _Known:
        key = await self._database.read_once(lambda connection: projects.find_key(connection, secret))
        known = self._known[secret] = _Known(key, now, touched_at)
        if len(self._known) > MAX_BUCKETS:
            self._known.popitem(last=False)
        return known

    async def _touch(self, key_id: str) -> None:
        await self._database.write_soon(
            lambda connection: projects.touch_key(connection, key_id, now=utc_now())
        )


class RateLimiter:
    """A token bucket per caller; ``shared`` makes one of those of several servers."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self.shared: SharedRates | None = None
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def _general(self) -> tuple[float, float]:
        return self._limits.requests_per_second, float(self._limits.burst)

    def take(self, caller: str, own_rate: float = 0.0) -> None:
        """One request of ``caller``, at the general rate or one of its own. Raises TooManyRequests."""
        rate, burst = (own_rate, max(1.0, 2 * own_rate)) if own_rate else self._general()
        if rate <= 0:
            return
        now = time.monotonic()
        tokens, then = self._buckets.get(caller, (burst, now))
        tokens = min(burst, tokens + (now - then) * rate)
        self._buckets[caller] = (tokens - 1.0 if tokens >= 1.0 else tokens, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if tokens < 1.0:
            raise TooManyRequests(
                f"Too many requests: at most {rate:g} a second.",
                retry_after_s=(1.0 - tokens) / rate,
            )
        if self.shared is not None:
            self.shared.spend(f"{SHARED_AS}{caller}", rate, burst)

    def adopt(self, allowances: Mapping[str, float]) -> None:
        """What all servers together have left for these callers, below nothing where they let in too much."""
        now = time.monotonic()
        for name, tokens in allowances.items():
            if name.startswith(SHARED_AS):
                self._buckets[name.removeprefix(SHARED_AS)] = (tokens, now)


def client_address(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> str:
    """The caller's address; ``X-Forwarded-For`` counts only when a trusted proxy sent it."""
    direct = connection.client.host if connection.client else ""
    forwarded = connection.headers.get("x-forwarded-for", "")
    if not forwarded or not _is_trusted(direct, settings.server.trusted_proxies):
        return direct
    hops = [hop.strip() for hop in forwarded.split(",")]
    outside = [hop for hop in hops if not _is_trusted(hop, settings.server.trusted_proxies)]
    return outside[-1] if outside else direct


def visitor_country(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> str:
    """Two letters that a trusted proxy put into ``capture.country_header``; "" without one, or where it does not know."""
    name = settings.capture.country_header
    if not name or not _is_trusted(connection.client.host if connection.client else "", settings.server.trusted_proxies):
        return ""
    country = connection.headers.get(name.lower(), "").strip().upper()
    return country if _COUNTRY.fullmatch(country) and country not in _NO_COUNTRY else ""


def _is_trusted(address: str, proxies: list[str]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def needs(scope: str) -> Guard:
    """A guard that lets only keys with ``scope`` pass; the key is then ``request.state.key``."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        state = connection.app.state
        secret = given_key(connection)
        address = client_address(connection, state.settings)
        _take(connection, f"{secret[:16]}|{address}")
        key = await state.keyring.find(secret) if secret else None
        if key is None:
            _take(connection, f"unknown|{address}")
            raise Unauthorized(
                _no_key(secret), hint="Keys are made with: retrospec key create --project P --scopes …"
            )
        if scope not in key.scopes:
            raise Forbidden(f"This key may not do that: it lacks the scope {scope!r}.")
        connection.state.key = key
        if key.requests_per_second:
            _take(connection, key.id, key.requests_per_second)
        if scope == "ingest":
            await _may_send(connection, key)
        else:
            within_project(key.project_id)

    guard.scope = scope  # type: ignore[attr-defined]  # the published description says it
    return guard


async def _may_send(connection: ASGIConnection[Any, Any, Any, Any], key: ApiKey) -> None:
    """Raises Forbidden from a page the key is not for, TooManyRequests past the key's daily volume."""
    if key.origins and connection.headers.get("origin", "").lower() not in key.origins:
        raise Forbidden(
            "This key sends only from the pages it was made for.",
            hint="Add this site's origin to the key on the project's page.",
        )
    if key.daily_mb:
        await volume_quota(connection.app.state).admit(key, _content_length(connection))


def _content_length(connection: ASGIConnection[Any, Any, Any, Any]) -> int:
    given = connection.headers.get("content-length", "")
    if not given.isascii() or not given.isdecimal():
        raise BadRequest("This key counts what is sent with it: send a Content-Length.")
    return int(given)


def _take(connection: ASGIConnection[Any, Any, Any, Any], caller: str, own_rate: float = 0.0) -> None:
    try:
        connection.app.state.rate_limiter.take(caller, own_rate)
    except TooManyRequests:
        connection.app.state.metrics.rate_limited.inc()
        raise


def _no_key(secret: str) -> str:
    if not secret:
        return "No key was given; send it as X-Retrospec-Key or ?key=."
    return "This key is unknown or was revoked."


def given_key(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The key in the header or the query; empty when there is none."""
    return connection.headers.get("x-retrospec-key", "") or connection.query_params.get("key", "")


async def needs_internal(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """A guard for outside analyzers: the configured internal key, or a key with scope ``internal``."""
    state = connection.app.state
    configured = state.settings.server.internal_key
    given = connection.headers.get("x-retrospec-internal", "")
    if configured and given and hmac.compare_digest(configured.encode(), given.encode()):
        connection.state.key = None
        return
    _take(connection, f"internal|{client_address(connection, state.settings)}")
    key = await state.keyring.find(given) if given else None
    if key is None or "internal" not in key.scopes:
        raise Forbidden(
            "This door is for outside analyzers and needs the internal key."
            if configured
            else "No internal key is configured, so this door is closed.",
            hint="Set server.internal_key or make a key with the scope internal.",
        )
    connection.state.key = key
    within_project(key.project_id)
