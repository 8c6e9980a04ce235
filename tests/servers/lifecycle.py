"""What rclone's S3 server lacks: a bucket's lifecycle rules, kept and given back as S3 does. Signatures are rclone's to judge."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from xml.etree import ElementTree

NONE = b"<?xml version='1.0'?><Error><Code>NoSuchLifecycleConfiguration</Code><Message>none</Message></Error>"
BAD = b"<?xml version='1.0'?><Error><Code>MalformedXML</Code><Message>no</Message></Error>"


class Lifecycle(ThreadingHTTPServer):
    """One bucket's rules; PUT replaces all of them, as S3 says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.rules = b""
        self.puts = 0

    def url(self, prefix: str) -> str:
        """How the program is told of it."""
        return f"s3://recordings/{prefix}?endpoint=http://127.0.0.1:{self.server_port}&region=us-east-1&access_key_id=key&secret_access_key=secret"


class _Answering(BaseHTTPRequestHandler):
    server: Lifecycle

    def do_GET(self) -> None:
        if not self._is_asked_well():
            return
        if self.server.rules:
            self._say(200, self.server.rules)
        else:
            self._say(404, NONE)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_asked_well():
            return
        if base64.b64decode(self.headers["Content-MD5"]) != hashlib.md5(body).digest() or not _is_configuration(body):
            self._say(400, BAD)
            return
        self.server.rules, self.server.puts = body, self.server.puts + 1
        self._say(200, b"")

    def _is_asked_well(self) -> bool:
        is_well = self.path == "/recordings?lifecycle=" and self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
        if not is_well:
            self._say(403, BAD)
        return is_well

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _is_configuration(body: bytes) -> bool:
    """S3 refuses rules without an id's uniqueness, a status, a filter, or anything to do."""
    rules = ElementTree.fromstring(body).findall("{*}Rule")
    ids = [rule.findtext("{*}ID") for rule in rules]
    return len(set(ids)) == len(ids) and all(rule.findtext("{*}Status") and rule.find("{*}Filter") is not None and len(rule) >= 4 for rule in rules)


@contextmanager
def lifecycle() -> Iterator[Lifecycle]:
    """For the length of the block."""
    with Lifecycle() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
