"""The line to a model of the operator's choice: one HTTP client, opened at first use, and one bounded exchange.

httpx is imported at the first call, so that a server without models does not carry it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from retrospec.domain.errors import RetroSpecError, Unavailable
from retrospec.outbound.addresses import NotSent

if TYPE_CHECKING:
    import httpx

MOST_ANSWER_BYTES = 64 * 1024
T = TypeVar("T")


class ModelAnswerRefused(RetroSpecError):
    """The model answered outside the contract; asking again may or may not help, guessing never does."""

    def __init__(self, message: str, *, answer: bytes = b"") -> None:
        super().__init__(message)
        self.answer = answer
        """What it said, as far as it was read."""


class ModelLine:
    """The client that all calls to models share."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    def client(self) -> "httpx.AsyncClient":
        """The client, made at the first call."""
        if self._client is None:
            from retrospec.outbound.client import open_client

            # The operator named these hosts: a model on the machine itself is the usual one.
            self._client = open_client(lambda _host: True, through_proxy=True)
        return self._client

    async def close(self) -> None:
        """End its connections."""
        if self._client is not None:
            await self._client.aclose()


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One model as configured."""

    kind: str
    """``text`` or ``visual``, as sentences name it."""
    section: str
    """Of the settings."""
    url: str
    key: str
    timeout_seconds: float

    @property
    def shown(self) -> str:
        """How a sentence names it."""
        return f"the {self.kind} model at {host_of(self.url)}"


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Chat(msgspec.Struct):
    choices: Annotated[list[_Choice], Meta(min_length=1)]


def host_of(url: str) -> str:
    """The host alone: paths and passwords are nobody's business."""
    import httpx

    try:
        return httpx.URL(url).host or url
    except httpx.InvalidURL:
        return url


def chat_url(url: str) -> str:
    """Where an OpenAI-compatible server whose base is ``url`` takes chats."""
    url = url.rstrip("/")
    return url if url.endswith("/chat/completions") else f"{url}/chat/completions"


@asynccontextmanager
async def deadline(endpoint: Endpoint) -> AsyncIterator[None]:
    """All that is said within must be over in the configured time, else ``Unavailable``."""
    try:
        async with asyncio.timeout(endpoint.timeout_seconds):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{endpoint.shown} did not answer within {endpoint.timeout_seconds:g} s") from error


async def exchange(client: "httpx.AsyncClient", endpoint: Endpoint, body: Any) -> bytes:
    """Post ``body`` as JSON; the answer. ``Unavailable`` where a retry helps, else ``ModelAnswerRefused``. No deadline of its own."""
    import httpx

    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    try:
        return await _post(client, endpoint, headers, msgspec.json.encode(body))
    except httpx.InvalidURL as error:
        raise ModelAnswerRefused(f"{endpoint.section}.model_url is not an address: {error}") from error
    except NotSent as error:
        if not error.may_help:
            raise ModelAnswerRefused(f"{endpoint.section}.model_url, {endpoint.shown}: {error.message}") from error
        raise Unavailable(f"{endpoint.shown} did not answer: {error.message}") from error


async def _post(
    client: "httpx.AsyncClient", endpoint: Endpoint, headers: dict[str, str], body: bytes
) -> bytes:
    from retrospec.outbound.client import sent, whole_body

    asked = client.build_request("POST", endpoint.url, content=body, headers=headers)
    async with sent(client, asked) as response:
        status = response.status_code
        if status in (408, 429) or status >= 500:
            raise Unavailable(f"{endpoint.shown} answered {status}")
        if status != 200:
            section = endpoint.section
            raise ModelAnswerRefused(
                f"{endpoint.shown} answered {status}; check {section}.model_url and {section}.model_key"
            )
        return await whole_body(response, MOST_ANSWER_BYTES)


def read_answer(kind: type[T], answer: bytes, endpoint: Endpoint) -> T:
    """``answer`` by the letter, or ``ModelAnswerRefused``."""
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise outside_contract(endpoint, str(error), answer) from error


def outside_contract(endpoint: Endpoint, why: str, answer: bytes) -> ModelAnswerRefused:
    """The refusal of an ``answer`` that is not what was asked for."""
    return ModelAnswerRefused(f"the {endpoint.kind} model's answer is outside the contract: {why}", answer=answer)


def said_in_chat(answer: bytes, endpoint: Endpoint) -> bytes:
    """What the model said in a chat completion."""
    return read_answer(_Chat, answer, endpoint).choices[0].message.content.encode()
