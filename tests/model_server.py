"""A model's endpoint on loopback that gives the answers it is told to, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any] | Callable[[Any], tuple[int, Any]] | None
"""Status and body, or a function of the request's body to them; None never answers."""


class ModelServer:
    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        """In turn; the last one stays."""
        self.asked: list[Any] = []
        self.heads: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.over = threading.Event()
        self.url = ""

    def answer(self, path: str, head: dict[str, str], body: Any) -> tuple[int, Any] | None:
        self.paths.append(path)
        self.heads.append(head)
        self.asked.append(body)
        chosen = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if chosen is None:
            self.over.wait(30)
            return None
        return chosen(body) if callable(chosen) else chosen


@contextmanager
def modelling(*answers: Answer) -> Iterator[ModelServer]:
    """A running ``ModelServer``."""
    model = ModelServer(*answers)

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = model.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            if answer is None:
                return
            content = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield model
    finally:
        model.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def chat(content: Any) -> dict[str, Any]:
    """A chat completion that says ``content``."""
    said = content if isinstance(content, str) else json.dumps(content)
    return {"choices": [{"message": {"role": "assistant", "content": said}}]}
