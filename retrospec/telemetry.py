"""Logs and metrics. The metric names of the first wire contract are kept."""

import asyncio
import logging
import sys
import time
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from retrospec.domain.settings import ServerSettings
from retrospec.tracing import add_ids

LAG_PROBE_S = 0.02


class Metrics:
    """This server's counters, in a registry of its own so that tests can run several servers."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._started = time.monotonic()
        self._worst_lag_s = 0.0
        self.ingested_sessions = self._counter("retrospec_ingest_sessions", "Sessions accepted")
        self.accepted_bytes = self._counter("retrospec_ingest_bytes", "Bytes accepted, as sent")
        self.rate_limited = self._counter("retrospec_rate_limited", "Requests refused for their rate")
        self.reports = self._counter("retrospec_analysis_reports", "Reports written", ["status"])
        self.replay_artifacts = self._counter("retrospec_replay_artifacts", "Replay artifacts", ["status"])
        self.analysis_queue_errors = self._counter("retrospec_analysis_queue_errors", "Rings that failed")
        self.replay_queue_errors = self._counter("retrospec_replay_queue_errors", "Always 0: one doorbell rings for all stages; the name is kept for older readers")
        self.cleanup_runs = self._counter("retrospec_cleanup_runs", "Clean-ups finished")
        self.cleanup_events = self._counter("retrospec_cleanup_event_objects", "Recordings deleted")
        self.cleanup_artifacts = self._counter("retrospec_cleanup_artifact_objects", "Artifacts deleted")
        self.stage_seconds = Histogram(
            "retrospec_stage_seconds",
            "Time a stage took",
            ["stage"],
            registry=self.registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120),
        )
        self.stage_failures = self._counter(
            "retrospec_stage_failures", "Stage attempts that failed", ["stage"]
        )
        self.depth = self._gauge("retrospec_queue_depth", "Sessions by stage and state", ["stage", "state"])
        self.oldest = self._gauge("retrospec_queue_oldest_seconds", "Longest a due session has waited", ["stage"])
        self.dead_letters = self._gauge("retrospec_dead_letters", "Sessions given up")
        self.disk = self._gauge("retrospec_disk_bytes", "Used by RetroSpec, free, and its budget", ["what"])
        self.room = self._gauge("retrospec_disk_room", "0 open, 1 markers only, 2 full")
        self.evicted = self._gauge("retrospec_evicted_sessions", "Sessions evicted for the disk since the start")
        self.refused = self._gauge("retrospec_refused_requests", "Refused or cut since the start", ["reason"])
        self.resident = self._gauge("retrospec_resident_bytes", "Resident memory of the server")
        self.open_files = self._gauge("retrospec_open_files", "Open file handles of the server")
        self.backup_at = self._gauge("retrospec_backup_timestamp_seconds", "When the newest backup was finished; 0: never")
        self.backup_failures = self._counter("retrospec_backup_failures", "Scheduled backups that failed")
        self.redactions = self._counter("retrospec_redactions", "Values redacted before storing", ["kind"])
        self.uptime = Gauge("retrospec_uptime_seconds", "Time since start", registry=self.registry)
        self.loop_lag_max = Gauge(
            "retrospec_event_loop_lag_max_seconds",
            "Longest delay of the event loop so far",
            registry=self.registry,
        )
        self.queue = {
            f"{stage}_{what}": Gauge(
                f"retrospec_{stage}_queue_{what}", f"{stage}: {what}", registry=self.registry
            )
            for stage in ("analysis", "replay")
            for what in ("stream_depth", "pending_total", "retry_depth", "failed_depth")
        }

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(name, text, labels or [], registry=self.registry)

    def _gauge(self, name: str, text: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(name, text, labels or [], registry=self.registry)

    @property
    def worst_lag_s(self) -> float:
        """The longest delay of the event loop so far."""
        return self._worst_lag_s

    def total(self, name: str) -> int:
        """A counter's sum over its labels."""
        samples = (sample for family in self.registry.collect() if family.name == name for sample in family.samples)
        return int(sum(sample.value for sample in samples))

    def exposition(self) -> bytes:
        """The Prometheus text of this moment."""
        self.uptime.set(time.monotonic() - self._started)
        return bytes(generate_latest(self.registry))

    async def watch_loop(self) -> None:
        """Measure the event loop's delay until cancelled; the worst stands in ``loop_lag_max``."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(LAG_PROBE_S)
            lag = time.perf_counter() - before - LAG_PROBE_S
            if lag > self._worst_lag_s:
                self._worst_lag_s = lag
                self.loop_lag_max.set(lag)

    def forget_lag(self) -> None:
        """Measure the loop's delay anew from here: what the start cost is not a request's."""
        self._worst_lag_s = 0.0
        self.loop_lag_max.set(0)


def set_up_logging(settings: ServerSettings) -> None:
    """One line per event to stderr: readable on a terminal, JSON elsewhere; other libraries' logs join."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_ids,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if not as_text
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
