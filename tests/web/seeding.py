"""A project as it looks after a week: issues of every kind and state, sessions, one real recording."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from retrospec.capture.compress import compress
from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.filling import fill
from retrospec.storage import stats, tables
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from tests.web.seeding_apart import add_apart
from tests.web.seeding_pay import pay_analysis, write_pay_card
from tests.web.seeding_places import add_places
from tests.web.seeding_workflow import add_workflow

RECORDED = Path(__file__).parent / "recorded" / "checkout.json"
PROJECT = "proj_default"
SHOP = "shop.example"
PAY_KEY = "api_error:9f3c21d07ab4"
PAY_SESSION = "s-pay-1"
PAY_MARKER_MS = 7255
INGEST_KEY = "rs_ingest_k2m9x4c7v1b8"

ISSUES: list[tuple[str, MarkerKind, str, str, str, str, float, str, int, str, str]] = [
    # key, kind, symptom, title, route, state, confidence, basis, sessions, severity, assignee
    (PAY_KEY, MarkerKind.API_ERROR, "Paying fails with “We could not take your payment” and the order is not placed", "POST /api/orders/:id/pay → 500", "/checkout", "active", 0.96, "visual", 41, "high", ""),
    ("js_exception:51be0c9a77d2", MarkerKind.JS_EXCEPTION, "The size chooser stops answering after the second colour is picked", "TypeError: variant.stock is undefined", "/product/monstera", "active", 0.91, "visual", 23, "high", "Jonas"),
    ("ui_no_effect:77aa10b3cd90", MarkerKind.UI_NO_EFFECT, "“Apply voucher” does nothing, however often it is clicked", "rage click on button “Apply voucher”", "/basket", "acknowledged", 0.84, "text", 17, "medium", "Priya"),
    ("validation_failed:0d4417e2a1f6", MarkerKind.VALIDATION_FAILED, "The postcode field refuses Irish postcodes", "patternMismatch on “Postcode”", "/checkout/address", "active", 0.79, "visual", 12, "medium", ""),
    ("js_exception:c0ffee1122aa", MarkerKind.JS_EXCEPTION, "The order history stays empty on Safari", "RangeError: Invalid time value", "/account/orders", "active", 0.72, "text", 6, "low", ""),
    ("api_error:5a5a0091beef", MarkerKind.API_ERROR, "Search suggestions never load", "GET /api/suggest → network", "/search", "muted", 0.66, "text", 9, "low", ""),
    ("ui_no_effect:aa00bb11cc22", MarkerKind.UI_NO_EFFECT, "The newsletter box can’t be closed on small screens", "dead click on “×”", "/", "resolved", 0.88, "visual", 14, "low", "Jonas"),
]  # fmt: skip
BROWSERS = [
    ("Chrome 141", "Windows", "desktop"),
    ("Safari 18", "iOS 18", "phone"),
    ("Firefox 144", "Linux", "desktop"),
    ("Chrome 141", "Android 16", "phone"),
]


async def seed(database: Database, blobs: Blobs, *, now: datetime) -> None:
    """Everything the pages can show."""
    stored = compress(_recording())
    await blobs.put("session-events/pay.json.zst", stored)
    await blobs.put("artifacts/pay/analysis.json.zst", compress(pay_analysis(PAY_SESSION)))
    async with database.write() as connection:
        await add_project(connection, now=now)
        await _add_second_project(connection, now)
        chance = random.Random(7)
        for spec in ISSUES:
            await _add_issue(connection, spec, chance, now)
        await _add_precision(connection, now)
        await _add_quiet_sessions(connection, chance, now)
        await _complete_pay_session(connection, len(stored), now)
        await add_workflow(connection, now=now)
        await add_places(connection, now=now)
    await fill(database, blobs)
    async with database.write() as connection:
        await add_apart(connection)


async def add_project(connection: Connection, *, now: datetime) -> None:
    """The default project with its ingest key, as after the first start."""
    await connection.execute(
        tables.projects.insert().values(id=PROJECT, name="Fern & Fable", created_at=now - timedelta(days=40))
    )
    await _add_key(connection, "key_1", "Shop pages", "ingest", INGEST_KEY, now, used=True)


async def _add_second_project(connection: Connection, now: datetime) -> None:
    await connection.execute(
        tables.projects.insert().values(id="proj_studio", name="Studio site", created_at=now)
    )
    await _add_key(connection, "key_2", "Weekly report script", "read", "", now, used=False)


async def _add_key(
    connection: Connection, name: str, label: str, scopes: str, public: str, now: datetime, *, used: bool
) -> None:
    await connection.execute(
        tables.api_keys.insert().values(
            id=name, project_id=PROJECT, name=label, scopes=scopes, secret_hash=name, hint=public[:10] or "rs_7hq2m4x",
            public_value=public, created_at=now - timedelta(days=12),
            last_used_at=now - timedelta(minutes=2) if used else None, revoked_at=None,
        )
    )  # fmt: skip


def _recording() -> bytes:
    return RECORDED.read_bytes()


def recording_start_ms() -> int:
    """Client time of the recording's first event."""
    return int(msgspec.json.decode(_recording())[0]["timestamp"])


