"""Texts with their parameters masked. Part of fingerprint v1: frozen once shipped.

Every parameter becomes the same ``<*>``: whether an id is digits today and hex tomorrow must not
matter. What a mask eats is decided by shape alone, so that no list of words has to be kept.
"""

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

MASK = "<*>"
MAX_MESSAGE_CHARS = 400
"""Read of a message; what follows is nearly always data."""

_UUID = r"(?<![A-Za-z0-9])[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}(?![A-Za-z0-9])"
_EMAIL = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
_DATE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?"
_DAY = r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,4}(?: \d{4})?(?: \d\d:\d\d:\d\d)?(?: [A-Z]{3,4}(?:[+-]\d{4})?(?: \([^)]*\))?)?(?: \d{4})?"
_MAC = r"\b(?:[0-9A-Fa-f]{2}:){3,}[0-9A-Fa-f]{2}\b"
_IPV6 = r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"
_HEX = r"0[xX][0-9a-fA-F]+|(?<![A-Za-z0-9])(?:(?=[a-fA-F]*\d)[0-9a-fA-F]{4,}|[0-9a-f]{8,}|[0-9A-F]{8,})(?![A-Za-z0-9])"
_MIXED = r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d+[A-Za-z]+\d|[A-Za-z]+\d+[A-Za-z])[A-Za-z0-9]{6,}(?![A-Za-z0-9])"
_NUMBER = r"[-+]?\d+(?:[.,:/]\d+)*(?:%| ?(?:[KMGT]i?B|B|[num]?s|secs?|seconds?|minutes?|hours?|px|bytes)\b)?"
_TRUTH = r"\b(?:true|false|null|undefined|None|NaN)\b"
_QUOTED_REQUEST = re.compile(r".(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) ")
_URL = r"(?:https?|wss?|blob|file|data|ftp|(?:chrome|moz|safari-web)-extension):[^\s\"'<>)\]]+"
_HOST = (
    r"(?<![\w.@])(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|dev|app|local|internal|example|test)(?::\d+)?(?![\w.(])"
    r"|(?<![\w.@])(?:[\w-]+\.){2,}[a-z]{2,}:\d+"
)
_PATH = r"(?<![\w<>*])(?:[A-Za-z]:\\|\.{0,2}/)(?:[\w.@%~+-]+[\\/]){1,}[\w.@%~+-]*(?:\?[^\s\"'<>)\]]*)?"
_PARAMETER = re.compile("|".join((_URL, _EMAIL, _UUID, _DATE, _DAY, _MAC, _IPV6, _HOST, _PATH, _HEX, _MIXED, _NUMBER, _TRUTH)))
_QUOTED = re.compile(r"\"[^\"\n]{0,200}\"|(?<!\w)'[^'\n]{0,200}'(?!\w)|`[^`\n]{0,200}`|“[^”\n]{0,200}”|«[^»\n]{0,200}»")
_COMPOUND = re.compile(r"[\w~.\\/#@$-]*<\*>[\w~.\\/#@$-]+<\*>[\w~.\\/#@$<*>-]*")
"""A word with two parameters in it is one composed id: ``broadcast_<*>_piece<*>``."""
_REPEATED = re.compile(r"<\*>(?:[\s,;:./_-]*<\*>)+")
_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=2_048)
def message_template(message: str, *, keep_quoted: bool = False) -> str:
    """The first line of ``message`` without its parameters.

    Masked: URLs, addresses, ids, dates, paths, hex, numbers, and quoted values; with ``keep_quoted``
    those stay, as engines quote names of the program where people's texts quote data.
    """
    first = next((line for line in message.splitlines() if line.strip()), "")[:MAX_MESSAGE_CHARS]
    if not keep_quoted:
        first = _QUOTED.sub(_unquoted, first)
    masked = _REPEATED.sub(MASK, _COMPOUND.sub(MASK, _PARAMETER.sub(MASK, first)))
    return _SPACE.sub(" ", masked).strip(" .:!")


def _unquoted(match: re.Match[str]) -> str:
    return match[0] if _QUOTED_REQUEST.match(match[0]) else MASK


