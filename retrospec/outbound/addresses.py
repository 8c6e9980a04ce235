"""Which addresses may be reached: the open internet, and what the operator named.

A name is resolved once, every address it has must be public, and the connection goes to the address that was
checked, so a name that changes its answer in between gains nothing.
"""

import asyncio
import ipaddress
import socket

from retrospec.domain.errors import RetroSpecError

IN_PRIVATE_NETWORK = "Its host is in a private network; alerts.allow_private_addresses = true would let it be reached."
_SHARED_OR_TRANSLATED = [
    ipaddress.ip_network(text) for text in ("100.64.0.0/10", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]
"""Carrier NAT, and addresses that carry another one inside (NAT64, 6to4, Teredo)."""


class NotSent(RetroSpecError):
    """A request was not made or not answered; ``may_help`` says whether another try may help."""

    def __init__(self, message: str, *, may_help: bool) -> None:
        super().__init__(message)
        self.may_help = may_help


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
