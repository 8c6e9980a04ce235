"""Traces over OTLP/HTTP, from a real server to a receiver of the test."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec import tracing
from retrospec.bench.spawned import spawned_server
from tests.conftest import Client, marker, wait_for

service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason=tracing.MISSING, exc_type=ImportError
)
QUIET = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none", "SERVER_TRUSTED_PROXIES": "127.0.0.1"}
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


class Receiver(ThreadingHTTPServer):
    """Keeps the spans it is sent, as plain values."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Kept)
        self.spans: list[dict[str, Any]] = []
        self.services: set[str] = set()
        self.paths: set[str] = set()

    def take(self, body: bytes) -> None:
        sent = service.ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            self.services |= {each.value.string_value for each in resource.resource.attributes if each.key == "service.name"}
            self.spans += [plain(span) for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [span for span in list(self.spans) if span["name"] == name]


class _Kept(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.add(self.path)
        self.server.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_given: object) -> None:
        """Quiet."""


def plain(span: Any) -> dict[str, Any]:
    values = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    ids = {"trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex()}
    return {"name": span.name, "status": span.status.code, **ids, **values}


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """What a receiver got of a server that judged one session."""
    folder = tmp_path_factory.mktemp("traced")
    with pytest.MonkeyPatch.context() as patch, receiving() as receiver:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.server_port}")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with spawned_server(QUIET, folder / "data") as server:
            client = Client(server, server.key)  # type: ignore[arg-type]
            client.send("s1", marker())
            client.judged("s1")
            sent = {"traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
            assert client.http.get("/v1/sessions/unknown", headers=sent).status_code == 404
            wait_for(lambda: any(span["trace"] == CALLER for span in list(receiver.spans)))
        yield receiver


def test_a_request_is_named_by_its_route_and_carries_its_id(told: Receiver) -> None:
    (ingest,) = told.named("POST /v1/ingest/session")
    assert ingest["http.response.status_code"] == 202
    assert ingest["retrospec.request_id"].startswith("req_")
    assert told.services == {"retrospec"} and told.paths == {"/v1/traces"}
    assert not any("s1" in str(span["name"]) for span in told.spans)


def test_a_job_holds_its_stages_with_project_session_and_job(told: Receiver) -> None:
    (stage,) = told.named("stage analysis")
    (job,) = [span for span in told.named("job") if span["id"] == stage["parent"]]
    assert stage["trace"] == job["trace"]
    assert (stage["retrospec.session"], stage["retrospec.project"]) == ("s1", "proj_default")
    assert stage["retrospec.job"].startswith("job")
    assert stage["status"] == 0


def test_a_trusted_proxys_trace_is_continued(told: Receiver) -> None:
    (span,) = [span for span in told.spans if span["trace"] == CALLER]
    assert (span["parent"], span["http.response.status_code"]) == ("00f067aa0ba902b7", 404)
    assert span["name"].startswith("GET /v1/sessions/{")


def test_log_lines_within_a_span_carry_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with tracing.tracing_by(), tracing.span("outer"):
        outer = tracing.add_ids(None, "", {"event": "e"})
        with tracing.span("inner"):
            inner = tracing.add_ids(None, "", {"event": "e"})
    assert outer["trace_id"] == inner["trace_id"] and outer["span_id"] != inner["span_id"]
    assert tracing.add_ids(None, "", {"event": "e"}) == {"event": "e"}


@pytest.mark.parametrize(
    ("environ", "wanted", "reason"),
    [
        ({}, False, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True, ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, ""),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False, ""),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False, ""),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True, "use http/protobuf"),
    ],
)
def test_the_standard_variables_decide(environ: dict[str, str], wanted: bool, reason: str) -> None:
    assert tracing.is_wanted(environ) is wanted
    assert reason in tracing.why_not(environ)


def test_off_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, retrospec.serving\n"
        "from retrospec import tracing\n"
        "with tracing.tracing_by({}), tracing.span('x', a='b'): pass\n"
        "assert tracing.span('x') is tracing.span('y')\n"
        "assert tracing.traced(sys, []) is sys\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_a_collector_that_is_away_holds_up_neither_answers_nor_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with spawned_server(QUIET, tmp_path / "data") as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert server.process.returncode == 0  # by SIGTERM, within the deadline after which it would have been killed
