"""The way out for addresses that people typed in: it does not reach into the network the server stands in.

A name is resolved once, every address it has must be public, and the connection goes to the address that was
checked, so a name that changes its answer in between gains nothing. Redirects are not followed, the answer is read
up to a limit, and all of it has one deadline. httpx is imported at the first message.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from retrospec.domain.errors import RetroSpecError

MOST_ANSWER_BYTES = 4_096
IN_PRIVATE_NETWORK = "Its host is in a private network; alerts.allow_private_addresses = true would let it be reached."
_SHARED_OR_TRANSLATED = [
    ipaddress.ip_network(text) for text in ("100.64.0.0/10", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]
"""Carrier NAT, and addresses that carry another one inside (NAT64, 6to4, Teredo)."""


class NotSent(RetroSpecError):
    """A message was not taken; ``may_help`` says whether another try may."""

    def __init__(self, message: str, *, may_help: bool) -> None:
        super().__init__(message)
        self.may_help = may_help


class Answer(msgspec.Struct, frozen=True):
    """What the other side said."""

    status: int
    text: str
    retry_after_s: float = 0.0


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    is_odd = any(found.version == net.version and found in net for net in _SHARED_OR_TRANSLATED)
    return found.is_global and not found.is_multicast and not is_odd


def _is_here(host: str) -> bool:
    """``localhost`` and below it are this machine, whether or not its resolver knows (RFC 6761, section 6.3)."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


async def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """The address to connect to. Raises NotSent where a name has none, or one that is not public."""
    if _is_here(host) and not allow_private:
        raise NotSent(IN_PRIVATE_NETWORK, may_help=False)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent("Its host has no address.", may_help=True) from error
    addresses = [str(each[4][0]) for each in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise NotSent(IN_PRIVATE_NETWORK, may_help=False)
    return addresses[0]


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, allow_private: bool
) -> Answer:
    """Post ``body`` to ``url``. Raises NotSent when no answer came in time, or it may not go there."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _post(url, body, headers, allow_private=allow_private)
    except TimeoutError as error:
        raise NotSent(f"It did not answer within {timeout_s:g} s.", may_help=True) from error


async def _post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    import httpx

    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise NotSent("Its address is not a web address.", may_help=False)
    address = await resolve(host, parts.port or (443 if parts.scheme == "https" else 80), allow_private=allow_private)
    pinned = httpx.URL(url).copy_with(host=address)
    named = dict(headers) | {"Host": parts.netloc.rpartition("@")[2]}
    # No proxy of the environment: behind one, the address would be resolved and reached by somebody else.
    async with httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False) as client:
        asked = client.build_request("POST", pinned, content=body, headers=named, extensions={"sni_hostname": host})
        try:
            response = await client.send(asked, stream=True)
            return await _read(response)
        except httpx.TransportError as error:
            raise NotSent(f"It could not be reached: {type(error).__name__}.", may_help=True) from error


async def _read(response: "object") -> Answer:
    import httpx

    assert isinstance(response, httpx.Response)
    text = b""
    try:
        async for part in response.aiter_raw():
            text += part
            if len(text) >= MOST_ANSWER_BYTES:
                break
    finally:
        await response.aclose()
    after = response.headers.get("retry-after", "")
    shown = text[:MOST_ANSWER_BYTES].decode("utf-8", "replace")
    return Answer(response.status_code, shown, float(after) if after.isdecimal() and len(after) < 6 else 0.0)
