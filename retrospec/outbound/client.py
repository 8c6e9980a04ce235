"""The one HTTP client for the way out: pinned to checked addresses, no redirects, bounded in size and time.

Imported where a request is about to be made, so that a server that never makes one does not carry httpx.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from retrospec.outbound.addresses import NotSent, resolve

MayBePrivate = Callable[[str], bool]
"""Whether a host may stand in a private network."""
_PORTS = {"http": 80, "https": 443}


def open_client(may_be_private: MayBePrivate, *, through_proxy: bool = False) -> httpx.AsyncClient:
    """A client whose every connection goes to an address that was checked; it has no deadline of its own.

    ``through_proxy``: a proxy that the environment names is used, and then decides itself what may be reached.
    Without, it would be asked to reach what only it resolves, so it is not used.
    """
    return httpx.AsyncClient(
        transport=_Pinned(may_be_private), timeout=None, follow_redirects=False, trust_env=through_proxy,
        headers={"Accept-Encoding": "identity"},
    )  # fmt: skip


class _Pinned(httpx.AsyncHTTPTransport):
    """Connects to the address that was checked; certificate and ``Host`` are still those of the name."""

    def __init__(self, may_be_private: MayBePrivate) -> None:
        # Nothing is kept open: a connection made for one name must not carry another's request.
        super().__init__(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)
        self._may_be_private = may_be_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """``request`` at the address its host has now. Raises NotSent where that may not be reached."""
        url, host = request.url, request.url.host
        if url.scheme not in _PORTS or not host:
            raise NotSent("Its address is not a web address.", may_help=False)
        address = await resolve(host, url.port or _PORTS[url.scheme], allow_private=self._may_be_private(host))
        return await super().handle_async_request(
            httpx.Request(
                request.method, url.copy_with(host=address), headers=request.headers, stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )  # fmt: skip


@asynccontextmanager
async def sent(client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """The answer, its body still to be read. Raises NotSent where there is none, also while it is read."""
    try:
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise NotSent("Its address is not a web address.", may_help=False) from error
    except httpx.TransportError as error:
        raise NotSent(f"It could not be reached: {type(error).__name__}.", may_help=True) from error


async def first_bytes(response: httpx.Response, most_bytes: int) -> bytes:
    """The body's beginning, as sent: nothing is unpacked, so a small answer cannot grow here."""
    text = bytearray()
    async for part in response.aiter_raw():
        text += part
        if len(text) >= most_bytes:
            break
    return bytes(text[:most_bytes])


async def whole_body(response: httpx.Response, most_bytes: int) -> bytes:
    """All of the body. Raises NotSent where it is larger, or packed though nothing of that was asked for."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise NotSent("Its answer is compressed, which was not asked for.", may_help=False)
    text = await first_bytes(response, most_bytes + 1)
    if len(text) > most_bytes:
        raise NotSent(f"Its answer is longer than {most_bytes:,} bytes.", may_help=False)
    return text


@asynccontextmanager
async def within(timeout_s: float) -> AsyncIterator[None]:
    """All of it must be over in time, however slowly the other side speaks; else NotSent."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise NotSent(f"It did not answer within {timeout_s:g} s.", may_help=True) from error
