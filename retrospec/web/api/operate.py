"""Health, metrics and clean-up."""

import hmac
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotAuthorizedException

from retrospec.domain.clock import utc_now
from retrospec.retention.expiry import clean_up
from retrospec.storage import sessions
from retrospec.storage.scope import within_project
from retrospec.vitals import fill_gauges
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.wire import CleanupAnswer, HealthAnswer


@get("/healthz", tags=["operate"])
async def healthz(request: AnyRequest) -> Response[HealthAnswer]:
    """200 ``ok`` while the database answers, else 503 ``down``."""
    is_up = await request.app.state.database.is_up()
    return Response(HealthAnswer("ok" if is_up else "down"), status_code=200 if is_up else 503)


@get("/metrics", tags=["operate"], media_type="text/plain")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """Prometheus text."""
    state = request.app.state
    _check_token(request, state.settings.server.metrics_token)
    await _read_queues(state)
    await fill_gauges(state)
    return Response(state.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _check_token(request: AnyRequest, token: str) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.query_params.get(
        "token", ""
    )
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        raise NotAuthorizedException("/metrics needs its token; send it as Authorization: Bearer …")


async def _read_queues(state: Any) -> None:
    async with state.database.read() as connection:
        depths = await sessions.queue_depths(connection, now=utc_now())
    for name, gauge in state.metrics.queue.items():
        gauge.set(depths.get(name, 0))


@post("/v1/maintenance/cleanup", guards=[needs("admin")], status_code=200, tags=["operate"])
async def cleanup(request: AnyRequest) -> CleanupAnswer:
    """Remove what is past its time in the caller's project."""
    state = request.app.state
    days = state.settings.retention.days
    within_project("")  # uploads and tallies that nothing came of are swept for every project
    cleaned = await clean_up(
        state.database, state.blobs, days=days, now=utc_now(), project_id=request.state.key.project_id,
        recording_days=state.settings.retention.recording_days, artifact_days=state.settings.retention.artifact_days,
    )  # fmt: skip
    state.metrics.cleanup_runs.inc()
    state.metrics.cleanup_events.inc(cleaned.events)
    state.metrics.cleanup_artifacts.inc(cleaned.artifacts)
    return CleanupAnswer(
        deleted_sessions=cleaned.sessions,
        deleted_issue_clusters=cleaned.tallies,
        deleted_event_objects=cleaned.events,
        deleted_artifact_objects=cleaned.artifacts,
        failed_event_object_delete=cleaned.failed_events,
        failed_artifact_object_delete=cleaned.failed_artifacts,
        retention_days=days,
    )


ROUTES = [healthz, metrics, cleanup]
