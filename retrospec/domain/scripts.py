"""Whose code a script is, told by its address. Part of fingerprint v1: frozen once shipped."""

import re
from functools import lru_cache
from typing import Literal

_FILES_KEPT = 16_384
"""A large site has thousands of files, each in every stack that passes through it."""

_EXTENSION = re.compile(r"(?:chrome|moz|safari|safari-web|ms-browser)-extension:|^(?:webkit-)?masked-url:|^extensions?::|^resource://gre/", re.I)
_OWN_SDK = re.compile(r"/(?:sdk|retrospec[\w.-]*)\.m?js(?:[?#]|$)", re.I)
_VENDOR = re.compile(
    r"node_modules/|/~/|bower_components/|/vendors?[/.~_-]|(?:^|[/~._-])(?:vendors?|polyfills?|runtime|framework|chunk-vendors|"
    r"react(?:-dom)?|jquery|angular|vue|lodash|zone|core-js|webpack|turbo|htmx|alpine(?:js)?)(?:[-.~_][\w.-]*)?\.[cm]?js|webpack/(?:bootstrap|runtime)|"
    r"//(?:[\w-]+\.)?(?:unpkg\.com|cdn\.jsdelivr\.net|cdnjs\.cloudflare\.com|ajax\.googleapis\.com|code\.jquery\.com|"
    r"www\.googletagmanager\.com|www\.google-analytics\.com|connect\.facebook\.net|js\.stripe\.com|js\.sentry-cdn\.com)/",
    re.I,
)


@lru_cache(maxsize=_FILES_KEPT)
def owner_of(file: str) -> Literal["program", "library", "extension", "sdk"]:
    """``extension`` is the browser's, ``sdk`` our own."""
    if _EXTENSION.search(file):
        return "extension"
    if _OWN_SDK.search(file):
        return "sdk"
    return "library" if _VENDOR.search(file) else "program"
