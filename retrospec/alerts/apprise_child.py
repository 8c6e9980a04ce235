"""A process of its own that hands one message to Apprise: ``python -m retrospec.alerts.apprise_child``.

Apprise costs 45 MB and a third of a second to load (docs/adr/0022), knows no deadline for the whole, and opens its own
connections. Here its memory goes when it ends, its parent ends it in time, and every connection it opens is checked.
The request comes on standard input, since other processes may read a command line.
"""

import json
import sys
from typing import Any

from retrospec.outbound.addresses import IN_PRIVATE_NETWORK, is_public

LOCAL_SCHEMAS = frozenset({"syslog", "dbus", "gnome", "glib", "kde", "qt", "macosx", "windows", "growl"})
"""These speak to the machine the server runs on."""


class RefusedAddress(ConnectionError):
    """A channel tried to connect into a private network."""


def guard_connections() -> list[str]:
    """From here on this process connects to public addresses only; what is refused is added to the list."""
    refused: list[str] = []

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect":
            return
        address = arguments[1]
        if not isinstance(address, tuple) or not is_public(str(address[0])):
            refused.append(str(address))
            raise RefusedAddress("refused")

    sys.addaudithook(check)
    return refused


def send(asked: dict[str, Any]) -> dict[str, Any]:
    """``{outcome: delivered | retry | dead, answer}`` for ``{address, title, text, allowPrivate}``."""
    import apprise

    schema = str(asked["address"]).partition("://")[0].lower()
    if schema in LOCAL_SCHEMAS:
        return {"outcome": "dead", "answer": f"{schema} speaks to the server's own machine; choose another channel."}
    channel = apprise.Apprise.instantiate(asked["address"], suppress_exceptions=True)
    if channel is None:
        return {"outcome": "dead", "answer": "Apprise does not know this address; see its list of services."}
    refused = [] if asked["allowPrivate"] else guard_connections()
    taken = channel.notify(title=asked["title"], body=asked["text"], body_format=apprise.NotifyFormat.TEXT)
    if taken:
        return {"outcome": "delivered", "answer": f"{channel.service_name} took it."}
    if refused:
        return {"outcome": "dead", "answer": IN_PRIVATE_NETWORK}
    return {"outcome": "retry", "answer": f"{channel.service_name} did not take it."}


def main() -> None:
    """Read one request, send it, write what came of it."""
    import logging

    logging.disable()  # Apprise logs addresses, secrets and all
    print(json.dumps(send(json.loads(sys.stdin.read()))))


if __name__ == "__main__":
    main()
