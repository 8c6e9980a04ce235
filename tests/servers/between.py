"""A gate before a server that can answer in its stead, answer late, or not at all."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

NO_SUCH_KEY = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>later</Message></Error>"

_HEAD_LINE = re.compile(rb"((?:GET|PUT|POST|HEAD|DELETE) /[^\r\n]*|[A-Za-z0-9-]{3,60}: [^\r\n]{0,300})\r\n")


class Gate:
    """Listens on a port of its own and passes each connection on, unless told otherwise."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self.answer = b""
        """Sent in the server's stead while ``left`` is above 0; empty: the connection is reset."""
        self.left = 0
        self.methods = (b"GET", b"PUT", b"POST", b"HEAD", b"DELETE")
        self.delay_s = 0.0
        self.refused = 0
        self._heard: bytearray | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def fail(self, count: int, answer: bytes = b"", methods: tuple[bytes, ...] = (b"GET", b"PUT", b"POST", b"HEAD", b"DELETE")) -> None:
        """The next ``count`` requests of these methods get ``answer``."""
        self.answer, self.methods, self.left = answer, methods, count
        self.cut()

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """What clients say on connections opened meanwhile: once the block ends, every line that looks like a request's head."""
        self.cut()
        lines: list[str] = []
        self._heard = bytearray()
        try:
            yield lines
        finally:
            heard, self._heard = self._heard, None
            lines += [line.decode("latin-1") for line in _HEAD_LINE.findall(heard)]

    def cut(self) -> None:
        """Break every connection there is: what comes next comes anew."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Nobody is let in any longer."""
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._open.append(connection)
            first = connection.recv(65_536)
            time.sleep(self.delay_s)
            if self.left > 0 and first.startswith(self.methods):
                self.left -= 1
                self.refused += 1
                connection.sendall(self.answer)
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as behind:
                self._open.append(behind)
                behind.sendall(first)
                self._hear(first)
                back = threading.Thread(target=_pump, args=(behind, connection), daemon=True)
                back.start()
                _pump(connection, behind, self._hear)
                back.join()

    def _hear(self, part: bytes) -> None:
        if self._heard is not None:
            self._heard += part


def _pump(source: socket.socket, sink: socket.socket, hear: Callable[[bytes], None] = lambda _part: None) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
            hear(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def answered(status: str, body: bytes) -> bytes:
    """A whole HTTP answer that ends its connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@contextmanager
def gate_before(port: int) -> Iterator[Gate]:
    """A gate for the length of the block."""
    gate = Gate(port)
    try:
        yield gate
    finally:
        gate.close()
