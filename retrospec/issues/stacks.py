"""Stack texts of every engine, as frames. Part of fingerprint v1: frozen once shipped.

Formats, by who writes them:

    V8, Chakra, Hermes   ``    at Cart.total [as sum] (https://shop.example/app.js:1:20)``
    SpiderMonkey         ``total@https://shop.example/app.js:1:20``; nameless ones ``Cart/total/<@…``
    JavaScriptCore       ``total@https://…:1:20``, ``sort@[native code]``, ``global code@…``, a bare ``total``
    Presto               ``Line 4 of linked script https://…: In function total``

Function names are kept as written; ``bare_function`` removes what one engine adds and another doesn't.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from msgspec import Struct

MAX_FRAMES = 100
"""Frames read of one stack, innermost first. Recursion writes thousands."""

_MAX_LINE_CHARS = 2_000
_NATIVE_PLACES = frozenset({"", "<anonymous>", "native", "native code", "[native code]", "unknown location"})
_PLACE = re.compile(r"(.*?)(?::(\d{1,9}))?(?::(\d{1,9}))?")
_WASM_PLACE = re.compile(r"(.*):wasm-function\[(\d+)\]:0x([0-9a-fA-F]+)")
_BARE_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/:]*(?::\d+)?", re.I)
_PLAIN_V8 = re.compile(r"\s*at (?:([\w$.#<>/]+) \()?([^\s()]+):(\d{1,9}):(\d{1,9})\)?")
_PLAIN_GECKO = re.compile(r"\s*([\w$.#<>/*]*)@([a-z][a-z0-9+.-]*:[^\s@]*[^\s@\d:]):(\d{1,9}):(\d{1,9})\s*")
"""Nine lines in ten are this simple, and read in a third of the time."""
_PLAIN_V8_LINES = re.compile(r"^[ \t]*at (?:([\w$.#<>/]+) \()?([^\s()]+):(\d{1,9}):(\d{1,9})(\)?)$", re.M)
_V8_LINE_WITHIN = re.compile(r"^\s*at ", re.M)
_LONGEST_PLAIN = 1_900
_V8_LINE = re.compile(r"\s*at (.+)")
_V8_CALL = re.compile(r"(?:(.*?) )?\((.*)\)")
_V8_TIGHT_CALL = re.compile(r"([^\s():/\\]+)\((.+:\d+)\)")
_EVAL_ORIGIN = re.compile(r"\(([^()\s]*(?:\([^()]*\)[^()\s]*)*:\d+:\d+)\)")
_GECKO_EVAL = re.compile(r"(.+?) line (\d+)(?: > .+)")
_SCHEME_AT = re.compile(r"@(?=[A-Za-z][A-Za-z0-9+.-]*:|\[native code\]|/)")
_BARE_PLACE = re.compile(r"(?:(?:file:|[A-Za-z]:\\|/).*|\S*[./]\S*|<anonymous>):\d+")
_BARE_NAME = re.compile(r"(?:eval|global|module) code|[\w$.<>/\[\]]{1,80}")
_PRESTO = re.compile(r"\s*Line (\d+) of (?:linked|inline#\d+|function) script (\S+?)(?:: In function (\S+))?\s*")


class Frame(Struct, frozen=True):
    """One call.

    ``line`` and ``column`` count from 1; 0 where the engine gives none. For evaluated code
    they are those of the ``eval`` call in the file that made it.
    """

    function: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    native: bool = False
    """Inside the engine: ``Array.map``, ``[native code]``."""
    evaluated: bool = False


class ParsedStack(Struct, frozen=True):
    """A stack text taken apart: innermost frame first."""

    header: str
    """What stood before the first frame: V8 writes the type and message there."""
    frames: tuple[Frame, ...]


def parse_stack(text: str) -> ParsedStack:
    """``text`` as frames. Never fails: lines that are no frames are left out."""
    return _plain_v8_stack(text) or _any_stack(text)


def _plain_v8_stack(text: str) -> ParsedStack | None:
    """What ``_any_stack`` gives, in one scan, where every line from the first frame on is V8's in its plain form."""
    first = _PLAIN_V8_LINES.search(text)
    if first is None:
        return None
    header = text[: first.start()]
    found = _PLAIN_V8_LINES.findall(text, first.start())
    is_whole = len(found) == len(text.rstrip("\n").splitlines()) - header.count("\n")
    is_plain = all((not name) == (not closed) and len(name) + len(file) < _LONGEST_PLAIN for name, file, _, _, closed in found)
    if not is_whole or not is_plain or _V8_LINE_WITHIN.search(header) or len(header.splitlines()) != header.count("\n"):
        return None
    frames = (Frame(name, file, int(line), int(column)) for name, file, line, column, _ in found[:MAX_FRAMES])
    return ParsedStack(header.strip(), tuple(frames))


def _any_stack(text: str) -> ParsedStack:
    lines = text.splitlines()
    first = next((n for n, line in enumerate(lines) if _v8_frame(line)), -1)
    if first >= 0:
        return ParsedStack("\n".join(lines[:first]).strip(), _present(map(_v8_frame, lines[first:])))
    return _without_at_lines(lines)


