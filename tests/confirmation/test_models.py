"""Visual models, spoken to over real HTTP; what is outside the contract is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from retrospec.confirmation.models import (
    VideoArtifact,
    VisualRequest,
    as_verdict,
    ask_openai_vision,
    ask_remote_visual,
)
from retrospec.domain.errors import Unavailable
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import MarkerKind, Signal
from retrospec.domain.settings import ConfirmationSettings
from retrospec.domain.visual import Frame, VerdictWord
from retrospec.domain.window import Window
from retrospec.model_line import ModelAnswerRefused

GOOD = {"confirmed": True, "confidence": 0.9, "summary": "A toast says so.", "symptom": "s", "technicalRootCause": "c", "suggestedFix": "f"}
REQUEST = VisualRequest(
    project_id="p",
    session_id="s",
    site="shop.test",
    route="/pay",
    trigger_kind="api_error",
    marker_offsets_ms=[3_000],
    marker_windows=[Window(1_000, 11_000)],
    generated_at=datetime(2026, 1, 1, tzinfo=UTC),
    video_artifact=VideoArtifact(url="https://retrospec.test/v1/video?artifactToken=t", key="videos/s.webm"),
)
FINDING = Finding(id="f", signal=Signal.HTTP_ERROR, kind=MarkerKind.API_ERROR, t_ms=3_000, standing=Standing.UNSEEN, confidence=0.7, label="POST /pay 500")


class Endpoint:
    """One model behind one port; keeps what it was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.head = ""
        self.body: Any = None


@asynccontextmanager
async def answering(status: int, body: bytes | None) -> AsyncIterator[Endpoint]:
    """An HTTP endpoint that gives one answer; None never answers."""
    endpoint = Endpoint()

    served: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next(int(line.split(":")[1]) for line in endpoint.head.splitlines() if line.lower().startswith("content-length"))
        endpoint.body = json.loads(await reader.readexactly(size))
        if body is None:
            await reader.read()
        else:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield endpoint
        await asyncio.gather(*served)


def settings(url: str, timeout_seconds: float = 5) -> ConfirmationSettings:
    return ConfirmationSettings(model_url=url, model_key="secret", model_name="eyes", timeout_seconds=timeout_seconds)


async def test_the_wire_request_and_its_answer() -> None:
    async with answering(200, json.dumps(GOOD).encode()) as endpoint, httpx.AsyncClient() as client:
        answer = await ask_remote_visual(client, settings(endpoint.url), REQUEST)
    assert answer.confirmed and answer.technical_root_cause == "c"
    assert "authorization: bearer secret" in endpoint.head.lower()
    assert endpoint.body["schemaVersion"] == "retrospec.visual.v1"
    assert endpoint.body["markerWindows"] == [{"startMs": 1_000, "endMs": 11_000}]
    assert set(endpoint.body["videoArtifact"]) == {"url", "bucket", "endpoint", "region", "key", "contentType"}


async def test_pictures_go_to_a_chat_model() -> None:
    chat = {"choices": [{"message": {"content": json.dumps(GOOD)}}]}
    frames = [Frame(t_ms=2_900, role="before"), Frame(t_ms=3_600, role="after")]
    async with answering(200, json.dumps(chat).encode()) as endpoint, httpx.AsyncClient() as client:
        answer = await ask_openai_vision(client, settings(endpoint.url), FINDING, frames, [b"one", b"two"])
    parts = endpoint.body["messages"][1]["content"]
    assert answer.summary == "A toast says so."
    assert endpoint.head.startswith("POST /v1/chat/completions ")
    assert [part["image_url"]["url"] for part in parts if part["type"] == "image_url"] == ["data:image/webp;base64,b25l", "data:image/webp;base64,dHdv"]


@pytest.mark.parametrize(
    "change",
    [
        lambda good: good.pop("symptom"),
        lambda good: good.update(extra=1),
        lambda good: good.update(confidence=1.2),
        lambda good: good.update(confirmed="yes"),
    ],
)
async def test_answers_outside_the_contract_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    answer = dict(GOOD)
    change(answer)
    async with answering(200, json.dumps(answer).encode()) as endpoint, httpx.AsyncClient() as client:
        with pytest.raises(ModelAnswerRefused, match="outside the contract"):
            await ask_remote_visual(client, settings(endpoint.url), REQUEST)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"It failed.", ModelAnswerRefused),
        (200, b"[" * 70_000, ModelAnswerRefused),
        (401, b"", ModelAnswerRefused),
        (302, b"", ModelAnswerRefused),
        (429, b"", Unavailable),
        (503, b"", Unavailable),
    ],
)
async def test_other_answers(status: int, body: bytes, error: type[Exception]) -> None:
    async with answering(status, body) as endpoint, httpx.AsyncClient() as client:
        with pytest.raises(error):
            await ask_remote_visual(client, settings(endpoint.url), REQUEST)


async def test_a_model_that_never_answers_is_given_up() -> None:
    async with answering(200, None) as endpoint, httpx.AsyncClient() as client:
        with pytest.raises(Unavailable, match="did not answer"):
            await ask_remote_visual(client, settings(endpoint.url, timeout_seconds=0.05), REQUEST)


async def test_an_address_that_is_none() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(ModelAnswerRefused, match="model_url"):
            await ask_remote_visual(client, settings("ftp:/nowhere"), REQUEST)


async def test_an_unsure_model_leaves_it_open() -> None:
    async with answering(200, json.dumps({**GOOD, "confidence": 0.5}).encode()) as endpoint, httpx.AsyncClient() as client:
        answer = await ask_remote_visual(client, settings(endpoint.url), REQUEST)
    assert as_verdict(answer, "f", [], min_confidence=0.65).verdict == VerdictWord.CANT_TELL
    assert as_verdict(answer, "f", [], min_confidence=0.4).verdict == VerdictWord.CONFIRMED
