"""A visit of three pages in four pieces, with requests, console lines, vitals and what could not be captured."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from retrospec.capture.compress import compress
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage import tables
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from tests.web.seeding import PROJECT, add_session

LONG, LONGER = "s-three-pages", "s-three-pages-later"
PERSON = "customer-77"
Event = dict[str, Any]


def page_of(at: int, path: str, heading: str) -> list[Event]:
    """A page load: where, and its first whole picture."""
    text = {"type": 3, "id": 6, "textContent": heading}
    body = {"type": 2, "id": 5, "tagName": "body", "attributes": {}, "childNodes": [{"type": 2, "id": 7, "tagName": "h1", "attributes": {}, "childNodes": [text]}]}
    root = {"type": 2, "id": 2, "tagName": "html", "attributes": {}, "childNodes": [{"type": 2, "id": 3, "tagName": "head", "attributes": {}, "childNodes": []}, body]}
    node = {"type": 0, "id": 1, "childNodes": [root]}
    where = {"href": f"https://shop.example{path}", "width": 1000, "height": 600}
    return [
        {"type": 4, "timestamp": at, "data": where},
        {"type": 2, "timestamp": at + 5, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}},
    ]


def note(at: int, tag: str, **payload: Any) -> Event:
    """A custom event of the SDK."""
    return {"type": 5, "timestamp": at, "data": {"tag": f"retrospec.{tag}", "payload": payload}}


def logged(at: int, level: str, text: str) -> Event:
    """A line of rrweb's console plugin."""
    return {"type": 6, "timestamp": at, "data": {"plugin": "rrweb/console@1", "payload": {"level": level, "payload": [f'"{text}"'], "trace": []}}}


def added(at: int, node_id: int, words: str) -> Event:
    """A paragraph that appears."""
    node = {"type": 2, "id": node_id, "tagName": "p", "attributes": {"class": "toast"}, "childNodes": []}
    text = {"type": 3, "id": node_id + 1, "textContent": words}
    adds = [{"parentId": 5, "nextId": None, "node": node}, {"parentId": node_id, "nextId": None, "node": text}]
    return {"type": 3, "timestamp": at, "data": {"source": 0, "adds": adds, "removes": [], "texts": [], "attributes": []}}


def click(at: int, node_id: int = 7) -> Event:
    """A click."""
    return {"type": 3, "timestamp": at, "data": {"source": 2, "type": 2, "id": node_id, "x": 40, "y": 30}}


def pieces(start: int) -> list[list[Event]]:
    """The chunks of the visit, 80 s long."""
    shop = "https://shop.example"
    return [
        [
            *page_of(start, "/basket", "Your basket"),
            note(start + 400, "coverage", unreadableStylesheets=1, foreignFrames=0, canvases=2),
            note(start + 900, "request", method="GET", url=f"{shop}/api/basket", status=200, durationMs=300, failure=""),
            click(start + 2_000),
            added(start + 2_100, 20, "One voucher was added"),
            logged(start + 2_200, "warn", "voucher is nearly used up"),
        ],
        [
            note(start + 3_000, "request", method="POST", url=f"{shop}/api/voucher", status=500, durationMs=800, failure=""),
            logged(start + 3_100, "error", "voucher: unexpected answer"),
            click(start + 20_000),
            note(start + 29_000, "vitals", lcpMs=1_800, inpMs=620, cls=0.02),
        ],
        [*page_of(start + 30_000, "/delivery", "Delivery"), click(start + 31_000), added(start + 31_200, 30, "Tomorrow")],
        [*page_of(start + 60_000, "/payment", "Payment"), click(start + 61_000), added(start + 79_000, 40, "Thank you")],
    ]


async def add_visit(connection: Connection, blobs: Blobs, name: str, started_at: datetime, *, stage: str = "done", most: int = 99) -> None:
    """The session and the first ``most`` of its chunks."""
    await add_session(connection, name, route="/basket", started_at=started_at, duration_ms=79_000, stage=stage)
    mine = tables.sessions.c.id == name
    await connection.execute(tables.sessions.update().where(mine).values(user_id=PERSON, visitor_id=""))
    for number in range(min(most, 4)):
        await add_piece(connection, blobs, name, started_at, number)


async def add_piece(connection: Connection, blobs: Blobs, name: str, started_at: datetime, number: int) -> None:
    """One chunk more."""
    events = pieces(to_epoch_ms(started_at))[number]
    stored, key = compress(msgspec.json.encode(events)), f"session-events/{name}-{number}.json"
    await blobs.put(f"{key}.zst", stored)
    pictures = [event["timestamp"] for event in events if event["type"] == 2]
    await connection.execute(
        tables.chunks.insert().values(
            project_id=PROJECT, session_id=name, tab_id="t1", seq=number, object_key=key, sha256="", size_bytes=len(stored),
            inflated_bytes=len(stored) * 4, event_count=len(events), first_ms=events[0]["timestamp"],
            last_ms=events[-1]["timestamp"], snapshot_ms=pictures[0] if pictures else 0, created_at=started_at,
        )
    )  # fmt: skip


def change(folder: Path, work: Any) -> None:
    """Run ``work(connection, blobs)`` on a server's data from outside, in one transaction."""

    async def run() -> None:
        settings = Settings(storage=StorageSettings(dir=str(folder)))
        database = Database.open(settings.database_url)
        async with database.write() as connection:
            await work(connection, Blobs.open(settings.blobs_url))
        await database.close()

    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        thread.submit(asyncio.run, run()).result()


def long_start() -> datetime:
    """When the first of the two visits began: whole ms."""
    return from_epoch_ms(to_epoch_ms(utc_now() - timedelta(hours=2)))
