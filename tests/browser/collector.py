"""A small server that keeps the v2 contract, serves test pages and can be told to misbehave."""

import contextlib
import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).parent / "pages"
BUILT = ROOT / "build" / "static"
BUILT_FILES = {"/sdk.js": BUILT / "retrospec.js", "/sdk.mjs": BUILT / "retrospec.mjs", "/sdk-more.mjs": BUILT / "sdk-more.mjs", "/sdk-canvas.mjs": BUILT / "sdk-canvas.mjs"}
TYPES = {".html": "text/html;charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


@dataclass
class Collector:
    """What arrived, and how the server is told to misbehave."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], tuple[int, dict[str, str]]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    base: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    vault: bool = True
    refuse_asset: Callable[[bytes], int] = lambda content: 0
    """The status to refuse one upload with; 0 keeps it."""
    known: list[dict[str, Any]] = field(default_factory=list)
    """Calls of ``/v2/assets/known``."""
    assets: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """sha256 → type and content."""

    def accept(self, body: bytes, content_type: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        """The answer to one chunk: status, headers, JSON."""
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        chunk = json.loads(text)
        with self.changed:
            status, headers = self.answer(chunk) if self.answer else (202, {})
            key = (chunk["sessionId"], chunk["tabId"], chunk["seq"])
            fresh = key not in self.seen
            if status == 202:
                self.seen.add(key)
                if fresh:
                    self.chunks.append(chunk)
                    self.bodies.append(body)
                    self.content_types.append(content_type)
            self.changed.notify_all()
        if status != 202:
            return status, headers, {"error": "told to refuse"}
        receipts = [{"id": one["id"], "clusterKey": f"{one['kind']}:x", "state": "stored"} for one in chunk["markers"]]
        return 202, headers, {"sessionId": chunk["sessionId"], "seq": chunk["seq"], "stored": fresh, "markers": receipts}

    def ask_assets(self, body: bytes) -> dict[str, Any]:
        """The answer of ``/v2/assets/known``."""
        asked = json.loads(body)
        with self.changed:
            self.known.append(asked)
            self.changed.notify_all()
            return {"missing": [one["sha256"] for one in asked["assets"] if one["sha256"] not in self.assets]}

    def keep_asset(self, query: dict[str, list[str]], body: bytes) -> int:
        """The status of one upload."""
        if refusal := self.refuse_asset(body):
            return refusal
        sha256 = query["sha256"][0]
        assert hashlib.sha256(body).hexdigest() == sha256
        with self.changed:
            status = 200 if sha256 in self.assets else 201
            self.assets[sha256] = (query["type"][0], body)
            self.changed.notify_all()
        return status

    @property
    def markers(self) -> list[dict[str, Any]]:
        return [marker for chunk in self.chunks for marker in chunk["markers"]]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for chunk in self.chunks for event in chunk["events"]]

    def labels(self) -> list[str]:
        return [marker["label"] for marker in self.markers]

    def custom(self, tag: str) -> list[Any]:
        return [event["data"]["payload"] for event in self.events if event["type"] == 5 and event["data"]["tag"] == tag]

    def dropped(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for chunk in self.chunks:
            for one in chunk.get("dropped", []):
                counts[one["reason"]] = counts.get(one["reason"], 0) + one["count"]
        return counts

    def wait(self, ready: Callable[[], Any], timeout_s: float = 15) -> Any:
        """Waits until ``ready()`` is true of what arrived; fails with what did arrive."""
        with self.changed:
            self.changed.wait_for(ready, timeout_s)
            result = ready()
        assert result, f"not seen; markers {self.labels()}, {len(self.events)} events in {len(self.chunks)} chunks"
        return result

    def wait_for_label(self, text: str) -> dict[str, Any]:
        found = self.wait(lambda: [one for one in self.markers if text in one["label"]])
        return cast("dict[str, Any]", found[0])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: Collector

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def reply(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        for name, value in {**self.collector.headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page that asked may be gone
            self.wfile.write(body)

    def do_OPTIONS(self) -> None:
        self.collector.methods.append("OPTIONS " + self.path)
        self.reply(204, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.collector.methods.append("POST " + self.path)
        if parts.path.removeprefix("/watch") == "/v2/chunks":
            assert parse_qs(parts.query)["key"]
            status, headers, answer = self.collector.accept(body, self.headers.get("Content-Type", ""))
            return self.reply(status, json.dumps(answer).encode(), "application/json", headers)
        if parts.path == "/v2/assets/known" and self.collector.vault:
            return self.reply(200, json.dumps(self.collector.ask_assets(body)).encode(), "application/json")
        if parts.path == "/v2/assets" and self.collector.vault:
            return self.reply(self.collector.keep_asset(parse_qs(parts.query), body), b"{}", "application/json")
        return self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/watch")
        if path.startswith("/status/"):
            status = int(path.split("/")[2])
            return self.reply(status, b'{"error":"asked for"}', "application/json", {"X-Request-Id": "req-7"})
        if path.startswith("/hang-up"):
            self.close_connection = True
            return self.connection.close()
        if path.endswith(".gif"):  # each name another picture
            padding = bytes(1_100_000 if path == "/huge.gif" else 0)
            return self.reply(200, GIF + path.encode() + padding, "image/gif", {"Cache-Control": "max-age=600"})
        file = BUILT_FILES.get(path, PAGES / path.lstrip("/"))
        if not file.is_file():
            return self.reply(404, b"no such page", "text/plain")
        return self.reply(200, file.read_bytes(), TYPES.get(file.suffix, "text/plain"))
