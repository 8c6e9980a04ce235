"""Where in a program an exception happened. Part of fingerprint v1: frozen once shipped."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

from msgspec import Struct

from retrospec.domain.scripts import owner_of
from retrospec.issues.stacks import Frame, bare_function
from retrospec.issues.templates import MASK, file_stem

_MINIFIED_COLUMN = 300
"""People's lines end before this column; a bundle's go on."""
_CHAIN_LENGTH = 3
_FRAMES_TOLD = 8
"""Of a stack, as tokens; at least what a key may hold."""
_FILES_KEPT = 16_384
"""A large site has thousands of files, each in every stack that passes through it."""
_COLUMN_STEP = 32
"""The three engines report one throw site within 25 columns of each other."""

_HUBS = frozenset(
    {"invariant", "assert", "asserts", "warning", "warn", "fail", "raise", "throwerror", "panic", "unreachable", "request",
     "fetch", "fetchjson", "send", "http", "ajax", "get", "post", "put", "patch", "delete", "call", "invoke", "apply", "run",
     "execute", "exec", "dispatch", "emit", "trigger", "handle", "handleerror", "onerror", "log", "error", "report", "reject",
     "then", "catch", "next", "step", "wrapper", "wrapped", "callback", "check", "ensure", "require", "validate", "parse"}
)  # fmt: skip
"""Functions many failures pass through: their caller tells which one it is."""
_SOURCE_PREFIX = re.compile(r"^(?:webpack(?:-internal)?:/+(?:[\w@-]+/)?|ng://|vite:/+|turbopack:/+|app:/+|file:/+)|^(?:\.{1,2}/)+|^/+")
_SCHEME_HOST = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*", re.I)
_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|bundle|wasm)$", re.I)


class Place(Struct, frozen=True):
    """``parts`` of the key that say where; none when nothing is known."""

    parts: tuple[tuple[str, str], ...] = ()
    stem: str = ""
    """The file's name without its hash, the same in every build."""
    tokens: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    certain: bool = False
    """The innermost function is named and no hub: the place alone tells one failure from another of its type."""
    names: bool = False
    """Some function is named: the engine's wording adds nothing but its own language."""
    parse_error: bool = False
    """A script and no stack: where parsing stopped, of which there is one per file and build."""


def place_of(frames: Sequence[Frame], app: Sequence[Frame], *, mapped: bool) -> Place:
    """The innermost place in the program's own code (``app``, of ``own_frames``); vendor code where there is no other."""
    if not app:
        extension = any(owner_of(frame.file) == "extension" for frame in frames)
        return Place(parts=(("in", "a browser extension"),)) if extension else Place()
    if len(frames) == 1 and not frames[0].function and not mapped:
        return _reported_place(app[0])
    if mapped or not _is_minified(app):
        return _source_place(app, mapped=mapped)
    return _build_place(app)


def own_frames(frames: Sequence[Frame]) -> list[Frame]:
    """The program's own frames, innermost first: not the engine's, an extension's, ours or a library's.

    A failure wholly inside libraries keeps their frames.
    """
    owned = [(frame, owner_of(frame.file)) for frame in frames if not frame.native and frame.file]
    own = [frame for frame, owner in owned if owner == "program"]
    return own or [frame for frame, owner in owned if owner == "library"]


def site_tokens(app: Sequence[Frame]) -> list[str]:
    """``site:<build file>:<line>:<column>:<function>`` of the innermost own frame: where in the exact build it was."""
    if not app or not app[0].column:
        return []
    top = app[0]
    return [f"site:{build_file(top.file)}:{top.line}:{top.column}:{bare_function(top.function)}"]


def _is_minified(app: Sequence[Frame]) -> bool:
    file = app[0].file
    same_file = [frame for frame in app if frame.file == file]
    if any(frame.column > _MINIFIED_COLUMN for frame in same_file):
        return True
    names = list(islice(filter(None, (bare_function(frame.function) for frame in same_file)), _CHAIN_LENGTH))
    return bool(names) and all(len(name) <= 2 for name in names)