async def _add_cluster(
    connection: Connection, spec: Any, representative: str, moments: list[datetime]
) -> None:
    key, kind, symptom, title, route, _state, confidence, basis, count, severity, _assignee = spec
    await connection.execute(
        tables.clusters.insert().values(
            project_id=PROJECT, key=key, issue_key=key, kind=kind, title=title, symptom=symptom, session_count=count,
            user_count=max(1, int(count * 0.7)), marker_count=int(count * 1.8), severity=severity, basis=basis,
            visual_count=count // 2 if basis == "visual" else 0, confidence=confidence,
            representative_session_id=representative, representative_confidence=confidence, representative_at=moments[0],
            first_seen_at=moments[-1], last_seen_at=moments[0], created_at=moments[-2],
            parts=[("what", title), ("page", route)], ignored=["ids and numbers", "the query string"],
        )
    )  # fmt: skip


async def _add_precision(connection: Connection, now: datetime) -> None:
    """Detectors' counters, one merge, one suggestion, symptoms, and a failure gone quiet."""
    day = to_epoch_ms(now) // 86_400_000
    for detector, counts in {
        "rage_click": (48, 9, 12, 27, 2), "http_error": (61, 2, 1, 58, 0), "dead_click": (30, 14, 9, 7, 5),
    }.items():  # fmt: skip
        names = ("detected", "discarded", "refuted", "confirmed", "rejected")
        await connection.execute(
            tables.detector_days.insert().values(
                project_id=PROJECT, day=day, detector=detector, **dict(zip(names, counts, strict=True))
            )
        )
    await connection.execute(
        tables.cluster_judgements.insert().values(
            project_id=PROJECT, cluster_key="ui_no_effect:beef", kind="ui_no_effect", title="No answer to clicks: Next month",
            refuted=8, rejected=3, confirmed=1, quiet_since=now - timedelta(days=2),
        )
    )  # fmt: skip
    await connection.execute(
        tables.cluster_likeness.insert().values(project_id=PROJECT, a="api_error:5a5a0091beef", b=PAY_KEY, score=0.72)
    )
    await connection.execute(
        tables.cluster_symptoms.insert().values(
            project_id=PROJECT, cluster_key=PAY_KEY, symptom_key="ui_no_effect:1", kind="ui_no_effect",
            title="rage click on “Pay now”", session_count=18,
        )
    )  # fmt: skip


