"""Two real processes over one database: open pages hear of each other's changes, limits hold for both, a stop lets go."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from retrospec.accounts.links import create_user
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.storage.database import Database
from tests.conftest import make_key, wait_for
from tests.model_server import modelling
from tests.servers.between import gate_before
from tests.servers.choice import in_full_run_only, rows_of
from tests.servers.programs import s3
from tests.servers.test_many_processes import answering, judged_at, large_settings, send_somewhere, working
from tests.servers.visitors import chunk

pytestmark = in_full_run_only
EMAIL, PASSWORD = "ann@fern.example", "three quiet ferns"


def signed_in(url: str) -> httpx.Client:
    http = httpx.Client(base_url=url, timeout=30, follow_redirects=True)
    token = http.get("/sign-in").text.split('name="form_token" value="', 1)[1].split('"', 1)[0]
    assert http.post("/sign-in", data={"form_token": token, "email": EMAIL, "password": PASSWORD}).status_code == 200
    return http


def add_person(settings: Settings) -> None:
    async def add() -> None:
        database = Database.open(settings.database_url)
        await create_user(database, email=EMAIL, name="Ann", password=PASSWORD, is_admin=True, now=utc_now())
        await database.close()

    asyncio.run(add())


def post(http: httpx.Client, url: str, key: str, name: str, seq: int = 0) -> httpx.Response:
    return http.post(f"{url}/v2/chunks?key={key}", json=chunk(name, seq))


def test_a_page_at_one_server_hears_of_what_another_took_and_a_worker_judged(tmp_path: Path) -> None:
    one, other = large_settings(tmp_path / "a", tmp_path), large_settings(tmp_path / "b", tmp_path)
    key = make_key(one)
    add_person(one)
    with (
        answering(one) as (_, door), answering(other) as (_, window), working(large_settings(tmp_path / "c", tmp_path)),
        closing(signed_in(window)) as page, httpx.Client(timeout=30) as http,
        page.stream("GET", "/p/proj_default/live?session=watched", headers={"Accept": "text/event-stream"}) as told,
    ):  # fmt: skip
        lines = iter(told.iter_lines())
        assert post(http, door, key, "watched", 0).status_code == 202
        heard = until_said(lines, '"chunks":1')
        assert post(http, door, key, "watched", 2).status_code == 202
        heard += until_said(lines, '"stage":"done"')
    assert any("event: changed" in line for line in heard)


def until_said(lines: Iterator[str], wanted: str) -> list[str]:
    heard = []
    for line in lines:
        heard.append(line)
        if wanted in line:
            return heard
    pytest.fail(f"never said {wanted}: {heard}")


def test_two_servers_let_in_what_one_would_but_for_a_burst(tmp_path: Path) -> None:
    nodes = [large_settings(tmp_path / name, tmp_path) for name in "ab"]
    key, rate, burst = make_key(nodes[0]), 8, 16
    given = {"LIMITS_REQUESTS_PER_SECOND": str(rate), "LIMITS_BURST": str(burst)}
    with ExitStack() as stack:
        urls = [stack.enter_context(answering(node, **given))[1] for node in nodes]
        began = time.monotonic()
        with ThreadPoolExecutor(2) as threads:
            asked, let_in = map(sum, zip(*threads.map(lambda url: hammer(url, key, seconds=12), urls), strict=True))
        seconds = time.monotonic() - began
    one_alone = burst + rate * seconds
    assert let_in > one_alone / 3, f"{let_in} of {asked} asked, where one server lets in {one_alone:.0f}"
    assert let_in < one_alone + burst + rate * 2, "what one server would let in, another burst, and two seconds of not knowing"
    assert one_alone + burst + rate * 2 < 0.9 * 2 * one_alone, "each for itself would have let in more"


def hammer(url: str, key: str, *, seconds: float) -> tuple[int, int]:
    """As many requests as can be sent: how many they were, and how many were let in."""
    until, asked, let_in = time.monotonic() + seconds, 0, 0
    with httpx.Client(base_url=url, headers={"X-Retrospec-Key": key}, timeout=30) as http:
        while time.monotonic() < until:
            answer = http.get("/v1/issues")
            assert answer.status_code in (200, 429), answer.text
            asked, let_in = asked + 1, let_in + (answer.status_code == 200)
            time.sleep(0.02)
    return asked, let_in


def test_new_sessions_of_a_key_are_counted_over_both_servers(tmp_path: Path) -> None:
    nodes = [large_settings(tmp_path / name, tmp_path) for name in "ab"]
    key, most = make_key(nodes[0]), 40
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=30))
        one, other = (stack.enter_context(answering(node, LIMITS_SESSIONS_PER_KEY=str(most)))[1] for node in nodes)
        assert {post(http, one, key, f"one-{number}").status_code for number in range(most - 10)} == {202}
        taken = 0
        while (answer := post(http, other, key, f"other-{taken}")).status_code == 202 and taken < most:
            taken += 1
            time.sleep(0.1)
        assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
        assert taken < most - 10, "by itself this server would have let in as many as the key may send"


def test_a_worker_told_to_stop_gives_back_what_takes_too_long_and_another_takes_it_at_once(tmp_path: Path) -> None:
    door = large_settings(tmp_path / "a", tmp_path)
    key = make_key(door)
    with modelling(None) as model, answering(door) as (_, url), httpx.Client(headers={"X-Retrospec-Key": key}, timeout=30) as http:
        slow = {"ANALYSIS_PROVIDER": "remote_text", "ANALYSIS_MODEL_URL": model.url, "ANALYSIS_TIMEOUT_SECONDS": "60", "WORKER_DRAIN_SECONDS": "1"}
        with working(large_settings(tmp_path / "b", tmp_path), WORKER_LEASE_SECONDS="600", **slow) as stopping:
            send_somewhere(http, [url], "s1")
            wait_for(lambda: model.asked)
            stopping.send_signal(signal.SIGTERM)
            assert stopping.wait(30) == 0
        assert rows_of(door, "SELECT stage, lease_owner, lease_until, attempt FROM sessions") == [("analysis", "", None, 0)]
        model.over.set()
        with working(large_settings(tmp_path / "c", tmp_path)):
            assert wait_for(lambda: judged_at(http, url, "s1"))["reportCard"]["status"] == "ready"


def test_a_server_told_to_stop_answers_what_it_has_begun(tmp_path: Path) -> None:
    door = large_settings(tmp_path / "a", tmp_path)
    key = make_key(door)
    prefix = door.blobs.url.removeprefix("s3://").partition("?")[0]
    with gate_before(s3().port) as gate:
        door.blobs.url = s3().url(prefix, port=gate.port)
        with answering(door) as (program, url), httpx.Client(timeout=30) as http:
            assert post(http, url, key, "before").status_code == 202
            gate.cut()
            gate.delay_s = 1.0
            answers: list[int] = []
            sending = threading.Thread(target=lambda: answers.append(post(http, url, key, "during").status_code))
            sending.start()
            wait_for(lambda: gate.waiting)
            program.send_signal(signal.SIGTERM)
            assert program.wait(30) == 0
            sending.join()
    assert answers == [202]
    assert rows_of(door, "SELECT count(*) FROM sessions") == [(2,)]
