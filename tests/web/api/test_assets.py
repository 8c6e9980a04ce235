"""The vault's two calls over a real server: what they take, refuse, and keep apart."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.retention.expiry import ORPHAN_AGE, clean_up, sweep_orphans
from retrospec.storage import assets
from retrospec.storage.assets import asset_key
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from tests.conftest import Client, make_key, serving, settings_for
from tests.vault.looks import GREEN, RED, block_font, digest, png

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'


def keep(client: Client, content: bytes, kind: str = "image/png", sha256: str = "") -> httpx.Response:
    named = {"sha256": sha256 or digest(content), "type": kind}
    return client.http.post("/v2/assets", params=named, content=content)


def known(client: Client, session_id: str, *entries: dict[str, Any]) -> httpx.Response:
    return client.http.post("/v2/assets/known", json={"sessionId": session_id, "assets": list(entries)})


def entry(content: bytes, url: str = "https://shop.example/a.png", kind: str = "image/png", **changes: Any) -> dict[str, Any]:
    return {"url": url, "sha256": digest(content), "type": kind, "bytes": len(content)} | changes


def mapped(settings: Settings, session_id: str) -> dict[str, str]:
    async def read() -> dict[str, str]:
        database = Database.open(settings.database_url)
        async with database.read() as connection:
            found = await assets.of_session(connection, DEFAULT_PROJECT_ID, session_id)
        await database.close()
        return {each.url: each.sha256 for each in found}

    return asyncio.run(read())


def test_a_content_is_asked_for_once_and_kept_once(client: Client, settings: Settings) -> None:
    picture = png(RED)
    assert known(client, "s1", entry(picture)).json() == {"missing": [digest(picture)]}
    first, second = keep(client, picture), keep(client, picture)
    assert (first.status_code, second.status_code) == (201, 200)
    assert known(client, "s2", entry(picture)).json() == {"missing": []}
    assert mapped(settings, "s1") == mapped(settings, "s2") == {"https://shop.example/a.png": digest(picture)}


def test_it_may_be_sent_as_plain_text_from_any_site_without_a_preflight(client: Client, server: Any) -> None:
    key = client.http.headers["X-Retrospec-Key"]
    body = '{"sessionId": "s3", "assets": []}'
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"}
    sent = httpx.post(f"{server.url}/v2/assets/known?key={key}", content=body, headers=headers)
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (200, "*")
    picture = png((1, 2, 3))
    sent = httpx.post(f"{server.url}/v2/assets?key={key}&sha256={digest(picture)}&type=image/png", content=picture, headers=headers)
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (201, "*")


def test_addresses_are_kept_redacted_and_without_fragment(client: Client, settings: Settings) -> None:
    picture = png((9, 9, 9))
    keep(client, picture)
    known(client, "s4", entry(picture, "https://shop.example/me.png?token=Zk3mq0Tn8xW2LcV5#top"))
    assert list(mapped(settings, "s4")) == ["https://shop.example/me.png?token=[secret]"]


def test_the_first_content_of_an_address_stays_and_a_session_has_five_hundred_at_most(client: Client, settings: Settings) -> None:
    old, new = png((5, 0, 0)), png((0, 5, 0))
    for content in (old, new):
        keep(client, content)
        known(client, "s5", entry(content))
    assert mapped(settings, "s5") == {"https://shop.example/a.png": digest(old)}
    for start in range(0, 600, 200):
        sent = known(client, "s5", *[entry(old, f"https://shop.example/{n}.png") for n in range(start, start + 200)])
        assert sent.status_code == 200
    assert len(mapped(settings, "s5")) == 500


@pytest.mark.parametrize(
    ("content", "kind", "sha256", "status", "says"),
    [
        (png(GREEN), "image/png", "0" * 64, 400, "does not match"),
        (png(GREEN), "image/png", "../../etc", 400, "does not match"),
        (b"<html>", "text/html", "", 400, "only pictures, fonts and stylesheets"),
        (b"alert(1)", "text/javascript", "", 400, "only pictures"),
        (b"<script>alert(1)</script>", "image/png", "", 400, "not image/png"),
        (b"<html><svg></svg>", "image/svg+xml", "", 400, "not image/svg"),
        (b"<!doctype html>", "text/css", "", 400, "not text/css"),
        (b"\0\0 body{}", "text/css", "", 400, "not text/css"),
        (b"x" * 1_000_001, "text/css", "", 413, "at most 1,000,000"),
        (b"", "image/png", "", 400, "not image/png"),
    ],
)
def test_what_is_not_kept_is_refused_in_a_sentence(
    client: Client, content: bytes, kind: str, sha256: str, status: int, says: str
) -> None:
    answer = keep(client, content, kind, sha256)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "kind", "kept_as"),
    [
        (SVG, "image/svg+xml", "image/svg+xml"),
        (block_font(), "application/octet-stream", "font/ttf"),
        (png((7, 7, 7)), "image/jpeg", "image/png"),
        (b"wOF2....", "application/font-woff2", "font/woff2"),
        (b"body { color: red }", "text/css; charset=utf-8", "text/css"),
    ],
)
def test_what_is_kept_is_served_as_what_its_bytes_are(client: Client, settings: Settings, content: bytes, kind: str, kept_as: str) -> None:
    assert keep(client, content, kind).status_code == 201
    known(client, "s6", entry(content, f"https://shop.example/{digest(content)[:6]}", kind))

    async def read() -> str:
        database = Database.open(settings.database_url)
        async with database.read() as connection:
            found = await assets.find(connection, DEFAULT_PROJECT_ID, digest(content))
        await database.close()
        assert found is not None
        return found.content_type

    assert asyncio.run(read()) == kept_as


def test_what_would_not_be_kept_is_not_asked_for(client: Client) -> None:
    picture = png((3, 1, 4))
    odd = [
        entry(picture, kind="text/html"),
        entry(picture, bytes=1_000_001),
        entry(picture, url="data:image/png;base64,AA"),
        entry(picture, url="https://shop.example/" + "x" * 3_000),
        entry(picture, url='https://shop.example/"'),
        entry(picture, url="/relative.png"),
    ]
    assert known(client, "s7", *odd).json() == {"missing": []}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"sessionId": "s8", "assets": [{"url": "https://a/b", "sha256": "A" * 64}]}, "64 small hexadecimal digits"),
        ({"sessionId": "no spaces", "assets": []}, "sessionId"),
        ({"sessionId": "s8", "assets": [{"url": "https://a/b", "sha256": "a" * 64}] * 201}, "at most 200"),
        ({"assets": []}, "sessionId"),
    ],
)
def test_a_malformed_list_is_refused(client: Client, body: dict[str, Any], says: str) -> None:
    answer = client.http.post("/v2/assets/known", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_another_project_learns_and_gets_nothing(client: Client, server: Any, settings: Settings) -> None:
    picture = png((11, 12, 13))
    keep(client, picture)
    known(client, "shared-name", entry(picture))
    other = Client(server, make_key(settings, project_id="proj_other"))
    assert known(other, "shared-name", entry(picture)).json() == {"missing": [digest(picture)]}
    assert keep(other, picture).status_code == 201, "it is kept a second time, for that project alone"
    other.http.close()


def test_a_key_without_ingest_may_not_send(client: Client, server: Any, settings: Settings) -> None:
    reader = Client(server, make_key(settings, scopes=frozenset({"read"})))
    assert keep(reader, png(RED)).status_code == known(reader, "s9").status_code == 403
    reader.http.close()


def test_a_full_vault_asks_for_nothing_and_says_why_it_refuses(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.storage.assets_mb = 1
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        large = b"/*" + b"x" * 900_000 + b"*/"
        assert keep(client, large, "text/css").status_code == 201
        more = large + b"/*more*/"
        assert known(client, "s1", entry(more, kind="text/css")).json() == {"missing": []}
        refused = keep(client, more, "text/css")
        assert (refused.status_code, "vault is full" in refused.json()["error"]) == (413, True)
        client.http.close()


def test_a_vault_that_is_off_asks_for_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.storage.assets_mb = 0
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        assert known(client, "s1", entry(png(RED))).json() == {"missing": []}
        assert keep(client, png(RED)).status_code == 413
        client.http.close()


def test_contents_go_when_no_kept_session_refers_to_them(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    used, unused, stray = png((1, 1, 1)), png((2, 2, 2)), png((3, 3, 3))
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name in ("pinned", "plain"):
            client.send(name)
        for name, content in (("pinned", used), ("plain", unused), ("never-came", stray)):
            known(client, name, entry(content))
            keep(client, content)
        client.http.close()
    assert asyncio.run(left_after(settings, timedelta(hours=1), pin="pinned")) == {used, unused, stray}
    assert asyncio.run(left_after(settings, timedelta(days=8))) == {used}
    assert mapped(settings, "plain") == mapped(settings, "never-came") == {}
    assert asyncio.run(left_after(settings, timedelta(days=30), pin="")) == set()


async def left_after(settings: Settings, age: timedelta, pin: str | None = None) -> set[bytes]:
    """Contents of the vault after a clean-up in ``age`` from now; rows and blobs agree."""
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    if pin is not None:
        async with database.write() as connection:
            await connection.exec_driver_sql(f"UPDATE sessions SET pinned = (id = '{pin}')")
    await clean_up(database, blobs, days=7, now=utc_now() + age)
    found = {await blobs.get(blob.key) async for blob in blobs.list("assets")}
    async with database.read() as connection:
        for content in found:
            assert await assets.find(connection, DEFAULT_PROJECT_ID, hashlib.sha256(content).hexdigest())
    await database.close()
    return found


async def test_a_content_whose_row_was_never_written_is_swept(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings):
        database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
        await blobs.put(asset_key(DEFAULT_PROJECT_ID, "a" * 64), b"cut short")
        assert await sweep_orphans(database, blobs, now=utc_now()) == 0
        assert await sweep_orphans(database, blobs, now=utc_now() + ORPHAN_AGE + timedelta(minutes=1)) == 1
        await database.close()