async def _add_issue(connection: Connection, spec: Any, chance: random.Random, now: datetime) -> None:
    key, kind, symptom, title, _, state, confidence, basis, count, severity, assignee = spec
    moments = sorted(
        (now - timedelta(minutes=3 + chance.random() ** 2 * 7 * 24 * 60) for _ in range(count)), reverse=True
    )
    if state == "resolved":
        moments = [moment - timedelta(days=3) for moment in moments]
    sessions = [PAY_SESSION if (key == PAY_KEY and i == 0) else f"s-{key[-6:]}-{i}" for i in range(count)]
    await connection.execute(
        tables.issues.insert().values(
            project_id=PROJECT, key=key, kind=kind, title=title, symptom=symptom, state=state, session_count=count,
            user_count=max(1, int(count * 0.7)), marker_count=int(count * 1.8), severity=severity, basis=basis,
            visual_count=count // 2 if basis == "visual" else 0, confidence=confidence, assignee=assignee,
            representative_session_id=sessions[0], first_seen_at=moments[-1], last_seen_at=moments[0],
            created_at=moments[-2], promoted_at=moments[-2], impact=count + confidence,
            state_updated_at=now - timedelta(hours=5) if state != "active" else None,
            muted_until=now + timedelta(days=3) if state == "muted" else None,
        )
    )  # fmt: skip
    await _add_cluster(connection, spec, sessions[0], moments)
    hours: dict[int, int] = {}
    for i, (session, moment) in enumerate(zip(sessions, moments, strict=True)):
        hour = to_epoch_ms(moment) // 3_600_000
        hours[hour] = hours.get(hour, 0) + 1
        # one in six is still waiting or was not confirmed: listed under the issue, not counted
        status = ("ready", "ready", "ready", "discarded", "ready", "pending")[i % 6]
        await _add_failed_session(connection, spec, session, moment, status, chance)
    await connection.execute(
        tables.issue_hours.insert(),
        [
            {"project_id": PROJECT, "cluster_key": key, "hour": hour, "session_count": n, "marker_count": n}
            for hour, n in hours.items()
        ],
    )


async def _add_failed_session(
    connection: Connection, spec: Any, session: str, moment: datetime, status: str, chance: random.Random
) -> None:
    key, kind, symptom, title, route, _, confidence, basis, *_ = spec
    offset_ms = PAY_MARKER_MS if session == PAY_SESSION else chance.randrange(4_000, 90_000)
    started_at = moment - timedelta(milliseconds=offset_ms)
    await add_session(
        connection, session, route=route, started_at=started_at, duration_ms=offset_ms + chance.randrange(5_000, 60_000),
        status=status, markers=1, chance=chance,
    )  # fmt: skip
    await connection.execute(
        tables.markers.insert().values(
            project_id=PROJECT, session_id=session, id=f"m-{session}", kind=kind, label=title, cluster_key=key,
            replay_offset_ms=offset_ms, observed_at=moment, state="confirmed" if status == "ready" else "seen",
            evidence=None,
        )
    )  # fmt: skip
    stored = Marker(
        id=f"m-{session}", project_id=PROJECT, session_id=session, kind=kind, label=title, cluster_key=key,
        replay_offset_ms=offset_ms, observed_at=moment,
    )  # fmt: skip
    await stats.roll_up(connection, [stored], {})
    await connection.execute(
        tables.issue_sessions.insert().values(
            project_id=PROJECT, cluster_key=key, session_id=session, marker_count=1, first_observed_at=moment,
            last_observed_at=moment, counted=status == "ready", confidence=confidence, basis=basis, jump_ms=offset_ms,
        )
    )  # fmt: skip
    if session != PAY_SESSION and not session.endswith("4"):  # one in ten lost its recording
        await _add_chunk(connection, session, 2_900, moment)
    if status != "pending":
        sure = confidence - chance.random() * 0.1 if status == "ready" else 0.41
        await add_report(
            connection, session, status=status, symptom=symptom, confidence=sure, basis=basis, now=moment
        )


async def _add_chunk(connection: Connection, session: str, size_bytes: int, now: datetime) -> None:
    """The one recording there is, as this session's."""
    first_ms = recording_start_ms()
    await connection.execute(
        tables.chunks.insert().values(
            project_id=PROJECT, session_id=session, tab_id="", seq=0, object_key="session-events/pay.json", sha256="",
            size_bytes=size_bytes, inflated_bytes=len(_recording()), event_count=105, first_ms=first_ms,
            last_ms=first_ms + 15_134, created_at=now,
        )
    )  # fmt: skip


