"""Stylesheets, scripts and icons, under an address that changes with their content."""

import functools
import hashlib
from pathlib import Path

from litestar import Response, get
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
FOR_EVER = "public, max-age=31536000, immutable"


@functools.cache
def _files() -> dict[str, Path]:
    """Every file that may be served, by name; our own win over built ones."""
    found: dict[str, Path] = {}
    for folder in (built_dir(), static_dir()):
        if folder.is_dir():
            found |= {path.name: path for path in folder.iterdir() if path.suffix in _TYPES}
    return found


@functools.cache
def version() -> str:
    """A digest over all files: one part of every asset's address, so that modules can import each other by name."""
    digest = hashlib.sha256()
    for name, path in sorted(_files().items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


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


@get("/static/{wanted:str}/{name:str}", name="asset", sync_to_thread=False)
def serve_asset(wanted: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file. An address of another version (a page opened before an upgrade) gets today's file, not kept."""
    content, media_type = _read(name)
    kept = FOR_EVER if wanted == version() else "no-cache"
    return Response(
        content,
        media_type=media_type,
        headers={"Cache-Control": kept, "X-Content-Type-Options": "nosniff"},
    )
