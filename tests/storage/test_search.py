"""Sessions are found by what happened in them: on SQLite, on PostgreSQL, and just as decided without either."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Control, MarkerKind, Signal
from retrospec.domain.report import ReportCard, ReportStatus
from retrospec.domain.search import Document, does_match
from retrospec.domain.session import Session, Stage
from retrospec.domain.trace import Effect, Segment, Trace, TraceRow
from retrospec.search.documents import document_of
from retrospec.search.parse import parse
from retrospec.storage import arrivals, erasure, expiry, search, sessions
from retrospec.storage.arrivals import Arrival
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate
from retrospec.storage.search import Page
from retrospec.storage.search_text import found_query, newest_of
from retrospec.storage.tables import sessions as session_rows
from tests.servers.choice import on_sqlite_only, rows_url

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def session(name: str, minutes_ago: int, **more: Any) -> Session:
    at = NOW - timedelta(minutes=minutes_ago)
    plain = {
        "id": name, "project_id": "shop", "site": "shop.example", "route": "/", "started_at": at, "duration_ms": 20_000, "events_object_key": "k",
        "created_at": at, "updated_at": at, "stage": Stage.DONE, "browser": "Chrome 130", "os": "Windows", "report_status": "discarded",
    }  # fmt: skip
    return Session(**(plain | more))


def clicked(name: str, *effects: tuple[str, str]) -> TraceRow:
    target = Control(tag="button", name=name)
    return TraceRow(ref="a1", t_ms=1, action="click", target=target, effects=[Effect(kind=kind, detail=detail) for kind, detail in effects])


def finding(signal: Signal, label: str) -> Finding:
    return Finding(id="f", signal=signal, kind=MarkerKind.UI_NO_EFFECT, t_ms=1, standing=Standing.CONFIRMED, confidence=0.9, label=label)


ADA = session("ada", 5, route="/checkout", user_id="ada@fern.example", release="1.4.2", tags={"plan": "pro", "country": "NL"}, duration_ms=95_000, report_status="ready")
BO = session("bo", 65, route="/search", visitor_id="v-bo-77", release="2.1.4", browser="Firefox 131", tags={"plan": "free", "team": "pro"}, environment="staging")
CY = session("cy", 3_000, route="/checkout/done", user_id="cy", release="1.4", browser="Safari 18", os="iOS", duration_ms=600)
DEE = session("dee", 5, project_id="other", route="/checkout", user_id="ada@fern.example")

TOLD = {
    "ada": ([clicked("Pay now", ("error_text", "Sorry, out of stock"))], [finding(Signal.DEAD_CLICK, "Nothing follows a click on Pay now")], "The Pay button does nothing"),
    "bo": ([clicked("Pay"), clicked("now, later"), clicked("Überweisung senden", ("text_change", "お支払いが完了しました"))], [], ""),
    "cy": ([clicked("Pay now", ("text_change", "Thank you"))], [], ""),
    "dee": ([clicked("Pay now")], [], ""),
}  # fmt: skip
ALL = [ADA, BO, CY, DEE]


def document(one: Session) -> Document:
    rows, findings, symptom = TOLD[one.id]
    trace = Trace(started_at_ms=to_epoch_ms(one.started_at), segments=[Segment(index=0, url=f"https://shop.example{one.route}?q=1", start_ms=0, end_ms=9, seen="exact")], rows=rows)
    return document_of(one, [], findings, trace, symptom)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = rows_url(tmp_path)
    migrate(url)
    opened = Database.open(url)
    async with opened.write() as connection:
        for one in ALL:
            await land(connection, one)
            claim = await sessions.claim(connection, one.project_id, one.id, owner="w", now=NOW, lease_s=60)
            assert claim is not None
            await sessions.move_on(connection, claim, stage=Stage.DONE, report_status=one.report_status, now=NOW)
            await search.save(connection, document(one))
    yield opened
    await opened.close()


def report(name: str, status: ReportStatus) -> ReportCard:
    return ReportCard(id="r", project_id="shop", session_id=name, status=status, generated_at=NOW, created_at=NOW, updated_at=NOW)


async def land(connection: Any, one: Session) -> None:
    named = ("project_id", "site", "route", "started_at", "duration_ms", "events_object_key", "visitor_id", "user_id", "release", "environment", "browser", "os", "tags")
    arrival = Arrival(session_id=one.id, markers=[], **{name: getattr(one, name) for name in named})
    await arrivals.land(connection, arrival, now=one.created_at, max_markers=10)


QUESTIONS = {
    "pay": ["ada", "bo", "cy"],
    "PAY now": ["ada", "bo", "cy"],
    '"pay now"': ["ada", "cy"],
    'clicked:"Pay now"': ["ada", "cy"],
    "clicked:now": ["ada", "bo", "cy"],
    'clicked:"pay later"': [],
    'saw:"out of stock"': ["ada"],
    "saw:stock clicked:pay": ["ada"],
    'saw:"pay"': [],
    "saw:支払い": ["bo"],
    "uberweisung": ["bo"],
    "clicked:überw": ["bo"],
    "error:follows": ["ada"],
    "story:button": ["ada"],
    "route:/checkout": ["ada", "cy"],
    "route:/checkout/done": ["cy"],
    "route:check": ["ada", "cy"],
    "site:shop.example": ["ada", "bo", "cy"],
    "release:1.4": ["ada", "cy"],
    "release:1.4.2": ["ada"],
    "release:1": ["ada", "cy"],
    "person:ada": ["ada"],
    "person:ada@fern.example": ["ada"],
    "user:v-bo-77": ["bo"],
    "tag.plan:pro": ["ada"],
    "tag:pro": ["ada", "bo"],
    "tag.plan:": ["ada", "bo"],
    "country:NL": ["ada"],
    "browser:firefox,safari": ["bo", "cy"],
    "-browser:firefox": ["ada", "cy"],
    "-browser:firefox -os:ios": ["ada"],
    "env:staging": ["bo"],
    "kind:dead_click": ["ada"],
    "kind:dead": ["ada"],
    "has:failures": ["ada"],
    "has:none": ["bo", "cy"],
    "status:ready": ["ada"],
    "status:ready pay": ["ada"],
    "status:ready,discarded": ["ada", "bo", "cy"],
    "duration:>60": ["ada"],
    "duration:<1": ["cy"],
    "duration:15..30": ["bo"],
    "duration:20": ["ada", "bo"],
    "since:10m": ["ada"],
    "since:2h pay": ["ada", "bo"],
    "until:2026-11-22": ["cy"],
    "": ["ada", "bo", "cy"],
    "nowhere": [],
    'AND OR NOT "': [],
    "ready": [],
    "mfailed": [],
    '" ( * : ^ - pay': ["ada", "bo", "cy"],
}  # fmt: skip


async def found(database: Database, text: str, *, after: str = "", limit: int = 40) -> tuple[list[str], str]:
    query = parse(text, now=NOW)
    async with database.read() as connection:
        page = await search.search_sessions(connection, "shop", query, Page(after, limit), document_of)
    return [row.id for row in page.rows], page.next


async def test_every_sort_of_question(database: Database) -> None:
    answers = {text: (await found(database, text))[0] for text in QUESTIONS}
    assert answers == QUESTIONS


@on_sqlite_only
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_looking_through_the_newest_first_finds_what_the_whole_index_would(database: Database, limit: int) -> None:
    for text in QUESTIONS:
        query = parse(text, now=NOW)
        async with database.read() as connection:
            whole = await connection.execute(found_query("shop", query, after=None, limit=limit, dialect="sqlite"))
            assert list((await newest_of(connection, "shop", query, after=None, limit=limit)).values()) == [row.session_id for row in whole], text


@on_sqlite_only
@pytest.mark.parametrize(("text", "is_enough"), [("checkout", True), ("route:/checkout person:cysomeone", False), ("chimney", False)])
async def test_a_beginning_is_put_together_from_all_words_only_where_the_newest_do_not_do(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, *, is_enough: bool
) -> None:
    whole: list[Any] = []
    monkeypatch.setattr("retrospec.storage.search_text.found_query", lambda *given, **named: whole.append(given) or found_query(*given, **named))
    async with database.read() as connection:
        await newest_of(connection, "shop", parse(text, now=NOW), after=None, limit=2)
    assert len(whole) == (0 if is_enough else 1)


def test_the_same_is_decided_without_a_database() -> None:
    mine = [one for one in ALL if one.project_id == "shop"]
    for text, names in QUESTIONS.items():
        query = parse(text, now=NOW)
        assert [one.id for one in mine if does_match(query, document(one), one.duration_ms, one.report_status)] == names, text


@pytest.mark.parametrize("text", ["pay", "", "status:discarded,ready", "-saw:nothing"])
async def test_pages_follow_one_another(database: Database, text: str) -> None:
    seen, after = [], ""
    for _ in range(5):
        names, after = await found(database, text, after=after, limit=1)
        seen += names
        if not after:
            break
    assert seen == ["ada", "bo", "cy"]


async def test_a_session_that_waits_for_its_verdict_is_found_by_what_is_known(database: Database) -> None:
    fresh = session("fresh", 1, route="/checkout", user_id="eve", report_status="pending")
    async with database.write() as connection:
        await land(connection, fresh)
    assert (await found(database, "route:/checkout"))[0] == ["fresh", "ada", "cy"]
    assert (await found(database, "person:eve"))[0] == ["fresh"]
    assert (await found(database, "status:pending route:check"))[0] == ["fresh"]
    first, after = await found(database, "route:/checkout", limit=1)
    assert (first, await found(database, "route:/checkout", after=after)) == (["fresh"], (["ada", "cy"], ""))


async def test_what_more_comes_of_a_session_that_waits_is_found_too(database: Database) -> None:
    fresh = session("growing", 1, route="/checkout", report_status="pending")
    async with database.write() as connection:
        await land(connection, fresh)
    assert (await found(database, "person:zoe"))[0] == []
    async with database.write() as connection:
        changed = {"user_id": "zoe", "revision": fresh.revision + 1, "updated_at": NOW}
        await connection.execute(update(session_rows).where(session_rows.c.project_id == "shop", session_rows.c.id == "growing").values(**changed))
    assert (await found(database, "person:zoe"))[0] == ["growing"]


async def test_a_session_judged_anew_is_found_by_what_it_is_now(database: Database) -> None:
    async with database.write() as connection:
        await search.note(connection, report("ada", ReportStatus.DISCARDED), None)
        await search.save(connection, document_of(BO, [], [], None, "Quite another story"))
    assert (await found(database, "status:ready pay"))[0] == []
    assert (await found(database, "story:another"))[0] == ["bo"]
    assert (await found(database, "überweisung"))[0] == []
    assert (await found(database, "pay"))[0] == ["ada", "cy"]


async def test_what_is_deleted_is_found_no_more(database: Database) -> None:
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [("shop", "ada")], now=NOW)
    assert (await found(database, "pay"))[0] == ["bo", "cy"]
    async with database.read() as connection:
        assert await search.documents_of(connection, "shop", ["ada", "bo"]) == {"bo": document(BO)}


async def test_sessions_that_would_have_the_same_number_are_both_kept(database: Database) -> None:
    one, two = (msgspec.structs.replace(document(session), id=77) for session in (ADA, BO))

    async def save(connection: Connection) -> None:
        for each in (one, two, two, one):
            await search.save(connection, each)

    await database.write_soon(save)
    kept = await database.read_once(lambda connection: search.documents_of(connection, "shop", ["ada", "bo"]))
    assert {name: each.id for name, each in kept.items()} == {"ada": 77, "bo": 78}
    assert (await found(database, "saw:stock"))[0] == ["ada"]


@on_sqlite_only
async def test_words_of_the_erased_are_gone_from_the_index_itself(database: Database) -> None:
    async def index(connection: Any) -> bytes:
        return b"".join(row[0] for row in await connection.exec_driver_sql("SELECT block FROM session_found_data"))

    assert b"uberweisung" in await database.read_once(index)
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [("shop", "bo")], now=NOW)
        await erasure.rewrite_index(connection)
    assert b"uberweisung" not in await database.read_once(index)