def _without_at_lines(lines: list[str]) -> ParsedStack:
    first = next((n for n, line in enumerate(lines) if _at_sign_frame(line) or _presto_frame(line)), -1)
    if first < 0:
        return ParsedStack("\n".join(lines).strip(), ())
    start = first
    while start and lines[start - 1].strip() and _bare_name_frame(lines[start - 1]):
        start -= 1
    found = (_at_sign_frame(x) or _presto_frame(x) or _bare_name_frame(x) for x in lines[start:])
    return ParsedStack("\n".join(lines[:start]).strip(), _present(found))


def _present(frames: Iterable[Frame | None]) -> tuple[Frame, ...]:
    return tuple(islice((frame for frame in frames if frame is not None), MAX_FRAMES))


@lru_cache(maxsize=4_096)
def _v8_frame(line: str) -> Frame | None:
    if len(line) > _MAX_LINE_CHARS:
        return None
    if (plain := _PLAIN_V8.fullmatch(line)) and (plain[1] is None) != line.endswith(")"):
        return Frame(plain[1] or "", plain[2], int(plain[3]), int(plain[4]))
    if (match := _V8_LINE.fullmatch(line)) is None:
        return None
    body = match[1].strip()
    if call := _V8_CALL.fullmatch(body):
        return _called(call[1] or "", call[2])
    if call := _V8_TIGHT_CALL.fullmatch(body):
        return _called(call[1], call[2])
    body = body.removeprefix("async ")
    if body in ("<anonymous>", "native") or _BARE_PLACE.match(body):
        return _placed("", body)
    return None


def _called(function: str, place: str) -> Frame | None:
    place = place.removeprefix("address at ")
    function = function.removeprefix("async ")
    if place.startswith("eval at "):
        return _evaluated(function, place)
    if place.startswith("index ") or place.lower() in _NATIVE_PLACES:
        return Frame(function, place, native=True)
    frame = _placed(function, place)
    return frame if frame.line or "/" in place or "." in place else None


def _evaluated(function: str, place: str) -> Frame:
    origins = _EVAL_ORIGIN.findall(place)
    if not origins:
        return Frame(function, "<anonymous>", evaluated=True)
    origin = _placed(function, origins[0])
    return Frame(function, origin.file, origin.line, origin.column, evaluated=True)


@lru_cache(maxsize=4_096)
def _placed(function: str, place: str) -> Frame:
    if place.lower() in _NATIVE_PLACES:
        return Frame(function, place, native=True)
    if wasm := _WASM_PLACE.fullmatch(place):
        return Frame(function, wasm[1], int(wasm[2]), int(wasm[3][:12], 16))
    match = _PLACE.fullmatch(place)
    if match is None or _BARE_HOST.fullmatch(place):
        return Frame(function, place)
    file, line, column = match[1], int(match[2] or 0), int(match[3] or 0)
    if gecko_eval := _GECKO_EVAL.fullmatch(file):
        return Frame(function, gecko_eval[1], int(gecko_eval[2][:9]), 0, evaluated=True)
    return Frame(function, file, line, column, evaluated=file.endswith("eval code"))


@lru_cache(maxsize=4_096)
def _at_sign_frame(line: str) -> Frame | None:
    if len(line) > _MAX_LINE_CHARS:
        return None
    if plain := _PLAIN_GECKO.fullmatch(line):
        return Frame(plain[1], plain[2], int(plain[3]), int(plain[4]))
    text = line.strip()
    split = _SCHEME_AT.search(text)
    cut = split.start() if split else text.rfind("@")
    if cut < 0:
        return _placed("", text) if " " not in text and _BARE_PLACE.fullmatch(text) else None
    frame = _placed(text[:cut], text[cut + 1 :])
    return frame if frame.line or frame.native or _is_address(frame.file) else None


def _is_address(place: str) -> bool:
    return ("://" in place and " " not in place) or place.endswith("code")


def _bare_name_frame(line: str) -> Frame | None:
    text = line.strip()
    if text == "[native code]":
        return Frame("", text, native=True)
    return Frame(text) if _BARE_NAME.fullmatch(text) else None


def _presto_frame(line: str) -> Frame | None:
    match = _PRESTO.fullmatch(line) if "Line " in line[:40] else None
    return Frame(match[3] or "", match[2], int(match[1][:9])) if match else None


_ALIAS = re.compile(r" \[as [^\]]*\]")
_CALL_KIND = re.compile(r"(?:async|new|get|set|static|bound) ")
_CAUSE = re.compile(r"[\w. ]+\*(?=.)")
_ARGUMENTS = re.compile(r"\([^()]*\)$")
_LAST_NAME = re.compile(r"[\w$#-]+$")
_NAMELESS = frozenset({"anonymous", "function", "null", "undefined", "unknown", "Anonymous function", "eval"})
_ENTRY_CODE = frozenset({"global code", "module code", "eval code", "Global code"})


@lru_cache(maxsize=16_384)
def bare_function(function: str) -> str:
    """The last name of a function as all engines would give it; empty for a nameless one.

    V8 ``Object.sum [as total]``, ``new sum``; SpiderMonkey ``Cart.prototype.sum``, ``obj/sum``,
    ``async*sum`` are all ``sum``; ``sum/<`` is a nameless function inside it.
    """
    name = _CAUSE.sub("", _ALIAS.sub("", function.strip()))
    name = _ARGUMENTS.sub("", _CALL_KIND.sub("", name))
    if name.endswith("<") or name in _NAMELESS or name in _ENTRY_CODE:
        return ""
    last = _LAST_NAME.search(name.rstrip('"]'))
    return "" if last is None or last[0] in _NAMELESS else last[0]
