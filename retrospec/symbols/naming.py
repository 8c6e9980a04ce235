"""Writes what source maps gave into a marker's evidence, where fingerprints and cards read it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from retrospec.symbols.matching import base_name, tail_of
from retrospec.symbols.talk import Origin, Spot

MAX_FRAMES = 30
"""Frames named of one stack, innermost first."""
MAX_EXCERPTS = 3
"""Frames of the program's own that are shown with their code."""
MAX_UNMAPPED = 5

_NO_FILE = ("", "<anonymous>", "[native code]")


class Call(msgspec.Struct, kw_only=True):
    """One frame as its browser wrote it, with its origin where a map gave one."""

    function: str
    file: str
    line: int
    column: int
    is_own: bool = True
    """The program's, not a library's or the browser's."""
    origin: Origin | None = None

    @property
    def spot(self) -> Spot | None:
        """Where to look it up; None where the place is not exact enough."""
        exact = self.file not in _NO_FILE and self.line > 0 and self.column > 0
        return Spot(self.line, self.column) if exact else None


def with_frames(evidence: Any, calls: Sequence[Call], unmapped: Sequence[str]) -> dict[str, Any]:
    """``evidence`` with ``extra.frames`` (mapped ones say so) and ``extra.unmapped``: files that had no map."""
    source: dict[str, Any] = dict(evidence) if isinstance(evidence, Mapping) else {"message": str(evidence or "")}
    extra = source.get("extra")
    extra = {**(extra if isinstance(extra, Mapping) else {}), "frames": _frames(calls)}
    extra.pop("unmapped", None)
    if unmapped:
        extra["unmapped"] = [base_name(tail_of(file)) for file in unmapped][:MAX_UNMAPPED]
    return {**source, "extra": extra}


def _frames(calls: Sequence[Call]) -> list[dict[str, Any]]:
    shown = 0
    frames = []
    for call in calls[:MAX_FRAMES]:
        has_code = call.is_own and call.origin is not None and bool(call.origin.code) and shown < MAX_EXCERPTS
        shown += has_code
        frames.append(_frame(call, has_code=has_code))
    return frames


def _frame(call: Call, *, has_code: bool) -> dict[str, Any]:
    origin = call.origin
    if origin is None:
        return {"function": call.function, "file": call.file, "line": call.line, "column": call.column}
    frame: dict[str, Any] = {
        "function": origin.function or call.function,
        "file": source_name(origin.file),
        "line": origin.line,
        "column": origin.column,
        "mapped": True,
        "own": call.is_own,
    }
    if has_code:
        frame |= {"before": origin.before, "code": origin.code, "after": origin.after}
    return frame


def source_name(file: str) -> str:
    """A source's path as a developer knows it: without the bundler's scheme and the way out of its folder."""
    bare = file.replace("\\", "/").split("?", 1)[0]
    for scheme in ("webpack://", "webpack-internal://", "turbopack://", "vite:/", "ng://", "file://"):
        if bare.startswith(scheme):
            bare = bare.removeprefix(scheme).partition("/./")[2] or bare.removeprefix(scheme)
    while bare.startswith(("./", "../", "/")):
        bare = bare.partition("/")[2]
    return bare or file
