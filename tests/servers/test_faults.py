"""PostgreSQL and S3 go away, break, refuse and forget while sessions come in: each time a clear sentence, nothing lost, nothing twice."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from retrospec.cli.main import main
from retrospec.domain.errors import Unavailable
from retrospec.domain.settings import Settings
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for
from tests.servers.between import NO_SUCH_KEY, SLOW_DOWN, Gate, answered, gate_before
from tests.servers.choice import in_full_run_only, large_blobs_url, large_rows_url, rows_of
from tests.servers.programs import BUCKET, postgres, s3
from tests.servers.test_many_processes import ROOT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_for(tmp_path)
    made.database.url, made.blobs.url = large_rows_url(tmp_path), large_blobs_url(tmp_path)
    made.server.log_level = "error"
    return made


@pytest.fixture
def gate(settings: Settings) -> Iterator[Gate]:
    """Before the S3 server; the settings lead through it."""
    prefix = settings.blobs.url.removeprefix("s3://").partition("?")[0]
    with gate_before(s3().port) as between:
        settings.blobs.url = s3().url(prefix, port=between.port)
        yield between


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    key = make_key(settings)
    with serving(settings) as server:
        speaking = Client(server, key)
        yield speaking
        speaking.http.close()


def sent_like_the_sdk(client: Client, session_id: str) -> list[int]:
    """Send until it is taken, as the SDK's spool does; the answers before that."""
    refusals = []
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for answer in (client.upload(session_id), client.ingest(session_id, marker())):
            if answer.status_code not in (201, 202):
                assert is_polite(answer), answer.text
                refusals.append(answer.status_code)
                break
        else:
            return refusals
    pytest.fail(f"{session_id} was never taken: {refusals}")


def is_polite(answer: httpx.Response) -> bool:
    """A 503 that says when to come again and, in one line, what is the matter."""
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1 and "\n" not in answer.json()["error"]


def assert_each_once(client: Client, settings: Settings, names: list[str]) -> None:
    """Every session is there with its recording and report, and counted once."""
    for name in names:
        assert client.judged(name)["reportCard"]["status"] == "ready"
        assert client.http.get(f"/v1/sessions/{name}/events").json()["events"]
    assert sorted(rows_of(settings, "SELECT id FROM sessions")) == sorted((name,) for name in names)
    assert rows_of(settings, "SELECT count(*) FROM markers") == [(len(names),)]
    (issue,) = client.http.get("/v1/issues").json()["issues"]
    assert issue["sessionCount"] == len(names)


@contextmanager
def coming_in(client: Client, names: list[str]) -> Iterator[None]:
    """All of them are being sent, four at a time, while the block runs; afterwards all were taken."""
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(sent_like_the_sdk, client, name) for name in names]
        yield
        for each in running:
            each.result()


def test_postgres_killed_under_load_and_back_loses_and_doubles_nothing(client: Client, settings: Settings) -> None:
    names = [f"s{number}" for number in range(24)]
    with coming_in(client, names):
        wait_for(lambda: len(rows_of(settings, "SELECT id FROM sessions")) >= 4)
        postgres().stop()
        try:
            refused = wait_for(lambda: answer if (answer := client.upload("s0")).status_code == 503 else None)
        finally:
            postgres().start()
    assert is_polite(refused) and "database" in refused.json()["error"]
    assert_each_once(client, settings, names)


