"""Where everything is wired: settings in, a running server out."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Litestar, Request, Response
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from retrospec import __version__
from retrospec.accounts.audit_log import forget_old_entries
from retrospec.accounts.keys import ensure_default_project
from retrospec.accounts.signing import Signer, keys_in_force
from retrospec.admission import Admission, Room
from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.ids import new_id
from retrospec.domain.session import Stage
from retrospec.domain.settings import Settings
from retrospec.filling import fill_forever
from retrospec.governor import Governor
from retrospec.intake import Intake
from retrospec.jobs.queue import SHUTDOWN_S, Doorbell
from retrospec.jobs.ringer import Ringer
from retrospec.jobs.sweep import sweep_forever
from retrospec.jobs.turns import Turns
from retrospec.lookout import MOST_ASKED, Publish, why_not
from retrospec.model_line import ModelLine
from retrospec.pipeline import Look, Pipeline
from retrospec.reader import Reader
from retrospec.retention.expiry import clean_up, sweep_orphans
from retrospec.retention.source_maps import forget_unused_maps
from retrospec.screening.wiring import screening
from retrospec.source_names import SourceNames
from retrospec.stage_claims import own_stages, seen_elsewhere
from retrospec.storage import outbox, reports, sessions
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.folder import held_folder
from retrospec.storage.migrate import migrate
from retrospec.storage.nodes import Role, is_shared, queue_place
from retrospec.storage.sessions import ACTIVE_STAGES
from retrospec.telemetry import Metrics
from retrospec.telling import courier_for, unmute_forever
from retrospec.traffic import Traffic
from retrospec.vault.store import Vault, dressed
from retrospec.vitals import back_up_forever, sample_forever
from retrospec.web import api, pages
from retrospec.web.access import KeyRing, RateLimiter
from retrospec.web.api.errors import HANDLERS
from retrospec.web.pages import page_errors
from retrospec.web.shared_rates import share_rates_forever
from retrospec.web.tokens import ArtifactTokens

log = structlog.get_logger()

COMPRESSED_FROM_BYTES = 2_000
ORPHANS_EVERY = 24
"""One orphan sweep every so many clean-ups."""


def create_app(settings: Settings, role: Role = Role.ALL) -> Litestar:
    """The whole product as an ASGI application; it opens and closes everything in its lifespan."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with running_parts(app, settings, role):
            yield

    return Litestar(
        route_handlers=[*api.routes, *pages.routes],
        lifespan=[lifespan],
        before_request=_name_request,
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=4, minimum_size=COMPRESSED_FROM_BYTES, exclude_opt_key="packs_itself"
        ),
        cors_config=CORSConfig(
            allow_origins=settings.server.cors_origins,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Content-Type", "X-Retrospec-Key", "Range"],
            expose_headers=["Retry-After", "Content-Range", "X-Request-Id"],
            max_age=86_400,
        ),
        request_max_body_size=settings.limits.max_body_mb * 1_000_000,
        openapi_config=OpenAPIConfig(
            title="RetroSpec", version=__version__, path="/api/plain", render_plugins=[JsonRenderPlugin()]
        ),
        exception_handlers={
            Exception: _answer_error,
            HTTPException: _answer_error,
            RetroSpecError: _answer_error,
        },
        logging_config=None,
    )


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Where no handler was reached: JSON to programs, a page to people."""
    is_for_people = "text/html" in request.headers.get("accept", "")
    handlers = page_errors if is_for_people else HANDLERS
    kind = next(kind for kind in type(error).__mro__ if kind in handlers)
    return handlers[kind](request, error)


_RUN = new_id("run")[-8:]
_REQUESTS = itertools.count(1)
"""Together they name a request in the log; drawing random bits for each one costs a system call."""


async def _name_request(request: Request[Any, Any, Any]) -> None:
    """Give the request an id; log lines written while it runs carry it."""
    request_id = f"req_{_RUN}{next(_REQUESTS):x}"
    request.state.request_id = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


@asynccontextmanager
async def running_parts(app: Litestar, settings: Settings, role: Role = Role.ALL) -> AsyncIterator[None]:
    """Database, blob store, queue, worker and periodic tasks, from first to last and back."""
    async with AsyncExitStack() as stack:
        if not is_shared(settings):
            stack.enter_context(held_folder(settings.data_dir))
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(migrate, settings.database_url)
        database = Database.open(settings.database_url, request_seconds=settings.limits.query_seconds)
        stack.push_async_callback(database.close)
        blobs, metrics = Blobs.open(settings.blobs_url), Metrics()
        advance = _advance_on(asyncio.get_running_loop(), app)
        doorbell = await asyncio.to_thread(Doorbell, queue_place(settings), advance)
        ring = Ringer(doorbell, metrics)
        state = app.state
        state.settings, state.database, state.blobs, state.metrics = settings, database, blobs, metrics
        state.keyring, state.rate_limiter = KeyRing(database), RateLimiter(settings.limits)
        state.traffic = Traffic()
        state.signer = Signer(keys_in_force(settings))
        state.tokens = ArtifactTokens(state.signer)
        state.source_names = SourceNames(database, blobs)
        stack.push_async_callback(state.source_names.close)
        state.vault = Vault(settings, database, blobs)
        state.admission = Admission(settings=settings)
        state.governor = Governor(settings, database, blobs, state.admission)
        state.intake = Intake(settings, database, blobs, ring, metrics, state.source_names, state.admission)
        stack.push_async_callback(asyncio.to_thread, state.intake.close)
        line = ModelLine()
        stack.push_async_callback(line.close)
        word = None if settings.analysis.provider == "heuristic" else Reader(settings.analysis, line).word
        stages = own_stages(settings.worker) if role is Role.WORKER else ACTIVE_STAGES
        looks_here = role is not Role.WEB and Stage.CONFIRMATION in stages
        no_look = await asyncio.to_thread(why_not, settings) if looks_here or role is Role.WEB else ""
        look: Look | None = None if no_look or role is Role.WEB else seen_elsewhere
        if looks_here and not no_look:
            look = await stack.enter_async_context(_looking(app, line))
        named = state.source_names
        state.courier = courier_for(state)
        told = state.traffic, state.courier.wake
        state.pipeline = Pipeline(settings, database, blobs, metrics, named, word, look, no_look, *told)
        state.turns = Turns(database, state.pipeline.advance, lambda: state.admission.room is Room.FULL, stages)
        await ensure_default_project(database, now=utc_now())
        if not doorbell.is_shared:
            await asyncio.to_thread(doorbell.forget_all)
        stack.push_async_callback(asyncio.to_thread, doorbell.close)
        if database.is_sqlite:
            await _release_claims_of_the_dead(database)
        if role is not Role.WEB:
            if Stage.ANALYSIS in stages:
                consumer = doorbell.consumer(settings.worker.threads)
                await asyncio.to_thread(consumer.start)
                stack.push_async_callback(asyncio.to_thread, consumer.stop, graceful=True)
            else:
                looking = state.turns.look_forever(settings.worker.threads, settings.worker.sweep_seconds)
                stack.push_async_callback(_cancelled, asyncio.create_task(looking))
            stack.push_async_callback(state.turns.drain, settings.worker.drain_seconds if role is Role.WORKER else SHUTDOWN_S)
        for periodic in (
            sweep_forever(database, ring, settings),
            _clean_forever(settings, database, blobs, metrics),
            metrics.watch_loop(),
            state.governor.watch_forever(),
            sample_forever(state),
            back_up_forever(settings, database, metrics),
            state.courier.run_forever(every_s=settings.worker.sweep_seconds),
            unmute_forever(database),
            *([] if role is Role.WEB else [fill_forever(database, blobs)]),
            share_rates_forever(state),
        ):
            stack.push_async_callback(_cancelled, asyncio.create_task(periodic))
        yield


@asynccontextmanager
async def _looking(app: Litestar, line: ModelLine) -> AsyncIterator[Look]:
    async with screening(app.state, line, _publishing(app)) as lookout:
        yield dressed(lookout.look, app.state.vault)


def _publishing(app: Litestar) -> Publish:
    """Links that outlive the questions a visual model is asked about them."""

    async def publish(artifact: Artifact) -> str:
        state = app.state
        async with state.database.write() as connection:
            await reports.save_artifact(connection, artifact)
        seconds = state.settings.artifacts.token_seconds
        seconds += round(MOST_ASKED * state.settings.confirmation.timeout_seconds)
        named = artifact.project_id, artifact.session_id, artifact.artifact_type
        token, _ = state.tokens.issue(*named, now=utc_now(), seconds=seconds)
        path = f"/v1/sessions/{quote(artifact.session_id, safe='')}/artifacts/{artifact.artifact_type}"
        return f"{state.address}{path}?artifactToken={token}"

    return publish


async def _release_claims_of_the_dead(database: Database) -> None:
    """Only one server holds this folder, so whoever claimed a session before now is gone."""
    async with database.write() as connection:
        await sessions.release_all(connection)
        await outbox.release_all(connection)


def _advance_on(loop: asyncio.AbstractEventLoop, app: Litestar) -> Any:
    """The task shell: an id in, one pipeline call on the loop."""

    def advance(project_id: str, session_id: str) -> None:
        asyncio.run_coroutine_threadsafe(app.state.turns.answer(project_id, session_id), loop).result()

    return advance


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _clean_forever(settings: Settings, database: Database, blobs: Blobs, metrics: Metrics) -> None:
    rounds = 0
    while True:
        await asyncio.sleep(settings.retention.cleanup_minutes * 60)
        rounds += 1
        try:
            kept = settings.retention
            async with database.alone("clean_up") as is_ours:
                if not is_ours:
                    continue
                cleaned = await clean_up(
                    database, blobs, days=kept.days, now=utc_now(), recording_days=kept.recording_days, artifact_days=kept.artifact_days
                )
                await forget_unused_maps(database, blobs, days=settings.retention.source_map_days, now=utc_now())
                await forget_old_entries(database, days=settings.audit.keep_days, now=utc_now())
                if rounds % ORPHANS_EVERY == 0:
                    await sweep_orphans(database, blobs, now=utc_now())
        except RetroSpecError as error:
            log.warning("cleanup_postponed", reason=str(error))
            continue
        metrics.cleanup_runs.inc()
        metrics.cleanup_events.inc(cleaned.events)
        metrics.cleanup_artifacts.inc(cleaned.artifacts)