async def add_session(
    connection: Connection,
    session: str,
    *,
    route: str,
    started_at: datetime,
    duration_ms: int = 30_000,
    status: str = "ready",
    stage: str = "",
    markers: int = 0,
    project_id: str = PROJECT,
    chance: random.Random | None = None,
) -> None:
    """A session's row."""
    dice = chance or random.Random(1)
    browser, os, device = dice.choice(BROWSERS)
    visitor = f"v-{dice.randrange(16**10):010x}"
    await connection.execute(
        tables.sessions.insert().values(
            project_id=project_id, id=session, site=SHOP, route=route, started_at=started_at, duration_ms=duration_ms,
            events_object_key="", created_at=started_at, updated_at=started_at, visitor_id=visitor,
            user_id=dice.choice(["", "", "customer-20418"]), browser=browser, os=os, device=device, release="2026.11.2",
            marker_count=markers, event_count=105, size_bytes=2_900, report_status=status,
            stage=stage or ("analysis" if status == "pending" else "done"), not_before=started_at,
        )
    )  # fmt: skip


async def add_report(
    connection: Connection,
    session: str,
    *,
    status: str,
    symptom: str,
    confidence: float,
    basis: str,
    now: datetime,
) -> None:
    """A plain report card."""
    await connection.execute(
        tables.reports.insert().values(
            project_id=PROJECT, session_id=session, id=f"rep-{session}", status=status, symptom=symptom,
            technical_root_cause="", suggested_fix="", text_summary="", visual_summary="", confidence=confidence,
            basis=basis if status == "ready" else "", card={}, generated_at=now, created_at=now, updated_at=now,
            reason="" if status == "ready" else "The page recovered before the person tried again.",
        )
    )  # fmt: skip


async def _add_quiet_sessions(connection: Connection, chance: random.Random, now: datetime) -> None:
    routes = ["/", "/product/monstera", "/basket", "/search", "/about", "/account/orders"]
    for i in range(30):
        started_at = now - timedelta(minutes=2 + i * 11)
        status, stage = ("pending", "recording") if i == 0 else ("discarded", "done")
        await add_session(
            connection, f"s-quiet-{i}", route=chance.choice(routes), started_at=started_at, stage=stage,
            duration_ms=chance.randrange(8_000, 600_000), status=status, chance=chance,
        )  # fmt: skip


async def _complete_pay_session(connection: Connection, size_bytes: int, now: datetime) -> None:
    mine = {"project_id": PROJECT, "session_id": PAY_SESSION}
    await _add_chunk(connection, PAY_SESSION, size_bytes, now)
    update = tables.sessions.update().where(tables.sessions.c.id == PAY_SESSION)
    await connection.execute(
        update.values(duration_ms=15_134, marker_count=3, visitor_id="v-4ac1e09b77", user_id="customer-20418")
    )
    update = tables.markers.update().where(tables.markers.c.session_id == PAY_SESSION)
    await connection.execute(
        update.values(
            evidence={"method": "POST", "url": "/api/orders/8841/pay", "status": 500, "durationMs": 902}
        )
    )
    for name, kind, label, t_ms, state in (
        ("m-pay-2", MarkerKind.API_ERROR, "POST /api/orders/:id/pay → 500", 10_640, "confirmed"),
        ("m-pay-3", MarkerKind.UI_NO_EFFECT, "rage click beside the form", 13_256, "symptom"),
    ):
        await connection.execute(
            tables.markers.insert().values(
                **mine, id=name, kind=kind, label=label, cluster_key=PAY_KEY, replay_offset_ms=t_ms, observed_at=now,
                state=state, source="sdk" if kind == MarkerKind.API_ERROR else "analysis",
            )
        )  # fmt: skip
    await write_pay_card(connection, PAY_SESSION, PAY_MARKER_MS)
    await connection.execute(
        tables.artifacts.insert().values(
            **mine, id="art-analysis", artifact_type="analysis_json", artifact_key="artifacts/pay/analysis.json",
            trigger_kind="api_error", status="ready", content_type="application/json", size_bytes=1_840, generated_at=now,
            created_at=now, updated_at=now,
        )
    )  # fmt: skip
    await connection.execute(
        tables.artifacts.insert().values(
            **mine, id="art-video", artifact_type="replay_video", artifact_key="", trigger_kind="api_error",
            status="skipped", reason="Rendering is off.", content_type="video/webm", size_bytes=0, generated_at=now,
            created_at=now, updated_at=now,
        )
    )  # fmt: skip