def _source_place(app: Sequence[Frame], *, mapped: bool) -> Place:
    chain = [(source_path(frame.file), _source_name(frame, mapped=mapped)) for frame in app[:_FRAMES_TOLD]]
    tokens = tuple(dict.fromkeys(f"frame:{file}:{name}" for file, name in chain))
    ignored = ("line and column", "file hashes and hosts", "library and browser frames")
    if mapped and not chain[0][1] and app[0].line:
        where = f"{chain[0][0]}:{app[0].line}"
        return Place((("where", where),), chain[0][0], tokens, ignored[1:], certain=True, names=True)
    depth = _depth(chain)
    shown = [f"{file}:{name or '(nameless)'}" for file, name in chain[: depth + 1]]
    parts = (("where", shown[0]), *(("called by", caller) for caller in shown[1:]))
    named = any(name for _, name in chain[: depth + 1])
    return Place(parts, chain[0][0], tokens, ignored, certain=bool(chain[0][1]) and depth == 0, names=named)


def _source_name(frame: Frame, *, mapped: bool) -> str:
    """The function's name in the source: a map that knows none leaves the minifier's, which is worth nothing."""
    name = bare_function(frame.function)
    return "" if mapped and len(name) <= 2 else name


def _depth(chain: Sequence[tuple[str, str]]) -> int:
    """How many callers belong in the key: past nameless functions and hubs, to the first telling name; at most 3."""
    for depth, (_, name) in enumerate(chain[: _CHAIN_LENGTH + 1]):
        if name and name.lower() not in _HUBS:
            return depth
    return min(len(chain), _CHAIN_LENGTH + 1) - 1


def _build_place(app: Sequence[Frame]) -> Place:
    top = app[0]
    names = [bare_function(frame.function) for frame in app if frame.file == top.file][:_CHAIN_LENGTH]
    file = build_file(top.file)
    column = str(top.column // _COLUMN_STEP * _COLUMN_STEP) if not names[0] else ""
    functions = " < ".join(name or "(nameless)" for name in names)
    parts = (("build file", file), ("line", str(top.line)), ("functions", functions), ("near column", column))
    return Place(
        parts=tuple(part for part in parts if part[1]),
        stem=file_stem(top.file),
        tokens=(f"file:{file_stem(top.file)}", *(f"fn:{name}" for name in names if len(name) > 2)),
        ignored=("exact column", "hosts", "library and browser frames"),
        certain=bool(names[0]),
        names=any(names),
    )


def _reported_place(frame: Frame) -> Place:
    """A file without a stack. Of a script its stem counts; of a page not even that: errors move between pages."""
    path = frame.file.split("?", 1)[0].split("#", 1)[0]
    if not _SCRIPT.search(path):
        return Place(ignored=("line and column",))
    stem = file_stem(frame.file)
    ignored = ("line and column", "file hashes and hosts")
    return Place((("file", stem),), stem, (f"file:{stem}",), ignored, parse_error=stem != MASK)


@lru_cache(maxsize=4_096)
def build_file(file: str) -> str:
    """A built file's exact name, hash and all, without folders, host and query."""
    return unquote(file.split("?", 1)[0].split("#", 1)[0]).rpartition("/")[2] or "/"


@lru_cache(maxsize=_FILES_KEPT)
def source_path(file: str) -> str:
    """A source's path that stays over builds: mapped ones whole, served ones by folder and stem, without host or hash."""
    bare = file.split("?", 1)[0].split("#", 1)[0].replace("\\", "/")
    served = _SCHEME_HOST.match(bare) is not None and not bare.startswith(("webpack", "ng:", "vite:", "app:", "turbopack"))
    path = _SCHEME_HOST.sub("", bare) if served else bare
    path = _SOURCE_PREFIX.sub("", _SOURCE_PREFIX.sub("", path))
    if not served and _SCRIPT.search(path) and "/" in path:
        return path
    stem = file_stem(path) if path else "(page)"
    return stem
