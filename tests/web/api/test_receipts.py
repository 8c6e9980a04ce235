"""Receipts over a real server: in the chunk's answer, with the session, and after it expired."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retrospec.accounts.links import create_user
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings import Settings
from retrospec.retention.expiry import clean_up
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from tests.conftest import Client, make_key, marker, open_http, serving, settings_for
from tests.web.serving import EMAIL, PASSWORD


def events(first_ms: int, *kinds: int) -> list[dict[str, Any]]:
    return [{"type": kind, "timestamp": first_ms + 100 * at, "data": {}} for at, kind in enumerate(kinds)]


def send(client: Client, session_id: str, seq: int, start_s: float, kinds: tuple[int, ...], /, *markers_s: float, **more: Any) -> Any:
    first_ms = to_epoch_ms(utc_now()) - 60_000
    body = {
        "v": 2, "sessionId": session_id, "tabId": "t1", "seq": seq, "segment": 0, "site": "shop", "route": "/", "url": "https://shop.example/",
        "startedAt": first_ms, "sentAt": first_ms + 60_000, "events": events(first_ms + round(start_s * 1_000), *kinds), "client": {},
        "markers": [
            {"id": f"m{at}", "at": first_ms + round(at * 1_000), "kind": "js_exception", "label": "TypeError: x"} for at in markers_s
        ],
    }  # fmt: skip
    answer = client.http.post("/v2/chunks", content=json.dumps(body | more))
    assert answer.status_code == 202, answer.text
    return answer.json()["markers"]


def said(receipts: Any) -> list[tuple[str, str, str]]:
    return [(each["state"], each["receipt"], each["reason"]) for each in receipts]


def test_the_answer_says_whether_a_marker_has_its_replay(client: Client) -> None:
    first = send(client, "r1", 0, 0, (4, 2, 3, 3), 0.2)
    assert said(first) == [("stored", "with_replay", "")]
    lone = send(client, "r2", 0, 0, (), 1)
    assert said(lone) == [("stored", "without_replay", "no whole picture of a page arrived")]
    again = send(client, "r2", 0, 0, (), 1)
    assert said(again) == said(lone), "a repeated chunk is answered alike"
    stepped = send(client, "r3", 0, 0, (3, 3), 0.1, dropped=[{"reason": "governor", "count": 4}])
    assert said(stepped) == [("stored", "without_replay", "the recorder stepped down to markers only to spare the page")]


def test_a_recorder_that_stepped_down_is_believed_by_its_own_note(client: Client) -> None:
    first_ms = to_epoch_ms(utc_now()) - 60_000
    note = {"type": 5, "timestamp": first_ms + 100, "data": {"tag": "retrospec.governor", "payload": {"level": "markers only", "share": 0.2}}}
    milder = {"type": 5, "timestamp": first_ms, "data": {"tag": "retrospec.governor", "payload": {"level": "coarse", "share": 0.1}}}
    compact = json.dumps([milder, note], separators=(",", ":"))
    body = (
        f'{{"v":2,"sessionId":"r9","tabId":"t1","seq":0,"segment":0,"site":"shop","route":"/","url":"https://shop.example/","startedAt":{first_ms},'
        f'"sentAt":{first_ms + 60_000},"client":{{}},"markers":[{{"id":"m1","at":{first_ms + 9_000},"kind":"js_exception","label":"x"}}],"events":{compact}}}'
    )
    answer = client.http.post("/v2/chunks", content=body)
    reason = "the recorder stepped down to markers only to spare the page"
    assert said(answer.json()["markers"]) == [("stored", "without_replay", reason)]
    assert client.session("r9")["losses"] == [reason]


def test_a_marker_past_the_limit_is_lost_and_counted(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.limits.max_markers = 2
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        send(client, "full", 0, 0, (4, 2, 3), 0.1, 0.2)
        assert [state for state, *_ in said(send(client, "full", 1, 1, (3,), 1))] == ["lost"]
        assert client.session("full")["losses"] == ["1 lost: markers past the session's limit (limits.max_markers)"]
        client.http.close()


def test_a_session_names_its_receipts_and_losses(client: Client) -> None:
    send(client, "r4", 0, 0, (4, 2, 3), 0.1)
    send(client, "r4", 2, 20, (3, 3), 10, dropped=[{"reason": "event_too_large", "count": 3}])
    session = client.session("r4")
    assert (session["receipt"], session["receiptReason"]) == ("with_replay", "")
    assert [each["receipt"] for each in session["markers"]] == ["with_replay", "without_replay"]
    assert session["markers"][1]["receiptReason"] == "chunk 1 never arrived"
    assert session["losses"] == ["chunk 1 of a tab never arrived", "3 lost: an event was too large to be sent"]
    send(client, "r4", 1, 1, (3, 3))
    late = client.session("r4")
    assert [each["receipt"] for each in late["markers"]] == ["with_replay", "with_replay"], "what was spooled arrived after all"


def test_a_marker_the_browser_could_not_hand_over_is_lost_and_says_why(client: Client) -> None:
    lost = [{"reason": "backlog", "count": 41, "markers": ["m-gone", "not an id!"]}]
    send(client, "r7", 0, 0, (4, 2, 3), 0.1, dropped=lost, client={"overheadMs": 31.4})
    send(client, "r7", 1, 5, (3,), dropped=[{"reason": "refused_413", "count": 1, "markers": ["m-late"]}], client={"overheadMs": 12})
    session = client.session("r7")
    assert {each["id"]: (each["receipt"], each["receiptReason"]) for each in session["lostMarkers"]} == {
        "m-gone": ("lost", "too much waited to be sent"),
        "m-late": ("lost", "the server refused it (status 413)"),
    }
    assert session["overheadMs"] == 31


def test_a_v1_session_is_vouched_for_by_its_upload(client: Client) -> None:
    uploaded = client.upload("r5", [{"type": 2, "timestamp": 1_700_000_000_000, "data": {}}, {"type": 3, "timestamp": 1_700_000_009_000, "data": {}}])
    client.ingest("r5", marker(), key=uploaded.json()["eventsObjectKey"])
    client.ingest("r6", marker())
    assert client.session("r5")["markers"][0]["receipt"] == "with_replay"
    assert client.session("r6")["markers"][0]["receiptReason"] == "no recording arrived"


@pytest.fixture
def signed_in_after_expiry(tmp_path: Path) -> Any:
    """A dashboard whose issue outlived its sessions, and who may see it."""
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name in ("old-1", "old-2"):
            client.send(name, marker())
            client.judged(name)
        asyncio.run(expire(settings))
        people = open_http(base_url=server.url, follow_redirects=True, timeout=20)
        form = people.get("/sign-in").text.split('name="form_token" value="', 1)[1].split('"', 1)[0]
        people.post("/sign-in", data={"form_token": form, "email": EMAIL, "password": PASSWORD})
        yield client, people
        people.close()
        client.http.close()


async def expire(settings: Settings) -> None:
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    await create_user(database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=utc_now())
    await clean_up(database, blobs, days=7, now=utc_now() + timedelta(days=8))
    await database.close()


def test_an_expired_session_says_when_it_went_wherever_an_issue_names_it(signed_in_after_expiry: Any) -> None:
    client, people = signed_in_after_expiry
    went = utc_now() + timedelta(days=8)
    day = f"expired on {went.day} {went:%B %Y}"
    (issue,) = client.http.get("/v1/issues").json()["issues"]
    best = issue["representativeSessionId"]
    missing = client.http.get(f"/v1/sessions/{best}")
    assert (missing.status_code, day in missing.json()["error"]) == (404, True)
    page = people.get(f"/p/{DEFAULT_PROJECT_ID}/sessions/{best}")
    assert (page.status_code, day in page.text) == (410, True)
    shown = people.get(f"/p/{DEFAULT_PROJECT_ID}/issues/{issue['key']}").text
    assert f"The session that showed it best {day}" in shown
    assert "Watch it happen" not in shown
    never = people.get(f"/p/{DEFAULT_PROJECT_ID}/sessions/never-was")
    assert (never.status_code, "expired on" in never.text) == (404, False)
