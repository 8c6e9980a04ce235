"""Source maps from upload to issue: over a real server, with crashes as three engines write them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from tests.conftest import Client, make_key, serving, settings_for
from tests.servers.choice import blobs_folder
from tests.symbols.built import Build, build, stack_of

ID = "85314830-023f-4cf1-a267-535f4e37bb17"
BUILDS = {"1.0": (build("ab"), "ab", "app-1f00.js"), "2.0": (build("zq", padding=900), "zq", "app-77ac.js")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@pytest.fixture
def server(settings: Settings) -> Iterator[RunningServer]:
    with serving(settings) as running:
        yield running


@pytest.fixture
def client(server: RunningServer, settings: Settings) -> Iterator[Client]:
    speaking = Client(server, make_key(settings))
    yield speaking
    speaking.http.close()


def put_map(client: Client, release_: str, name_: str, made: Build, **more: Any) -> Any:
    body = {"release": release_, "name": name_, "minified": made.minified, "map": made.source_map} | more
    return client.http.post("/v1/source-maps", content=gzip.compress(json.dumps(body).encode()))


def crash(
    client: Client, session_id: str, stack: str, release: str, *, final: bool = True, seq: int = 0, **evidence: Any
) -> dict[str, Any]:
    shown = {"signal": "exception", "type": "TypeError", "message": "it broke", "stack": stack} | evidence
    return fail(client, session_id, release, "js_exception", "TypeError: it broke", shown, final=final, seq=seq)


def fail(
    client: Client, session_id: str, release: str, kind: str, label: str, evidence: dict[str, Any], *, final: bool = True, seq: int = 0
) -> dict[str, Any]:
    now = to_epoch_ms(utc_now())
    failure = {"id": "m1", "at": now - 1_000, "kind": kind, "label": label, "evidence": evidence}
    body = {
        "v": 2, "sessionId": session_id, "tabId": "t", "visitorId": session_id, "seq": seq, "segment": 0, "site": "shop", "route": "/",
        "url": "https://shop.example/", "startedAt": now - 5_000, "sentAt": now, "markers": [failure], "final": final, "release": release,
        "events": [{"type": 3, "timestamp": now - 4_000, "data": {"source": 1, "positions": []}}],
    }  # fmt: skip
    answer = client.http.post("/v2/chunks", json=body)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()["markers"][0]
    return receipt


def test_two_builds_and_three_engines_make_one_issue_named_by_the_source(client: Client) -> None:
    keys = set()
    for release, (made, letters, file) in BUILDS.items():
        assert put_map(client, release, f"assets/{file}", made).status_code == 201
        for engine in ("chrome", "firefox", "safari"):
            stack = stack_of(made, f"https://shop.example/assets/{file}", letters, engine)
            keys.add(crash(client, f"{engine}-{release}", stack, release)["clusterKey"])
    assert len(keys) == 1
    session = client.judged("firefox-2.0")
    card = session["reportCard"]
    assert "applyDiscount (src/cart.js:3)" in card["technicalRootCause"]
    assert "Start at applyDiscount (src/cart.js:3)." in card["suggestedFix"]
    for release in BUILDS:
        for engine in ("chrome", "firefox", "safari"):
            client.judged(f"{engine}-{release}")
    (issue,) = client.http.get("/v1/issues").json()["issues"]
    assert issue["key"] == keys.pop() and issue["sessionCount"] == 6


def test_without_maps_the_same_crashes_are_of_two_builds(client: Client) -> None:
    keys = {
        crash(client, f"s-{release}", stack_of(made, f"https://shop.example/{file}", letters), release)["clusterKey"]
        for release, (made, letters, file) in BUILDS.items()
    }
    assert len(keys) == 2


def test_a_map_is_found_by_debug_id_whatever_the_release_and_the_address(client: Client) -> None:
    made = build()
    assert put_map(client, "other", "dist/app.js", build(debugId=ID)).json()["debugId"] == ID
    crash(client, "by-id", stack_of(made, "https://cdn.example/9f/bundle.js"), "", debugId=ID)
    assert "applyDiscount (src/cart.js:3)" in client.judged("by-id")["reportCard"]["technicalRootCause"]


def test_the_function_that_sent_a_failed_request_is_named_by_the_source_and_moves_no_session(client: Client) -> None:
    keys = set()
    for release, (made, letters, file) in BUILDS.items():
        put_map(client, release, file, made)
        sent_from = stack_of(made, f"https://shop.example/{file}", letters).partition("\n")[2]
        shown = {"signal": "http_error", "method": "POST", "url": "https://shop.example/api/pay", "status": 500, "stack": sent_from}
        keys.add(fail(client, f"pay-{release}", release, "api_error", "POST /api/pay 500", shown)["clusterKey"])
        card = client.judged(f"pay-{release}")["reportCard"]
        assert "/api/pay. It is sent by applyDiscount (src/cart.js:3)." in card["suggestedFix"]
    assert len(keys) == 1


def test_a_file_without_a_map_is_named_on_the_card(client: Client) -> None:
    put_map(client, "1.0", "assets/other.js", build())
    crash(client, "lacking", stack_of(build(), "https://shop.example/assets/app-1f00.js?v=2"), "1.0")
    assert "No source map is known for app-1f00.js" in client.judged("lacking")["reportCard"]["suggestedFix"]


def test_maps_that_come_before_the_session_is_read_still_name_it(client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.capture, "idle_seconds", 60)  # it is read when it ends, however long the map takes
    made, letters, file = BUILDS["1.0"]
    stack = stack_of(made, f"https://shop.example/{file}", letters)
    early = crash(client, "early", stack, "1.0", final=False)["clusterKey"]
    put_map(client, "1.0", file, made)
    late = crash(client, "late", stack, "1.0")["clusterKey"]
    assert early != late
    crash(client, "early", stack, "1.0", seq=1)
    (seen,) = client.judged("early")["markers"]
    assert seen["clusterKey"] == late
    assert seen["evidence"]["extra"]["frames"][0]["function"] == "applyDiscount"


def test_maps_that_come_after_a_session_was_judged_change_nothing(client: Client) -> None:
    made, letters, file = BUILDS["1.0"]
    first = crash(client, "done", stack_of(made, f"https://shop.example/{file}", letters), "1.0")["clusterKey"]
    client.judged("done")
    put_map(client, "1.0", file, made)
    assert client.session("done")["markers"][0]["clusterKey"] == first


def test_maps_are_listed_replaced_and_deleted(client: Client, tmp_path: Path) -> None:
    made, letters, file = BUILDS["1.0"]
    first = put_map(client, "1.0", file, made).json()
    assert first["name"] == file and first["hasSources"] and first["lastUsedAt"] is None
    put_map(client, "1.0", f"/{file}", made)
    crash(client, "using", stack_of(made, f"https://shop.example/{file}", letters), "1.0")
    (release,) = client.http.get("/v1/source-maps").json()["releases"]
    assert release["release"] == "1.0" and release["mapCount"] == 1 and release["lastUsedAt"]
    (listed,) = client.http.get("/v1/source-maps", params={"release": "1.0"}).json()["maps"]
    assert listed["name"] == file
    assert len([path for path in (blobs_folder(tmp_path) / "source-maps").rglob("*") if path.is_file()]) == 1
    gone = client.http.delete("/v1/source-maps", params={"release": "1.0"})
    assert gone.json() == {"release": "1.0", "deletedMaps": 1}
    assert not [path for path in (blobs_folder(tmp_path) / "source-maps").rglob("*") if path.is_file()]
    assert client.http.delete("/v1/source-maps", params={"release": "1.0"}).status_code == 404
    assert client.http.get("/v1/source-maps", params={"release": "1.0"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"release": ""}, "release"),
        ({"release": "x" * 300}, "release"),
        ({"name": ""}, "name"),
        ({"name": "x\n.js"}, "name"),
        ({"map": {"version": 2}}, "map"),
        ({"map": [1, 2]}, "map"),
        ({"map": {"version": 3, "sources": [], "names": [], "mappings": "AAAA"}}, ""),
        ({"minified": "[" * 300_000}, ""),
    ],
)
def test_what_cannot_be_used_is_refused(client: Client, change: dict[str, Any], field: str) -> None:
    answer = put_map(client, "1.0", "app.js", build(), **change)
    assert answer.status_code == 400, answer.text
    assert answer.json().get("field", "") == field
    assert client.http.get("/v1/source-maps").json() == {"releases": []}


def test_a_map_past_the_limit_is_refused_as_sent_and_as_inflated(client: Client, settings: Settings) -> None:
    settings.limits.max_source_map_mb = 1
    body = json.dumps({"release": "1", "name": "a.js", "map": build().source_map, "minified": "x" * 1_100_000}).encode()
    for content in (body, gzip.compress(body)):
        answer = client.http.post("/v1/source-maps", content=content)
        assert answer.status_code == 413 and "MB" in answer.json()["error"]


def test_maps_need_the_scope_admin(server: RunningServer, settings: Settings) -> None:
    public = Client(server, make_key(settings, scopes=frozenset({"ingest"})))
    assert put_map(public, "1.0", "a.js", build()).status_code == 403
    assert public.http.get("/v1/source-maps").status_code == 403
    assert public.http.delete("/v1/source-maps", params={"release": "1"}).status_code == 403
    public.http.close()


def test_maps_of_one_project_do_not_name_another_s_sessions(server: RunningServer, settings: Settings) -> None:
    made, letters, file = BUILDS["1.0"]
    ours, theirs = Client(server, make_key(settings)), Client(server, make_key(settings, project_id="proj_b"))
    put_map(ours, "1.0", file, build(debugId=ID))
    crash(theirs, "b", stack_of(made, f"https://shop.example/{file}", letters), "1.0", debugId=ID)
    assert "applyDiscount" not in theirs.judged("b")["reportCard"]["technicalRootCause"]
    for each in (ours, theirs):
        each.http.close()
