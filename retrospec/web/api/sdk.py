"""The SDK as sites load it: a script at ``/sdk.js``, an ES module at ``/sdk.mjs``, and what these fetch when they need it."""

import hashlib
from pathlib import Path

from litestar import Response, get

from retrospec.domain.errors import NotFound
from retrospec.domain.shipped import built_dir
from retrospec.web.api.ingest import AnyRequest

CACHE = "public, max-age=3600, stale-while-revalidate=86400"


class BuiltScript:
    """One bundled script, read once, with its tag for caches."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = b""
        self._etag = ""

    def answer(self, request: AnyRequest) -> Response[bytes]:
        """The script, or 304 when the browser has it."""
        if not self._content:
            self._read()
        headers = {"ETag": self._etag, "Cache-Control": CACHE, "Cross-Origin-Resource-Policy": "cross-origin"}
        if request.headers.get("if-none-match") == self._etag:
            return Response(b"", status_code=304, headers=headers, media_type="text/javascript")
        return Response(self._content, headers=headers, media_type="text/javascript; charset=utf-8")

    def _read(self) -> None:
        if not self._path.is_file():
            raise NotFound(f"{self._path.name} was not built.", hint="In a checkout: python hatch_build.py")
        self._content = self._path.read_bytes()
        self._etag = f'"{hashlib.sha256(self._content).hexdigest()[:20]}"'


_SCRIPT = BuiltScript(built_dir() / "retrospec.js")
_MODULE = BuiltScript(built_dir() / "retrospec.mjs")
_MORE = BuiltScript(built_dir() / "sdk-more.mjs")
_CANVAS = BuiltScript(built_dir() / "sdk-canvas.mjs")


@get("/sdk.js", include_in_schema=False, sync_to_thread=False)
def sdk_script(request: AnyRequest) -> Response[bytes]:
    """For one ``<script>`` tag."""
    return _SCRIPT.answer(request)


@get("/sdk.mjs", include_in_schema=False, sync_to_thread=False)
def sdk_module(request: AnyRequest) -> Response[bytes]:
    """For ``import {initRetrospec}``."""
    return _MODULE.answer(request)


@get("/sdk-more.mjs", include_in_schema=False, sync_to_thread=False)
def sdk_more(request: AnyRequest) -> Response[bytes]:
    """The second part, which either form fetches once the page has settled."""
    return _MORE.answer(request)


@get("/sdk-canvas.mjs", include_in_schema=False, sync_to_thread=False)
def sdk_canvas(request: AnyRequest) -> Response[bytes]:
    """rrweb's recorder with canvas, fetched where ``recordCanvas`` asks for it."""
    return _CANVAS.answer(request)


ROUTES = [sdk_script, sdk_module, sdk_more, sdk_canvas]