_API_VERSION = re.compile(r"v\d{1,2}(?:\.\d)?")
_SEGMENT_ID = re.compile(
    r"\d[\d.,:+-]*|(?=.*\d)[0-9a-fA-F-]{4,}|[0-9a-f]{8,}|[0-9A-F]{8,}|.*@.*|.*%.*|:\w+|\{\w+\}|.*<\*>.*|"
    r"(?=.*\d)[A-Za-z0-9_~=+,.!*'()-]{12,}|[A-Za-z]+[_-](?=(?:[A-Za-z]*\d){2})[A-Za-z0-9]{6,}|(?=(?:[A-Za-z]*\d){3})[A-Za-z0-9]{8,}|[A-Za-z0-9_-]{24,}={0,2}"
)
_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=2_048)
def path_template(path: str) -> str:
    """``path`` with what looks like an id masked, segment by segment; query and fragment are dropped.

    ``/api/v2/orders/10042/items?x=1`` → ``/api/v2/orders/<*>/items``.
    """
    bare = path.split("?", 1)[0].split("#", 1)[0].split(";", 1)[0]
    segments = [segment_template(unquote(part)) for part in bare.split("/") if part]
    return "/" + "/".join(segments)


@lru_cache(maxsize=4_096)
def segment_template(segment: str) -> str:
    """One path segment, masked whole when its shape is an id's, else only in its digits."""
    if _API_VERSION.fullmatch(segment):
        return segment
    name, dot, extension = segment.rpartition(".")
    if dot and name and "@" not in name and extension.isalpha() and len(extension) <= 5:
        stem = file_stem(name)
        return f"{MASK if _SEGMENT_ID.fullmatch(stem) else _DIGITS.sub(MASK, stem)}.{extension}"
    if _SEGMENT_ID.fullmatch(segment):
        return MASK
    return _REPEATED.sub(MASK, _DIGITS.sub(MASK, segment))


def page_template(route: str) -> str:
    """The templated path of a page, given as a path or a whole address; empty for no route."""
    return path_template(host_and_path(route)[1]) if route.strip() else ""


def host_and_path(url: str) -> tuple[str, str]:
    """``url`` as (host with its port, without ``www.``; path). The host is empty for a relative URL."""
    try:
        parts = urlsplit(url.strip())
        host = parts.netloc.rpartition("@")[2].lower().removeprefix("www.")
    except ValueError:
        return "", url
    return host, parts.path or "/"


_CAMEL = re.compile(r"(?:[A-Z]?(?=[a-z]*[aeiouy])[a-z]+)(?:[A-Z](?=[a-z]*[aeiouy])[a-z]+)*\d{0,2}|[A-Z]+|\d{1,2}")
"""A word as people write names: humps with a vowel in each."""
_SCRIPT_SUFFIX = re.compile(r"(?:\.(?:[cm]?[jt]sx?|bundle|chunk|min|prod|production|development|esm|html?|php|css|vue|svelte))+$")
_BASE64URL_HASH = re.compile(r"[-._]([A-Za-z0-9_-]{8})$")
_PIECES = re.compile(r"[.~_-]+")


@lru_cache(maxsize=2_048)
def file_stem(file: str) -> str:
    """The file's name as it stays from release to release: no folders, query, suffix or content hash.

    ``https://x/assets/index-USw6ZjJo.js?v=3`` → ``index``; ``jquery-3.6.0.min.js`` → ``jquery``.
    """
    name = unquote(file.split("?", 1)[0].split("#", 1)[0]).replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem = _SCRIPT_SUFFIX.sub("", name)
    match = _BASE64URL_HASH.search(stem)
    if match and match.start() > 0 and _is_vite_hash(match[1]):
        stem = stem[: match.start()]
    kept = [piece for piece in re.split(r"([.~-]+)", stem) if not _is_hash(piece)]
    return "".join(kept).strip("-._~") or MASK


def _is_vite_hash(text: str) -> bool:
    """8 characters of base64url that no word would have: Rollup's and esbuild's content hash."""
    if sum(letter.isdigit() for letter in text) >= 3 and any(letter.isalpha() for letter in text):
        return True
    if any(letter.isupper() for letter in text) and any(letter.islower() or letter.isdigit() for letter in text):
        return not all(_CAMEL.fullmatch(piece) for piece in _PIECES.split(text) if piece)
    return False


def _is_hash(piece: str) -> bool:
    if piece.isdigit():
        return True
    if len(piece) < 6 or not piece.isalnum():
        return False
    if all(letter in "0123456789abcdef" for letter in piece):
        return any(letter.isdigit() for letter in piece) or len(piece) >= 16
    digits = sum(letter.isdigit() for letter in piece)
    return digits > 0 and len(piece) >= 8 and not _CAMEL.fullmatch(piece) and _SHORT_WORDS.fullmatch(piece) is None


_SHORT_WORDS = re.compile(r"[a-z]+\d{1,3}[a-z]*")
