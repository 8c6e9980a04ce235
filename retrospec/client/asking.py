"""One request after another: the key, retries, errors, and shapes from JSON."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from retrospec.domain.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Refused,
    RetroSpecError,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from retrospec.domain.web_address import address_parts
from retrospec.shapes.base import Body

S = TypeVar("S")
Item = TypeVar("Item", covariant=True)

KEY_HEADER = "X-Retrospec-Key"
TRIES = 4
LONGEST_WAIT_S = 60.0
"""A server that asks for a longer wait is believed: the error is raised instead."""
FIRST_WAIT_S = 0.5
PAGE_ROWS = 100
PREFIX = "/v2/"
_BY_STATUS: dict[int, type[Refused]] = {
    kind.status: kind for kind in (BadRequest, Unauthorized, Forbidden, NotFound, Conflict, Gone, TooLarge)
}


class _Refusal(msgspec.Struct, rename="camel"):
    error: str
    hint: str = ""
    field: str = ""


class Page(Protocol[Item]):
    """What every list answers."""

    @property
    def items(self) -> Sequence[Item]:
        """Its rows."""

    @property
    def next(self) -> str | None:
        """The cursor of the page after it."""


class Asking:
    """A connection to one server with one key. Close it, or use it in ``with``."""

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 30.0, tries: int = TRIES, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """``url`` as people reach the dashboard; ``tries`` of one request while the server is busy or away."""
        if address_parts(url).scheme not in ("http", "https") or not address_parts(url).hostname:
            raise BadRequest(f"{url!r} is not the address of a server; use one such as https://retrospec.example.com")
        if not key.isascii() or not key.isprintable():
            raise Unauthorized("This key is not one of RetroSpec's: it has letters that no key has.")
        self._url, self._tries, self._sleep = url.rstrip("/"), max(1, tries), sleep
        self._http = httpx.Client(headers={KEY_HEADER: key}, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _get(self, shape: type[S], path: str, **query: Any) -> S:
        return _read(shape, self._ask("GET", path, query=query))

    def _send(self, shape: type[S], method: str, path: str, body: Body | None = None) -> S:
        return _read(shape, self._ask(method, path, body=body))

    def _pages(self, shape: type[Page[Item]], path: str, most: int | None, **query: Any) -> Iterator[Item]:
        """Every item of a list, page by page as they are needed, ``most`` at most."""
        left, cursor = most, ""
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
            page = self._get(shape, path, **query, limit=rows, cursor=cursor)
            yield from page.items
            left = None if left is None else left - len(page.items)
            if page.next is None:
                return
            cursor = page.next

    def _bytes(self, path: str, **query: Any) -> bytes:
        return self._ask("GET", path, query=query)

    def _ask(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Body | None = None) -> bytes:
        """The answer's body. Raises what the status says, after as many tries as help."""
        for attempt in range(1, self._tries + 1):
            try:
                return self._ask_once(method, path, query, body)
            except (TooManyRequests, Unavailable) as refused:
                if attempt == self._tries or refused.retry_after_s > LONGEST_WAIT_S:
                    raise
                self._sleep(refused.retry_after_s or FIRST_WAIT_S * 2.0**attempt)
        raise AssertionError("the last try answers or raises")

    def _ask_once(self, method: str, path: str, query: Mapping[str, Any] | None, body: Body | None) -> bytes:
        sent = {name: _plain(value) for name, value in (query or {}).items() if value not in ("", None)}
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, self._url + path, params=sent, content=content, headers=headers)
        except httpx.TransportError as error:
            away = f"The server at {self._url} does not answer: {error}."
            # Only what changes nothing is asked again: the server may have done the rest before it went away.
            raise (Unavailable(away, retry_after_s=0.0) if method == "GET" else RetroSpecError(away)) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer)


def part(text: str) -> str:
    """``text`` as one part of a path."""
    return quote(text, safe="")


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _read(shape: type[S], content: bytes) -> S:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        raise RetroSpecError(f"What answered does not speak RetroSpec's API v2: {error}.") from error


def _refusal(answer: httpx.Response) -> RetroSpecError:
    try:
        told = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.DecodeError:
        told = _Refusal(f"The server answered {answer.status_code} without saying why.")
    after = answer.headers.get("retry-after", "")
    wait_s = float(after) if after.isdecimal() and len(after) < 9 else FIRST_WAIT_S
    if answer.status_code == 429:
        return TooManyRequests(told.error, retry_after_s=wait_s)
    if answer.status_code in (502, 503, 504):
        return Unavailable(told.error, retry_after_s=wait_s, hint=told.hint)
    kind = _BY_STATUS.get(answer.status_code)
    return (kind or RetroSpecError)(told.error, hint=told.hint, field=told.field)
