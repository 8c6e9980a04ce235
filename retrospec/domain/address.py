"""The address a server has for someone on its own machine."""

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Listening everywhere, it is reached here. As a number: not every machine resolves ``localhost``."""


def local_address(host: str, port: int) -> str:
    """``http://host:port`` for a socket bound to ``host``."""
    shown = _ANY.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
