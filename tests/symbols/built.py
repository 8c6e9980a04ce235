"""Built files for tests: a tiny minifier's output with its source map, in several builds."""

import json
from typing import NamedTuple

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

SOURCE = """export function applyDiscount(item) {
  // a missing discount is a bug
  return item.price - item.discount.percent;
}

export function checkout(basket) {
  return basket.items.map((item) => applyDiscount(item));
}
"""


class Build(NamedTuple):
    """One build of ``src/cart.js``: every build names and places things anew."""

    minified: str
    source_map: dict[str, object]
    throw_column: int
    """Of ``item.discount.percent``, from 1."""
    call_column: int


def build(letters: str = "ab", padding: int = 0, **more: object) -> Build:
    """``letters`` are the minifier's names of the two functions, ``padding`` what stands before them."""
    one, two = letters
    head = "/*" + "." * padding + "*/"
    body = f"function {one}(e){{return e.price-e.discount.percent}}function {two}(t){{return t.items.map(n=>{one}(n))}}"
    minified = head + body
    spots = [
        (minified.index(f"function {one}") + 9, 0, 16, 0),
        (minified.index("return e.price"), 2, 2, -1),
        (minified.index("e.discount.percent"), 2, 22, -1),
        (minified.index(f"function {two}") + 9, 5, 16, 1),
        (minified.index("return t.items"), 6, 2, -1),
        (minified.index(f"{one}(n)"), 6, 36, -1),
    ]
    source_map = {
        "version": 3, "sources": ["../src/cart.js"], "sourcesContent": [SOURCE], "names": ["applyDiscount", "checkout"], "mappings": _mappings(spots), **more,
    }  # fmt: skip
    return Build(minified, source_map, minified.index("percent") + 1, minified.index(f"{one}(n)") + 1)


def stack_of(made: Build, address: str, letters: str = "ab", engine: str = "chrome") -> str:
    """The stack of the same crash as an engine writes it."""
    one, two = letters
    places = [(one, made.throw_column), ("", made.call_column), (two, made.call_column - 1)]
    if engine == "chrome":
        lines = [f"    at {name} ({address}:1:{column})" if name else f"    at {address}:1:{column}" for name, column in places]
        return "\n".join(["TypeError: Cannot read properties of undefined (reading 'percent')", *lines])
    shift = 0 if engine == "firefox" else 8  # Safari reports the end of the member's name
    return "\n".join(f"{name or ('map/<' if engine == 'firefox' else '')}@{address}:1:{column + shift}" for name, column in places)


def _mappings(spots: list[tuple[int, int, int, int]]) -> str:
    """One generated line: ``(column, source line, source column, name or -1)``, all from 0."""
    parts, last, last_name = [], (0, 0, 0), 0
    for *spot, name in spots:
        column, line, source_column = (now - then for now, then in zip(spot, last, strict=True))
        part = _vlq(column) + _vlq(0) + _vlq(line) + _vlq(source_column)
        if name >= 0:
            part, last_name = part + _vlq(name - last_name), name
        parts.append(part)
        last = (spot[0], spot[1], spot[2])
    return ",".join(parts)


def _vlq(number: int) -> str:
    rest = number << 1 if number >= 0 else (-number << 1) | 1
    digits = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        digits += _DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return digits


def as_json(made: Build) -> bytes:
    return json.dumps(made.source_map).encode()
