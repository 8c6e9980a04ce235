"""A server's source maps, over its API."""

import gzip
from types import TracebackType
from typing import Any

import httpx
import msgspec

from retrospec.domain.errors import RetroSpecError
from retrospec.source_names import Upload

TIMEOUT_S = 120.0
"""A large map is opened by the server before it answers."""


class NotTaken(RetroSpecError):
    """The server refused, or gave no answer; ``ends_all`` when every further try would end the same."""

    def __init__(self, message: str, *, ends_all: bool) -> None:
        super().__init__(message)
        self.ends_all = ends_all


class MapServer:
    """Opened with ``async with``."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/v1/source-maps"
        self._client = httpx.AsyncClient(headers={"X-Retrospec-Key": key}, timeout=TIMEOUT_S)

    async def __aenter__(self) -> "MapServer":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def upload(self, upload: Upload) -> dict[str, Any]:
        """Send one map; the server's answer."""
        body = msgspec.json.encode(
            {
                "release": upload.release,
                "name": upload.name,
                "debugId": upload.debug_id,
                "minified": upload.minified.decode("utf-8", "replace"),
                "map": msgspec.Raw(upload.source_map),
            }
        )
        return await self._call("POST", content=gzip.compress(body, 6))

    async def releases(self) -> list[dict[str, Any]]:
        """Releases that have maps."""
        return list((await self._call("GET"))["releases"])

    async def maps(self, release: str) -> list[dict[str, Any]]:
        """The maps of a release."""
        return list((await self._call("GET", params={"release": release}))["maps"])

    async def delete(self, release: str, name: str) -> int:
        """Delete a release's maps, or one; how many went."""
        return int((await self._call("DELETE", params={"release": release, "name": name}))["deletedMaps"])

    async def _call(self, method: str, **rest: Any) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, self._url, **rest)
            told = answer.json()
        except httpx.HTTPError as error:
            raise NotTaken(f"{self._url} gave no answer: {error or type(error).__name__}", ends_all=True) from error
        except ValueError as error:
            raise NotTaken(f"{self._url} is no RetroSpec server: its answer is no JSON.", ends_all=True) from error
        if answer.is_error or not isinstance(told, dict):
            sentence = told.get("error") if isinstance(told, dict) else ""
            ends_all = answer.status_code in (401, 403, 404, 405)
            raise NotTaken(f"{sentence or 'The server refused'} ({answer.status_code})", ends_all=ends_all)
        return told
