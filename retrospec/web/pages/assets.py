"""Stylesheets, scripts and icons, under an address that changes with their content."""

import functools
import gzip
import hashlib
from pathlib import Path

import zstandard
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from retrospec.domain.errors import NotFound
from retrospec.domain.shipped import built_dir, static_dir

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SMALL, SMALL_FROM = "small.", "small-from.txt"
"""As the build names what it made of our own files, and the digest of what it made them from."""
PACKED_FROM_BYTES = 1_000
FOR_EVER = "public, max-age=31536000, immutable"


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _in(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}


@functools.cache
def made_small() -> bool:
    """Whether the build made its small files of just those that are here now."""
    made_from = built_dir() / SMALL_FROM
    return made_from.is_file() and made_from.read_text() == _digest(_in(static_dir()))


@functools.cache
def _files() -> dict[str, Path]:
    """Every file that may be served, by name: our own win over built ones, unless those were made of just these."""
    own, built = _in(static_dir()), _in(built_dir())
    small = {name.removeprefix(SMALL): path for name, path in built.items() if name.startswith(SMALL)} if made_small() else {}
    found = built | own | small
    return {name: path for name, path in found.items() if path.suffix in _TYPES and not name.startswith(SMALL)}


@functools.cache
def version() -> str:
    """A digest over all files: one part of every asset's address, so that modules can import each other by name."""
    return _digest(_files())[:12]


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    path = _files().get(name)
    if path is None:
        raise NotFound(f"There is no file {name} here.")
    return path.read_bytes(), _TYPES[path.suffix]


def asset_url(name: str) -> str:
    """Where the pages find the file."""
    return f"/static/{version()}/{name}"


def is_built(name: str) -> bool:
    """Whether the build has been run, for files that come from it."""
    return name in _files()


@functools.cache
def _packed(name: str, coding: str) -> bytes:
    """As small as it gets, once a process: gzip at level 4 for each answer made a third more of the player."""
    content, _ = _read(name)
    return zstandard.ZstdCompressor(level=19).compress(content) if coding == "zstd" else gzip.compress(content, 9, mtime=0)


def coding_for(accepted: str) -> str:
    """The best content coding that an ``Accept-Encoding`` allows; "" for none."""
    asked = (part.partition(";") for part in accepted.lower().replace(" ", "").split(","))
    offers = {name for name, _, weight in asked if weight.rstrip("0").rstrip(".") not in ("q=", "q=0")}
    return next((coding for coding in ("zstd", "gzip") if coding in offers), "")


@get("/static/{wanted:str}/{name:str}", name="asset", sync_to_thread=True, opt={"packs_itself": True})
def serve_asset(request: Request[object, object, State], wanted: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file. An address of another version (a page opened before an upgrade) gets today's file, not kept."""
    content, media_type = _read(name)
    kept = FOR_EVER if wanted == version() else "no-cache"
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    coding = coding_for(request.headers.get("accept-encoding", ""))
    if coding and len(content) >= PACKED_FROM_BYTES:
        content, headers["Content-Encoding"] = _packed(name, coding), coding
    return Response(content, media_type=media_type, headers=headers)
