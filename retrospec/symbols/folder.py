"""The minified files and maps of a build's folder, paired."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from retrospec.domain.errors import BadRequest, NotFound
from retrospec.symbols.matching import debug_id_in, normal_debug_id, tail_of

SCRIPTS = (".js", ".mjs", ".cjs")
_POINTER = re.compile(rb"//[#@]\s*sourceMappingURL=([^\s'\"]+)\s*$")
_POINTER_BYTES = 4_096


class BuiltFile(msgspec.Struct, kw_only=True):
    """A minified file with its map."""

    name: str
    """As matched against what browsers report: path below the folder, after the prefix."""
    minified: Path | None
    """None where only the map is there: functions are then guessed from the map alone."""
    source_map: Path


class MapText(msgspec.Struct, kw_only=True):
    """What is sent of a built file."""

    debug_id: str
    minified: bytes
    source_map: bytes


class _MapHead(msgspec.Struct):
    version: int = 0
    debug_id_camel: str = msgspec.field(default="", name="debugId")
    debug_id: str = ""


def built_files(folder: Path, *, url_prefix: str) -> list[BuiltFile]:
    """Every script of ``folder`` that has a map, in order of name. Raises NotFound where there is none."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    found = {each.source_map: each for each in _pairs(folder, url_prefix)}
    for alone in sorted(folder.rglob("*.map")):
        if alone not in found and alone.name.removesuffix(".map").endswith(SCRIPTS):
            found[alone] = BuiltFile(name=_name(folder, alone.with_suffix(""), url_prefix), minified=None, source_map=alone)
    if not found:
        raise NotFound(
            f"{folder} has no source maps.",
            hint="Have the bundler write them (for example `--sourcemap`), and name the folder it writes to.",
        )
    return sorted(found.values(), key=lambda each: each.name)


def _pairs(folder: Path, url_prefix: str) -> Iterator[BuiltFile]:
    for script in sorted(path for path in folder.rglob("*") if path.suffix in SCRIPTS and path.is_file()):
        source_map = _map_of(script)
        if source_map is not None:
            yield BuiltFile(name=_name(folder, script, url_prefix), minified=script, source_map=source_map)


def _map_of(script: Path) -> Path | None:
    """The map a script names in its last line, else the one of its own name; one inside the script is not read."""
    with script.open("rb") as stream:
        stream.seek(max(0, script.stat().st_size - _POINTER_BYTES))
        last_lines = stream.read().splitlines()[-5:]
    pointer = next((match[1] for line in last_lines if (match := _POINTER.search(line))), b"")
    named = pointer.decode("utf-8", "replace").split("?", 1)[0].rpartition("/")[2]
    for name in (named, f"{script.name}.map"):
        if name and not name.startswith("data:") and (beside := script.parent / name).is_file():
            return beside
    return None


def _name(folder: Path, script: Path, url_prefix: str) -> str:
    path = script.relative_to(folder).as_posix()
    return tail_of(f"{url_prefix.rstrip('/')}/{path}" if url_prefix else path)


def read_text(built: BuiltFile) -> MapText:
    """Both files with their debug id. Raises BadRequest for a map that is none."""
    minified = built.minified.read_bytes() if built.minified else b""
    source_map = built.source_map.read_bytes()
    return MapText(debug_id=debug_id_of(minified, source_map), minified=minified, source_map=source_map)


def debug_id_of(minified: bytes, source_map: bytes) -> str:
    """The id in the map (``debugId`` or ``debug_id``), else in the minified file. Raises BadRequest for no map."""
    try:
        head = msgspec.json.decode(source_map, type=_MapHead)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"This is no source map: {error}.", field="map") from error
    if head.version != 3:
        raise BadRequest(f"A source map of version {head.version} cannot be read; use version 3.", field="map")
    return normal_debug_id(head.debug_id_camel) or normal_debug_id(head.debug_id) or debug_id_in(minified)
