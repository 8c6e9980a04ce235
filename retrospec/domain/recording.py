"""A recording: the events of a session, decoded one at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

Fetch = Callable[[str], tuple[bytes, str] | None]
"""A content of the asset vault and its media type by its digest; None for one this recording may not have."""


class Recording(msgspec.Struct):
    """Chunks of a session as stored: each a JSON array of rrweb events, inflated.

    The chunks stay bytes: a 60 MB recording decoded whole would cost ten times that.
    """

    chunks: list[bytes]
    tabs: list[str] = []
    """The browser tab of each chunk, where known: tabs number their nodes independently. Shorter than ``chunks``: the rest are of tab ``""``."""
    assets: Fetch | None = None
    """Answers for the vault's addresses in it; None where it holds none. Called in a thread."""

    @property
    def size_bytes(self) -> int:
        """All chunks together, inflated."""
        return sum(len(chunk) for chunk in self.chunks)

    def raw_events(self) -> Iterator[msgspec.Raw]:
        """Each event as JSON text, in stored order, undecoded."""
        decoder = msgspec.json.Decoder(list[msgspec.Raw])
        for chunk in self.chunks:
            yield from decoder.decode(chunk)

    def events(self) -> Iterator[Any]:
        """Each event decoded, in stored order; the order of time is the reader's affair."""
        decode = msgspec.json.Decoder().decode
        for raw in self.raw_events():
            yield decode(raw)
