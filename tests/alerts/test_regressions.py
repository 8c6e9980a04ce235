"""A resolved issue that returns in a later release reopens and tells someone once, through restarts and kills."""

import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from retrospec.bench.spawned import spawned_server
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings import Settings
from retrospec.domain.workflow import FixIn
from retrospec.storage import activity, work
from retrospec.storage.database import Connection
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from tests.alerts.conftest import KEY, Receiver, in_database, resolve, visit
from tests.conftest import make_key, serving, settings_for, wait_for


def told_by(folder: Path, receiver: Receiver) -> Settings:
    """A server that tells ``receiver`` of everything."""
    settings = settings_for(folder)
    settings.alerts.webhook_url, settings.alerts.webhook_key = receiver.url, KEY
    settings.alerts.allow_private_addresses = True
    settings.alerts.retry_base_seconds = 0.05
    return settings


def issues(url: str, key: str, state: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/v1/issues", params={"state": state}, headers={"X-Retrospec-Key": key}, timeout=30)
    found: list[dict[str, Any]] = answer.json()["issues"]
    return found


def is_done(url: str, key: str, session: str) -> bool:
    answer = httpx.get(f"{url}/v1/sessions/{session}", headers={"X-Retrospec-Key": key}, timeout=30)
    return answer.status_code == 200 and answer.json()["session"]["stage"] == "done"


def log_of(settings: Settings, issue_key: str) -> list[str]:
    lines = in_database(settings, lambda c: activity.latest(c, DEFAULT_PROJECT_ID, [issue_key], limit=20))
    return [line.kind for line in lines]


def test_it_returns_in_a_later_release_and_someone_is_told_once(tmp_path: Path, receiver: Receiver) -> None:
    settings = told_by(tmp_path, receiver)
    key = make_key(settings) if (tmp_path / "retrospec.db").exists() else ""
    with serving(settings) as server:
        key = key or make_key(settings)
        old = to_epoch_ms(utc_now() - timedelta(minutes=30))
        visit(server.url, key, "a", release="v9", started_ms=old)
        visit(server.url, key, "b", release="v9", started_ms=old)
        (issue,) = wait_for(lambda: issues(server.url, key, "active"))
        wait_for(lambda: receiver.events("new"))
        resolve(settings, issue["key"], fix_in=FixIn.NEXT)
        # a visitor whose page is still of the old release, and whose session arrives late
        visit(server.url, key, "late", release="v9")
        wait_for(lambda: is_done(server.url, key, "late"))
        assert issues(server.url, key, "resolved") and not issues(server.url, key, "active")

    # v10 is later than v9, though "v10" < "v9"
    with serving(settings) as server:
        for name in ("c", "d"):
            visit(server.url, key, name, release="v10")
            wait_for(lambda named=name: is_done(server.url, key, named))
        assert [each["key"] for each in issues(server.url, key, "active")] == [issue["key"]]
        (told,) = wait_for(lambda: receiver.events("regression"))
        assert told["facts"]["seenIn"] == "v10"
        assert told["facts"]["fixedIn"] == "the next release"
        assert told["issueUrl"].startswith(server.url)
        assert "?t=" in told["momentUrl"]

    with serving(settings):
        assert log_of(settings, issue["key"]) == ["regressed", "state", "promoted"]
    assert len(receiver.events("regression")) == 1
    assert len(receiver.events("new")) == 1


def test_a_fix_named_by_its_release_reopens_from_that_release_on(tmp_path: Path, receiver: Receiver) -> None:
    settings = told_by(tmp_path, receiver)
    with serving(settings) as server:
        key = make_key(settings)
        for name in ("a", "b"):
            visit(server.url, key, name, release="1.0")
        (issue,) = wait_for(lambda: issues(server.url, key, "active"))
        resolve(settings, issue["key"], fix_in=FixIn.RELEASE, release="1.2")
        # 1.1 goes out first, without the fix
        visit(server.url, key, "between", release="1.1")
        wait_for(lambda: is_done(server.url, key, "between"))
        assert issues(server.url, key, "resolved")
        visit(server.url, key, "fixed", release="1.2", fails=False)
        wait_for(lambda: is_done(server.url, key, "fixed"))
        visit(server.url, key, "old-again", release="1.0")
        wait_for(lambda: is_done(server.url, key, "old-again"))
        assert issues(server.url, key, "resolved")
        visit(server.url, key, "back", release="1.3")
        wait_for(lambda: issues(server.url, key, "active"))


def test_killed_while_sending_it_tells_again_under_the_same_name(tmp_path: Path, receiver: Receiver) -> None:
    held = time.monotonic() + 120

    def hold() -> int:
        while time.monotonic() < held and not released:
            time.sleep(0.01)
        return 204

    released: list[bool] = []
    receiver.answer = hold
    quiet = {
        "REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none", "CAPTURE_END_GRACE_SECONDS": "0",
        "ALERTS_WEBHOOK_URL": receiver.url, "ALERTS_WEBHOOK_KEY": KEY, "ALERTS_ALLOW_PRIVATE_ADDRESSES": "true",
        "WORKER_SWEEP_SECONDS": "0.2",
    }  # fmt: skip
    with spawned_server(quiet, tmp_path) as server:
        for name in ("a", "b"):
            visit(server.url, server.key, name, release="1")
        assert receiver.has_come.wait(60), "nobody was told"
        server.process.kill()
        assert server.process.wait(10) == -signal.SIGKILL
    released.append(True)
    with spawned_server(quiet, tmp_path):
        wait_for(lambda: len(receiver.got) >= 2)
    names = {headers["idempotency-key"] for headers, _ in receiver.got}
    assert len(names) == 1, "one message, however often it was tried"
    assert {event["id"] for event in receiver.events()} == {receiver.events()[0]["id"]}


def test_a_fix_is_verified_by_those_who_use_what_failed(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        key = make_key(settings)
        for name in ("a", "b"):
            visit(server.url, key, name, release="1")
        (issue,) = wait_for(lambda: issues(server.url, key, "active"))
        resolve(settings, issue["key"], fix_in=FixIn.NEXT)
        visits = [("old", "1"), ("new-1", "2"), ("new-2", "2"), ("new-3", "3")]
        for name, release in visits:
            visit(server.url, key, name, release=release, fails=False, started_ms=to_epoch_ms(utc_now()))
        for name, _ in visits:
            wait_for(lambda named=name: is_done(server.url, key, named))

    def standing(connection: Connection) -> Any:
        return work.find(connection, DEFAULT_PROJECT_ID, issue["key"])

    found = in_database(settings, standing)
    assert found.watch == "control:id=pay"
    assert found.clean_count == 3, "the one on the old release proves nothing"
    assert found.used_count == 4
    assert found.verified_at is None, "three are too few while the share that failed is unknown"
