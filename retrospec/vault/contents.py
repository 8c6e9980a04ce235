"""What may lie in the vault: pictures, fonts and stylesheets, told by their first bytes."""

import re

from retrospec.domain.errors import BadRequest

UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Types of servers that do not know what they send: the bytes decide."""

_SAME = {
    "image/jpg": "image/jpeg",
    "image/vnd.microsoft.icon": "image/x-icon",
    "application/font-woff": "font/woff",
    "application/x-font-woff": "font/woff",
    "application/font-woff2": "font/woff2",
    "application/x-font-ttf": "font/ttf",
    "application/x-font-truetype": "font/ttf",
    "application/x-font-opentype": "font/otf",
    "application/x-font-otf": "font/otf",
    "application/font-sfnt": "font/ttf",
    "font/sfnt": "font/ttf",
    "font/opentype": "font/otf",
}
_STARTS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("image/avif", re.compile(rb"....ftyp(?:avif|avis|mif1|msf1)", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{12}", re.DOTALL)),
    ("image/x-icon", re.compile(rb"\x00\x00[\x01\x02]\x00")),
    ("font/woff", re.compile(rb"wOFF")),
    ("font/woff2", re.compile(rb"wOF2")),
    ("font/ttf", re.compile(rb"\x00\x01\x00\x00|true")),
    ("font/otf", re.compile(rb"OTTO")),
)
SVG, CSS = "image/svg+xml", "text/css"
SERVED_TYPES = frozenset({*(name for name, _ in _STARTS), SVG, CSS})
_SVG_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|!DOCTYPE\s+svg|svg)", re.IGNORECASE)
_SVG_LOOK_BYTES = 4_096


def wanted_type(declared: str) -> str:
    """A media type as the vault names it, ``""`` where the bytes must tell; BadRequest for what is not kept."""
    bare = declared.partition(";")[0].strip().lower()
    name = _SAME.get(bare, bare)
    if name in UNTOLD:
        return ""
    if name not in SERVED_TYPES:
        raise BadRequest(
            f"type is {bare[:60]!r}; only pictures, fonts and stylesheets are kept.", field="type"
        )
    return name


def is_wanted(declared: str) -> bool:
    """Whether a content of this type is kept."""
    try:
        wanted_type(declared)
    except BadRequest:
        return False
    return True


def told_type(content: bytes, declared: str) -> str:
    """The type to serve ``content`` as. Raises BadRequest where its bytes are no such thing."""
    wanted = wanted_type(declared)
    found = _by_start(content, wanted)
    if not found:
        raise BadRequest(
            f"The content is not {wanted or 'a picture, font or stylesheet'}; send the bytes as the site serves them.",
            field="type",
        )
    return found


def _by_start(content: bytes, wanted: str) -> str:
    """Pictures and fonts by their magic numbers, whichever was declared: browsers go by those too."""
    for name, start in _STARTS:
        if start.match(content):
            return name if wanted not in (SVG, CSS) else ""
    is_text = b"\x00" not in content
    if wanted in ("", SVG) and is_text and _SVG_START.match(content) and b"<svg" in content[:_SVG_LOOK_BYTES]:
        return SVG
    is_page = content.lstrip()[:1] == b"<"
    return CSS if wanted == CSS and is_text and not is_page else ""
