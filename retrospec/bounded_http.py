"""HTTP with bounds: how large headers may be, how slowly they and a body may come, how many connections there are.

Uvicorn waits for ever for the first request of a connection and for a body; these bounds end what a slow
or greedy client holds open. Each has its setting in ``[limits]``.
"""

import asyncio
import ipaddress
from collections import Counter
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from retrospec.domain.settings import Settings

_PLAIN = (
    b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n%s\r\n%s"
)


class OpenConnections:
    """How many connections there are now, in all and by address."""

    def __init__(self) -> None:
        self.total = 0
        self.by_address: Counter[str] = Counter()

    def add(self, address: str) -> None:
        """One more of ``address``."""
        self.total += 1
        self.by_address[address] += 1

    def remove(self, address: str) -> None:
        """One less."""
        self.total -= 1
        self.by_address[address] -= 1
        if self.by_address[address] <= 0:
            del self.by_address[address]


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *given: Any, settings: Settings, connections: OpenConnections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits = settings.limits
        self._proxies = settings.server.trusted_proxies
        self._connections = connections
        self._address = ""
        self._header_bytes = 0
        self._is_in_headers = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Too many connections, of all or of this address, end at once with 503 or 429."""
        super().connection_made(transport)
        self._address = (transport.get_extra_info("peername") or ("",))[0]
        self._connections.add(self._address)
        if self._connections.total > self._limits.max_connections:
            self._end(503, b"Service Unavailable", b"This server has as many connections as it may.")
        elif self._is_over_its_share():
            self._end(429, b"Too Many Requests", b"Too many connections of one address.")
        else:
            self._wait(self._limits.header_seconds)

    def _is_over_its_share(self) -> bool:
        return self._connections.by_address[
            self._address
        ] > self._limits.connections_per_address and not _is_among(self._address, self._proxies)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counted no more."""
        self._stop_waiting()
        self._connections.remove(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Headers past their size are refused before they are parsed on."""
        if self._is_in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > self._limits.max_header_kb * 1_000 and b"\r\n\r\n" not in data:
                self._end(431, b"Request Header Fields Too Large", b"The address and headers are too large.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request: its headers must be whole in time."""
        super().on_message_begin()
        self._wait(self._limits.header_seconds)

    def on_headers_complete(self) -> None:
        """From here on the body must be whole in time."""
        too_large = sum(len(name) + len(value) for name, value in self.headers) + len(self.url)
        if too_large > self._limits.max_header_kb * 1_000:
            self._end(431, b"Request Header Fields Too Large", b"The address and headers are too large.")
            return
        super().on_headers_complete()
        self._is_in_headers = False
        self._wait(self._limits.body_seconds)

    def on_message_complete(self) -> None:
        """The request is whole; the next one's headers begin."""
        self._stop_waiting()
        self._is_in_headers, self._header_bytes = True, 0
        super().on_message_complete()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(
            seconds, partial(self._end, 408, b"Request Timeout", b"The request came too slowly.")
        )

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, status: int, reason: bytes, sentence: bytes) -> None:
        """One last answer, unless one is on its way, and the connection ends."""
        self._stop_waiting()
        if self.transport is None or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = b'{"error": "%s"}' % sentence
            more = b"retry-after: 5\r\n" if status in (429, 503) else b""
            self.transport.write(_PLAIN % (status, reason, len(body), more, body))
        self.transport.close()


def _is_among(address: str, networks: list[str]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in networks)
