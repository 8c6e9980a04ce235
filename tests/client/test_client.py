"""The Python client against a real server, and against one that is busy, away or no RetroSpec at all."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from retrospec.client import Client as ApiClient
from retrospec.domain.errors import (
    BadRequest,
    NotFound,
    RetroSpecError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.shapes import issues
from tests.conftest import Client, make_key, marker, wait_for

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def key(client: Client) -> str:
    for name in ("c1", "c2", "c3"):
        client.send(name, marker())
        client.judged(name)
    found: str = wait_for(lambda: client.http.get("/v2/issues").json()["items"])[0]["key"]
    return found


@pytest.fixture
def api(server: RunningServer, settings: Settings, key: str) -> Iterator[ApiClient]:
    with ApiClient(server.url, make_key(settings)) as opened:
        yield opened


def test_lists_are_walked_to_their_end_by_themselves(api: ApiClient, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrospec.client.asking.PAGE_ROWS", 1)
    assert sorted(one.id for one in api.sessions()) == ["c1", "c2", "c3"]
    assert len(list(api.sessions(most=2))) == 2
    assert {one.session_id for one in api.issue_sessions(key)} == {"c1", "c2", "c3"}
    assert [one.key for one in api.issues()] == [key]


def test_everything_a_read_key_may_ask_is_typed(api: ApiClient, key: str) -> None:
    assert api.project().open_issues == 1
    assert api.stats().visits.failed == 3
    assert api.issue(key).report is not None
    assert api.session("c1").failures[0].kind == "js_exception"
    assert [row.action for row in api.trace("c1")] == ["marker"]
    assert api.events("c1") == [{"type": 2}, {"type": 3}]
    assert api.capsule("c1").startswith(b"<!doctype html>")
    assert b'"trace"' in api.file(api.session("c1").files[0].path)
    assert list(api.alerts()) == [] and list(api.channels()) == [] and list(api.releases()) == []
    assert api.issue_facets().sites == ["Shop One"]
    assert api.series().items


def test_what_an_admin_key_may_do_is_done(api: ApiClient, key: str) -> None:
    assert api.change_issue(key, state=issues.IssueState.ACKNOWLEDGED, note="seen").state == "acknowledged"
    assert api.change_issues([key], state=issues.IssueState.ACTIVE) == 1
    assert api.comment(key, "from a program").kind == "comment"
    assert "from a program" in [line.detail for line in api.issue_activity(key)]
    assert api.give_feedback(key, key, is_real=True).accepted == 1
    made = api.make_key("weekly", ["read"])
    assert api.rotate_key(made.key.id).secret != made.secret
    assert api.bind_key(made.key.id, daily_mb=5).daily_mb == 5
    assert api.revoke_key(made.key.id).id == made.key.id
    assert "/shared/" in api.share("session", "c1").url
    assert api.end_share(next(api.shares()).id).id
    assert "key_made" in {line.action for line in api.audit()}
    assert api.erase_person("nobody").rows == {}


def test_refusals_are_errors_with_the_servers_sentence(api: ApiClient, server: RunningServer, key: str) -> None:
    with pytest.raises(NotFound, match="no session 'nowhere'"):
        api.session("nowhere")
    with pytest.raises(BadRequest, match="one issue already"):
        api.merge_issue(key, key)
    with pytest.raises(BadRequest, match="not a path"):
        api.file("https://elsewhere.example/")
    with ApiClient(server.url, "rs_wrong") as stranger, pytest.raises(Unauthorized, match="unknown or was revoked"):
        stranger.project()


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers one after another, the last for ever; and what it was asked."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


BUSY = b'{"error": "Too many requests."}'


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    waits: list[float] = []
    page = b'{"items": [], "next": null, "complaints": []}'
    with (
        answering((429, {"Retry-After": "7"}, BUSY), (503, {"Retry-After": "3"}, BUSY), (200, {}, page)) as (url, asked),
        ApiClient(url, "k", sleep=waits.append) as api,
    ):
        assert list(api.sessions()) == []
    assert waits == [7.0, 3.0]
    assert len(asked) == 3


def test_a_server_that_stays_busy_is_told_of_and_a_long_wait_is_not_waited() -> None:
    waits: list[float] = []
    with answering((429, {"Retry-After": "1"}, BUSY)) as (url, asked), ApiClient(url, "k", tries=3, sleep=waits.append) as api:
        with pytest.raises(TooManyRequests):
            api.project()
        assert len(asked) == 3
    with answering((429, {"Retry-After": "86400"}, BUSY)) as (url, asked), ApiClient(url, "k", sleep=waits.append) as api:
        with pytest.raises(TooManyRequests):
            api.project()
        assert len(asked) == 1


def test_a_server_that_is_away_or_is_another_is_told_in_a_sentence() -> None:
    with answering((200, {}, b"<html>")) as (url, _), ApiClient(url, "k") as api, pytest.raises(RetroSpecError, match="API v2"):
        api.project()
    with ApiClient(url, "k", tries=2, sleep=lambda _: None) as api, pytest.raises(Unavailable, match="does not answer"):
        api.project()
    with pytest.raises(BadRequest, match="address of a server"):
        ApiClient("not an address", "k")


def test_the_guides_example_runs(server: RunningServer, settings: Settings, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = next(block for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL) if "Client(" in block)
    example = example.replace("https://retrospec.example.com", server.url).replace("YOUR_KEY", make_key(settings))
    exec(compile(example, "docs/api.md", "exec"), {})
    assert "3 people" in capsys.readouterr().out
