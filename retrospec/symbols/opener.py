"""The process that opens source maps: ``python -m retrospec.symbols.opener``, spoken to over its standard streams.

A process of its own because the library that reads maps also parses the minified file, to learn where functions
begin, and overflows its stack on some texts: that ends this process, not the server (docs/adr/0033). Its memory is
bounded, and what it holds goes with it.
"""

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING

from retrospec.domain.errors import CorruptRecording
from retrospec.symbols.packing import unpack
from retrospec.symbols.talk import Ask, Origin, Spot, Told, receive, send

if TYPE_CHECKING:
    from symbolic.sourcemapcache import SourceMapCache, SourceMapCacheToken

MAX_MEMORY_BYTES = 1 << 30
"""Address space, of which the library's code is 0.1 GB. Opening takes 10 to 20 times the minified file."""
MAX_PAIR_BYTES = 128_000_000
MAX_OPEN_BYTES = 24_000_000
"""Maps kept open, by the size of what they were made of; at least one stays."""
CONTEXT_LINES = 3
MAX_LINE_CHARS = 200
MAX_NAME_CHARS = 300


class _Shelf:
    """Opened maps, those used last at the end."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[SourceMapCache, int]] = OrderedDict()

    def find(self, key: str) -> "SourceMapCache | None":
        if key not in self._open:
            return None
        self._open.move_to_end(key)
        return self._open[key][0]

    def add(self, key: str, packed: bytes) -> "SourceMapCache":
        from symbolic.sourcemapcache import SourceMapCache

        minified, source_map = unpack(packed, max_bytes=MAX_PAIR_BYTES)
        size_bytes = len(minified) + len(source_map)
        self._open.pop(key, None)
        while self._open and sum(size for _, size in self._open.values()) + size_bytes > MAX_OPEN_BYTES:
            self._open.popitem(last=False)
        opened = SourceMapCache.from_bytes(minified, source_map)
        self._open[key] = opened, size_bytes
        return opened


def main() -> None:
    """Answer until the other side closes."""
    _bound_memory()
    shelf = _Shelf()
    while (ask := receive(sys.stdin.buffer, Ask)) is not None:
        send(sys.stdout.buffer, _answer(shelf, ask))


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(shelf: _Shelf, ask: Ask) -> Told:
    from symbolic.exceptions import SymbolicError

    try:
        opened = shelf.add(ask.key, ask.packed) if ask.packed else shelf.find(ask.key)
        if opened is None:
            return Told(is_unknown=True)
        return Told([_origin(opened, spot) for spot in ask.spots])
    except (SymbolicError, CorruptRecording) as error:
        return Told(refusal=str(error)[:MAX_NAME_CHARS])
    except MemoryError:
        return Told(refusal="it takes more memory than is given to it")


def _origin(opened: "SourceMapCache", spot: Spot) -> Origin | None:
    token = opened.lookup(spot.line, spot.column, CONTEXT_LINES)
    return None if token is None or not token.src else _from_token(token)


def _from_token(token: "SourceMapCacheToken") -> Origin:
    return Origin(
        file=(token.src or "")[:MAX_NAME_CHARS],
        function=(token.function_name or "")[:MAX_NAME_CHARS],
        line=token.line,
        column=token.col,
        before=[_line(text) for text in token.pre_context],
        code=_line(token.context_line or ""),
        after=[_line(text) for text in token.post_context],
    )


def _line(text: str) -> str:
    bare = text.rstrip("\r\n")
    return bare if len(bare) <= MAX_LINE_CHARS else bare[: MAX_LINE_CHARS - 1] + "…"


if __name__ == "__main__":
    main()
