"""A server that speaks just enough of wire v1 to be measured."""

import asyncio
import json


class StubServer:
    """Answers as told and keeps what it was sent; ``close_every`` ends connections after answers."""

    def __init__(self) -> None:
        self.uploads: dict[str, list[object]] = {}
        self.ingested: list[dict[str, object]] = []
        self.polls: dict[str, int] = {}
        self.refuse_every = 0
        self.says_goodbye = False
        self.connections = 0
        self.url = ""

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while line := await reader.readline():
                headers = await self._headers(reader)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = self.answer(line.split()[1].decode(), headers, body)
                await self._write(writer, status, answer)
                if self.says_goodbye:
                    break
        finally:
            writer.close()

    async def _headers(self, reader: asyncio.StreamReader) -> dict[str, str]:
        headers = {}
        while (line := await reader.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return headers

    async def _write(self, writer: asyncio.StreamWriter, status: int, answer: object) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        goodbye = "connection: close\r\n" if self.says_goodbye else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{goodbye}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        if path in ("/healthz", "/metrics"):
            return 200, b"retrospec_event_loop_lag_max_seconds 0.012\n" if path == "/metrics" else {
                "status": "ok"
            }
        if headers.get("x-retrospec-key") != "right":
            return 401, {"error": "no such key"}
        if path == "/v1/artifacts/session-events":
            sent = json.loads(body)
            self.uploads[sent["sessionId"]] = sent["events"]
            return 201, {"eventsObjectKey": f"session-events/{sent['sessionId']}.json"}
        if path == "/v1/ingest/session":
            self.ingested.append(json.loads(body))
            refused = self.refuse_every and len(self.ingested) % self.refuse_every == 0
            return (
                (500, {"error": "planted"}) if refused else (202, {"session": {}, "analysisQueueError": ""})
            )
        self.polls[path] = self.polls.get(path, 0) + 1
        card = {"status": "ready"} if self.polls[path] > 1 else None
        return 200, {"session": {"reportCard": card}}
