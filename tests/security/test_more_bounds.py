"""Bounds that the threat model names: visitors' sessions, the server's connections, large forms, equal answers, last use."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.accounts import secrets
from retrospec.accounts.sign_in import check_password
from retrospec.accounts.throttle import SignInThrottle
from retrospec.domain.errors import Unauthorized
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from tests.conftest import Client, make_key, serving, settings_for, wait_for
from tests.security.conftest import Browser, World, in_database
from tests.security.test_bounds import last_words, talking


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("more-bounds"))
    settings.limits.sessions_per_visitor = 3
    return settings


def chunk(session_id: str, visitor_id: str) -> dict[str, Any]:
    now = int(time.time() * 1_000)
    return {
        "v": 2, "sessionId": session_id, "tabId": "t", "visitorId": visitor_id, "seq": 0, "segment": 0, "site": "shop", "route": "/",
        "url": "http://shop.example/", "startedAt": now, "sentAt": now, "events": [], "markers": [], "final": False,
    }  # fmt: skip


def test_one_visitor_begins_so_many_sessions_an_hour_and_others_are_not_held_up(server: RunningServer, settings: Settings) -> None:
    http = Client(server, make_key(settings)).http
    said = [http.post("/v2/chunks", json=chunk(f"greedy-{number}", "greedy")).status_code for number in range(5)]
    assert said == [202] * 3 + [429] * 2
    assert http.post("/v2/chunks", json=chunk("modest-0", "modest")).status_code == 202
    assert http.post("/v2/chunks", json=chunk("greedy-0", "greedy")).status_code == 202


def test_past_its_connections_the_server_says_so_and_takes_new_ones_when_some_have_ended(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.limits.max_connections = 4
    with serving(settings) as server:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(talking(server))
            with talking(server) as late:
                assert b"503" in last_words(late)
        wait_for(lambda: httpx.get(f"{server.url}/healthz").status_code == 200)


def test_a_form_larger_than_any_of_ours_is_refused(world: World, browsers: dict[str, Browser]) -> None:
    answer = browsers["admin"].ask("POST", "/p/proj_mine/redaction", fields="x" * 70_000)
    assert answer.status_code == 413


def test_a_name_without_an_account_costs_as_much_as_one_with(settings: Settings, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str | None] = []
    true_verify = secrets._verify

    def counted(password: str, password_hash: str | None) -> bool:
        verified.append(password_hash)
        return true_verify(password, password_hash)

    monkeypatch.setattr(secrets, "_verify", counted)

    async def guess(database: Any) -> None:
        with pytest.raises(Unauthorized):
            await check_password(database, SignInThrottle(), email="nobody@fern.example", password="some guess", address="x")

    in_database(settings, guess)
    assert verified == [None], "the hash of nobody must be tried, so that the answer takes as long"


def test_a_keys_last_use_is_noted(server: RunningServer, settings: Settings) -> None:
    http = Client(server, make_key(settings)).http

    def used() -> bool:
        return all(each["lastUsedAt"] for each in http.get("/v2/keys").json()["items"] if each["name"] == "test")

    wait_for(used)


def test_a_capsule_that_was_taken_is_in_the_log(server: RunningServer, settings: Settings) -> None:
    client = Client(server, make_key(settings))
    client.send("capsuled")
    client.judged("capsuled")
    assert client.http.get("/v2/sessions/capsuled/capsule").status_code == 200
    log = wait_for(lambda: [each for each in client.http.get("/v2/audit").json()["items"] if each["action"] == "capsule_taken"])
    assert log[0]["subject"] == "capsuled"
