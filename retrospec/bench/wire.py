"""A keep-alive HTTP/1.1 client that costs next to nothing: the load shares its cores with the server.

One ``Connection`` carries one request at a time. A connection that the server closed between two
requests is opened again; a request that fails half-way raises ``ConnectionError``.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httptools
import msgspec

DEADLINE_S = 120.0


class Answer(msgspec.Struct):
    """A whole response; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as plain values."""
        return msgspec.json.decode(self.body)


class Origin(msgspec.Struct, frozen=True):
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """The origin of an ``http://`` URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"{url!r} is not an http:// address")
        return cls(parts.hostname, parts.port or 80)


class Connection(asyncio.Protocol):
    """Requests in turn over one socket."""

    def __init__(self, origin: Origin, headers: dict[str, str]) -> None:
        self._origin = origin
        lines = [
            f"Host: {origin.host}:{origin.port}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._fixed_head = "\r\n".join(lines)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    async def request(self, method: str, path: str, *body: bytes) -> Answer:
        """Send the joined ``body`` parts as JSON and wait for the whole answer."""
        transport = await self._open_transport()
        size = sum(len(part) for part in body)
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed_head}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        self._waiting = asyncio.get_running_loop().create_future()
        transport.writelines([head.encode(), *body])
        async with asyncio.timeout(DEADLINE_S):
            return await self._waiting

    async def _open_transport(self) -> asyncio.Transport:
        if self._transport is None or self._transport.is_closing():
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_connection(
                lambda: self, self._origin.host, self._origin.port
            )
            self._parser = httptools.HttpResponseParser(self)
        return self._transport

    def close(self) -> None:
        """Close the socket, if open."""
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Bytes from the socket."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"not an HTTP answer: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._transport = None
        self._fail(ConnectionError(f"the server closed the connection: {exc or 'no answer'}"))

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    # httptools

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._headers, self._body = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._parser.get_status_code() == 100:  # "continue": the answer proper follows
            return
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        if not self._parser.should_keep_alive():
            self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)
