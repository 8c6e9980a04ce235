"""Traces of requests, jobs and stages by OpenTelemetry, where its standard variables ask for them.

Off, nothing of it is imported, and ``span`` returns one context manager that does nothing. On, ids of trace and span
stand in each log line, beside those of request, session and job.
"""

import ipaddress
import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import structlog

from retrospec import __version__

log = structlog.get_logger()

FLUSH_S = 2.0
"""What is not delivered so long after the stop is given up: a collector that is away holds up no restart."""
MISSING = "OpenTelemetry is not installed: pip install 'retrospec[otel]'"

_OFF: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def span(name: str, **attributes: str) -> AbstractContextManager[Any]:
    """The block as a span of that name, below the one it runs in; ``retrospec.`` goes before each attribute's name."""
    if _tracer is None:
        return _OFF
    named = {f"retrospec.{key}": value for key, value in attributes.items()}
    started: AbstractContextManager[Any] = _tracer.start_as_current_span(name, attributes=named)
    return started


def note_failure(error: Exception) -> None:
    """The present span failed by ``error``, which is taken care of elsewhere."""
    if _tracer is None:
        return
    from opentelemetry import trace

    trace.get_current_span().set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}"[:200])


def add_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the ids of trace and span, where there are any."""
    if _tracer is None:
        return event
    from opentelemetry import trace

    now = trace.get_current_span().get_span_context()
    if now.is_valid:
        event["trace_id"], event["span_id"] = f"{now.trace_id:032x}", f"{now.span_id:016x}"
    return event


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the standard variables name somewhere to send traces to."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return exporter == "otlp" or any(environ.get(name) for name in named)


def why_not(environ: Mapping[str, str]) -> str:
    """Why traces that are wanted can't be had; empty where they can."""
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; use http/protobuf"
    if (exporter := environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower()) not in ("", "otlp"):
        return f"OTEL_TRACES_EXPORTER is {exporter}; use otlp or none"
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        return MISSING
    return ""


@contextmanager
def tracing_by(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """For the length of the block, traces go where ``environ`` says; nowhere where it says nothing."""
    global _tracer
    if not is_wanted(environ):
        yield
        return
    if reason := why_not(environ):
        log.warning("no_traces", reason=reason)
        yield
        return
    provider = _provider()
    _tracer = provider.get_tracer("retrospec", __version__)
    try:
        yield
    finally:
        _tracer = None
        ending = threading.Thread(target=provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(FLUSH_S)


def _provider() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.version": __version__})
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "retrospec"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def traced(app: Any, trusted_proxies: Sequence[str]) -> Any:
    """``app`` (ASGI) with a span for each request; ``app`` itself while tracing is off.

    A trace begun by a proxy we trust is continued; a visitor's browser cannot name one.
    """
    return app if _tracer is None else _Traced(app, trusted_proxies)


class _Traced:
    """Says method, route and status; never the address as asked, which may hold a secret."""

    def __init__(self, app: Any, trusted_proxies: Sequence[str]) -> None:
        self._app = app
        self._trusted = [ipaddress.ip_network(each, strict=False) for each in trusted_proxies]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One ASGI call."""
        if scope["type"] != "http" or _tracer is None:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode

        method = scope["method"]
        began = _tracer.start_as_current_span(
            method, context=self._begun_elsewhere(scope), kind=SpanKind.SERVER,
            attributes={"http.request.method": method}, record_exception=False,
        )  # fmt: skip
        with began as current:

            async def send_noted(message: Any) -> None:
                if message["type"] == "http.response.start":
                    current.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        current.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, send_noted)
            finally:
                if route := scope.get("path_template"):
                    current.update_name(f"{method} {route}")
                    current.set_attribute("http.route", route)
                if request_id := scope.get("state", {}).get("request_id"):
                    current.set_attribute("retrospec.request_id", request_id)

    def _begun_elsewhere(self, scope: Any) -> Any:
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "traceparent" not in headers or not self._is_trusted((scope.get("client") or ("",))[0]):
            return Context()
        return TraceContextTextMapPropagator().extract(headers, Context())

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)
