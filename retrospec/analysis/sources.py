"""What the evidence of an exception knows of the program's source: frames that source maps named, and what maps were missing."""

import re
from typing import Any

import msgspec

from retrospec.domain.marker import Evidence
from retrospec.domain.report import Excerpt
from retrospec.domain.scripts import owner_of
from retrospec.domain.web_address import address_parts

_MINIFIED_COLUMN = 300
"""People's lines end before this column."""
_FRAME = re.compile(
    r"^\s*(?:at\s+)?(?:(?P<function>[^\s(@]+)\s*[(@]\s*|(?P<nameless>@))?(?P<file>(?:https?://|/|[\w.-]+\.(?:js|mjs|ts|tsx|jsx|vue))[^\s()]*?):(?P<line>\d+)(?::(?P<column>\d+))?\)?\s*$"
)
_MAX_STACK_LINES = 20


class SourceFrame(msgspec.Struct, kw_only=True, forbid_unknown_fields=False):
    """One frame under ``extra.frames``."""

    function: str = ""
    file: str = ""
    line: int = 0
    mapped: bool = False
    own: bool = False
    before: list[str] = []
    code: str = ""
    after: list[str] = []

    @property
    def place(self) -> str:
        """``applyDiscount (src/cart.ts:4)``."""
        where = f"{self.file}:{self.line}"
        return f"{self.known_function} ({where})" if self.known_function else where

    @property
    def known_function(self) -> str:
        """Its name; empty for a nameless function."""
        return "" if self.function == "<anonymous>" else self.function


def mapped_frames(evidence: Evidence) -> list[SourceFrame]:
    """The program's own frames that a source map named, innermost first; those of libraries where there are no others."""
    frames = [frame for frame in map(_frame, _listed(evidence, "frames")) if frame is not None and frame.mapped]
    return [frame for frame in frames if frame.own] or frames


def _listed(evidence: Evidence, name: str) -> list[Any]:
    found = evidence.extra.get(name)
    return found[:100] if isinstance(found, list) else []


def _frame(given: Any) -> SourceFrame | None:
    try:
        return msgspec.convert(given, SourceFrame)
    except msgspec.ValidationError:
        return None


def excerpts(evidence: Evidence) -> list[Excerpt]:
    """The code around each own frame whose map had it; a line that stands in the stack twice is shown once."""
    found: dict[tuple[str, int], Excerpt] = {}
    for frame in mapped_frames(evidence):
        if not frame.code or frame.line <= 0 or (frame.file, frame.line) in found:
            continue
        found[frame.file, frame.line] = Excerpt(
            file=frame.file,
            function=frame.known_function,
            line=frame.line,
            first_line=max(1, frame.line - len(frame.before)),
            lines=[*frame.before, frame.code, *frame.after],
        )
    return list(found.values())


def place_of(evidence: Evidence) -> str:
    """Where the failure was: by the source map, else the stack's first frame that is no library's, else file and line."""
    named = mapped_frames(evidence)
    if named:
        return named[0].place
    lines = list(filter(None, map(_FRAME.match, evidence.stack.splitlines()[:_MAX_STACK_LINES])))
    own = [line for line in lines if owner_of(line["file"]) == "program"]
    found = _place((own or lines)[0]) if lines else ""
    return found or (_located(evidence.filename, str(evidence.lineno)) if evidence.filename else "")


def sender_of(evidence: Evidence) -> str:
    """Where the program sent a failed request; empty where only the minifier's names are known."""
    return "" if missing_map(evidence) else place_of(evidence)


def own_scripts(evidence: Evidence) -> list[str]:
    """Files of the program that the page had loaded when nothing answered a click, as the SDK lists them under ``extra.scripts``."""
    listed = [address for address in _listed(evidence, "scripts") if isinstance(address, str)]
    return list(dict.fromkeys(_file_name(address)[:200] for address in listed if owner_of(address) == "program"))


def _place(match: re.Match[str]) -> str:
    place, function = _located(match["file"], match["line"]), match["function"] or ""
    return place if not function or "<anonymous>" in function else f"{function} ({place})"


def _located(address: str, line: str) -> str:
    """``shop.js:41``; ``line 5 of /checkout`` where the script stands in a page."""
    file = _file_name(address)
    return f"{file}:{line}" if "." in file else f"line {line} of {address_parts(address).path or file}"


def _file_name(address: str) -> str:
    return address.split("?")[0].rsplit("/", 1)[-1] or address_parts(address).path


def missing_map(evidence: Evidence) -> str:
    """The file whose map is missing, if that hides the source's names; empty where nothing is missing."""
    if mapped_frames(evidence):
        return ""
    named = [name for name in _listed(evidence, "unmapped") if isinstance(name, str)]
    if named:
        return named[0][:200]
    first = next((match for line in evidence.stack.splitlines()[:_MAX_STACK_LINES] if (match := _FRAME.match(line))), None)
    if first is None or int(first["column"] or 0) <= _MINIFIED_COLUMN:
        return ""
    return _file_name(first["file"])