@in_full_run_only
def test_postgres_that_hangs_is_given_up_waiting_for_and_answers_again(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrospec.storage.database.ANSWER_S", 0.5)
    assert sent_like_the_sdk(client, "before") == []
    postgres().freeze()
    try:
        refused = client.upload("during")
        assert is_polite(refused) and "did not answer within" in refused.json()["error"]
    finally:
        postgres().thaw()
    monkeypatch.setattr("retrospec.storage.database.ANSWER_S", 20.0)
    sent_like_the_sdk(client, "during")
    assert_each_once(client, settings, ["before", "during"])


def test_s3_killed_under_load_and_back_loses_and_doubles_nothing(client: Client, settings: Settings) -> None:
    names = [f"s{number}" for number in range(24)]
    with coming_in(client, names):
        wait_for(lambda: len(rows_of(settings, "SELECT id FROM sessions")) >= 4)
        s3().stop()
        try:
            refused = wait_for(lambda: answer if (answer := client.upload("s0")).status_code == 503 else None)
        finally:
            s3().start()
    assert is_polite(refused) and "blob store" in refused.json()["error"]
    assert_each_once(client, settings, names)


@in_full_run_only
def test_a_session_is_not_given_up_for_a_store_that_is_away(settings: Settings, gate: Gate) -> None:
    """More tries than ``worker.max_attempts`` meet a store that answers nothing but errors."""
    settings.capture.idle_seconds = 1
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        key = client.upload("kept").json()["eventsObjectKey"]
        gate.fail(10_000)
        assert client.ingest("kept", marker(), key=key).status_code == 202
        state = server.app.state
        wait_for(lambda: client.session("kept").get("stage") == "analysis" and state.metrics.total("retrospec_stage_failures") > settings.worker.max_attempts)
        gate.left = 0
        assert client.judged("kept")["reportCard"]["status"] == "ready"
        client.http.close()


@in_full_run_only
def test_a_few_errors_of_the_store_are_not_noticed_and_many_are_told(settings: Settings, gate: Gate) -> None:
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        gate.fail(2, answered("503 Slow Down", SLOW_DOWN))
        assert client.upload("a").status_code == 201 and gate.refused == 2
        gate.fail(1_000, answered("500 Internal Server Error", SLOW_DOWN))
        assert is_polite(client.upload("b"))
        gate.left = 0
        gate.delay_s = 0.2
        for name in ("a", "b"):
            sent_like_the_sdk(client, name)
        assert_each_once(client, settings, ["a", "b"])
        client.http.close()


@in_full_run_only
def test_what_the_store_does_not_show_yet_is_looked_for_again(settings: Settings, gate: Gate) -> None:
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        key = client.upload("new").json()["eventsObjectKey"]
        gate.fail(2, answered("404 Not Found", NO_SUCH_KEY), methods=(b"GET",))
        client.ingest("new", marker(), key=key)
        assert client.judged("new")["reportCard"]["status"] == "ready"
        assert gate.refused == 2
        client.http.close()


@in_full_run_only
@pytest.mark.parametrize(
    ("url", "said"),
    [(lambda: s3().url(BUCKET, secret="not-the-right-secret"), "refuses us"), (lambda: s3().url("nobody-made-this"), "no such bucket")],
)
def test_wrong_settings_of_the_store_are_named_to_whoever_sends(settings: Settings, url: object, said: str) -> None:
    settings.blobs.url = url()  # type: ignore[operator]
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        refused = client.upload("a")
        client.http.close()
    assert is_polite(refused) and said in refused.json()["error"] and refused.json()["hint"]


@in_full_run_only
def test_connections_that_are_reset_are_made_anew(client: Client, settings: Settings) -> None:
    sent_like_the_sdk(client, "a")
    for name in ("b", "c"):
        cut_connections(settings)
        sent_like_the_sdk(client, name)
    assert_each_once(client, settings, ["a", "b", "c"])


@in_full_run_only
def test_a_failover_to_a_server_that_only_reads_is_polite_and_passes(client: Client, settings: Settings) -> None:
    sent_like_the_sdk(client, "a")
    cut_connections(settings, "ALTER DATABASE {} SET default_transaction_read_only = on")
    refused = wait_for(lambda: answer if (answer := client.upload("b")).status_code == 503 else None)
    assert is_polite(refused) and "read-only" in refused.json()["error"]
    assert client.session("a")["id"] == "a"
    with psycopg.connect(settings.database_url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = off")
    sent_like_the_sdk(client, "b")
    assert_each_once(client, settings, ["a", "b"])


def cut_connections(settings: Settings, first: str = "SELECT '{}'") -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(first.format(connection.info.dbname))  # type: ignore[arg-type]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_writes_that_get_in_each_others_way_are_done_again(settings: Settings) -> None:
    migrate(settings.database_url)
    database = Database.open(settings.database_url)
    tries: list[str] = []

    async def write(connection: Connection, code: str, times: int) -> int:
        tries.append(code)
        if tries.count(code) <= times:
            await connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END $$"))
        return tries.count(code)

    for code in ("40001", "40P01", "23505"):
        assert await database.write_soon(lambda connection, code=code: write(connection, code, 3)) == 4
    with pytest.raises(Unavailable, match="in the way"):
        await database.write_soon(lambda connection: write(connection, "40001", 100))
    await database.close()


async def test_two_processes_that_count_at_once_lose_no_count(settings: Settings) -> None:
    """Each reads, adds in the program, and writes: what stands in many places of the product."""
    migrate(settings.database_url)
    nodes = [Database.open(settings.database_url) for _ in range(2)]

    async def add(connection: Connection) -> None:
        seen = await connection.scalar(text("SELECT count(*) FROM projects"))
        name = {"id": f"p{seen}", "name": str(seen)}
        await connection.execute(text("INSERT INTO projects (id, name, created_at, redaction) VALUES (:id, :name, 1, '{}')"), name)

    await asyncio.gather(*(node.write_soon(add) for _ in range(20) for node in nodes))
    async with nodes[0].write() as connection:
        await add(connection)
    assert sorted(rows_of(settings, "SELECT name FROM projects")) == sorted((str(number),) for number in range(41))
    for node in nodes:
        await node.close()


@in_full_run_only
def test_a_start_without_postgres_says_so(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrospec.serving.DATABASE_WAIT_S", 0.0)
    monkeypatch.setattr("retrospec.serving.DATABASE_LOOK_S", 0.0)
    given = {"RETROSPEC_DATABASE_URL": "postgresql://retrospec@127.0.0.1:9/none", "RETROSPEC_BLOBS_URL": settings.blobs.url}
    for command in ("serve", "worker"):
        said = CliRunner().invoke(main, [command, "--data", str(tmp_path / "data")], env=given)
        assert said.exit_code == 1
        assert "The database cannot answer now" in said.output and "Traceback" not in said.output


@in_full_run_only
async def test_a_transaction_that_postgres_dies_under_is_undone_and_its_repeat_counts_once(settings: Settings) -> None:
    migrate(settings.database_url)
    database = Database.open(settings.database_url)
    row = text("INSERT INTO projects (id, name, created_at, redaction) VALUES ('p', 'p', 1, '{}')")
    with pytest.raises(Unavailable, match="cannot answer now"):
        async with database.write() as connection:
            await connection.execute(row)
            postgres().stop()
            postgres().start()
    assert rows_of(settings, "SELECT id FROM projects") == []
    async with database.write() as connection:
        await connection.execute(row)
    assert rows_of(settings, "SELECT id FROM projects") == [("p",)]
    await database.close()


@in_full_run_only
def test_a_start_waits_for_postgres_and_goes_on_once_it_is_there(settings: Settings, tmp_path: Path) -> None:
    migrate(settings.database_url)
    given = os.environ | {"RETROSPEC_DATABASE_URL": settings.database.url, "RETROSPEC_BLOBS_URL": settings.blobs.url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "retrospec", "worker", "--data", str(tmp_path / "data")]
    postgres().stop()
    try:
        with subprocess.Popen(command, env=given, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
            try:
                assert worker.stdout is not None and worker.stderr is not None
                assert "waiting for the database" in worker.stderr.readline()
                postgres().start()
                assert "works with" in worker.stdout.readline()
            finally:
                worker.kill()
    finally:
        if not postgres().is_running:
            postgres().start()


@in_full_run_only
def test_a_store_that_hangs_is_given_up_waiting_for_politely_and_used_again(settings: Settings, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrospec.storage.blobs.REQUEST_DEADLINE", timedelta(seconds=0.5))
    monkeypatch.setattr("retrospec.storage.blobs.RETRIES", {"max_retries": 1, "retry_timeout": timedelta(seconds=1)})
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        sent_like_the_sdk(client, "a")
        gate.delay_s = 3.0
        gate.cut()
        refused = client.upload("b")
        assert is_polite(refused) and "blob store" in refused.json()["error"]
        assert client.session("a")["id"] == "a"
        gate.delay_s = 0.0
        sent_like_the_sdk(client, "b")
        assert_each_once(client, settings, ["a", "b"])
        client.http.close()
