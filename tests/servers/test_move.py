"""``retrospec move``: an installation as after a week, from SQLite and a folder to PostgreSQL and S3, and back."""

import asyncio
import difflib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, inspect, select, text

from retrospec.accounts.links import create_user
from retrospec.bench.seed import seed_sessions
from retrospec.cli.main import main
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.engines import sync_url
from retrospec.storage.migrate import migrate
from retrospec.storage.tables import metadata
from tests.conftest import Client, make_key, serving, settings_for
from tests.servers.choice import in_full_run_only, rows_of
from tests.servers.programs import postgres, s3
from tests.servers.test_many_processes import only_answering
from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, SHOP, seed
from tests.web.serving import EMAIL, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
SEEDED = 1_100
"""Sessions beside the shop's own: more than one piece of every table that grows with them."""
FILES = 300


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation on SQLite and a folder."""
    settings = settings_for(tmp_path_factory.mktemp("small"))
    settings.database.url = settings.blobs.url = ""

    async def fill() -> None:
        database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
        await seed(database, blobs, now=utc_now())
        await create_user(database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=utc_now())
        await database.close()
        await seed_sessions(settings.database_url, "proj_default", SEEDED, lambda _done: None)
        for number in range(FILES):
            blobs.put_here(f"session-events/x/{number:04}.json.zst", bytes([number % 256]) * number)
        blobs.put_here("artifacts/x/film.webm", bytes(range(256)) * 40_000)

    migrate(settings.database_url)
    asyncio.run(fill())
    return settings


def settings_file(folder: Path, name: str, **urls: str) -> Path:
    """A file with these stores, and its data folder beside it."""
    lines = ["[storage]", f"dir = {json.dumps(str(folder / name))}"]
    for section, url in urls.items():
        lines += [f"[{section}]", f"url = {json.dumps(url)}"]
    file = folder / f"{name}.toml"
    file.write_text("\n".join(lines))
    return file


def large_file(folder: Path) -> tuple[Path, Settings]:
    """Empty stores on both servers, and the settings of an installation over them."""
    rows, blobs = postgres().new_database(), s3().new_store()
    settings = settings_for(folder / "large")
    settings.database.url, settings.blobs.url = rows, blobs
    return settings_file(folder, "large", database=rows, blobs=blobs), settings


def move(*given: str | Path) -> Result:
    return CliRunner().invoke(main, ["move", *map(str, given)])


def rows_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as the program reads it: moments, JSON and all."""
    engine = create_engine(sync_url(url))
    with engine.connect() as connection:
        found = {table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr) for table in metadata.sorted_tables}
    engine.dispose()
    return found


def files_in(url: str) -> dict[str, bytes]:
    blobs = Blobs.open(url)

    async def read() -> dict[str, bytes]:
        return {each.key: await blobs.get(each.key) async for each in blobs.list("")}

    return asyncio.run(read())


def test_there_and_back_every_row_and_file_is_the_same_and_the_source_is_untouched(small: Settings, tmp_path: Path) -> None:
    file, large = large_file(tmp_path)
    before, database = rows_in(small.database_url), (small.data_dir / "retrospec.db").read_bytes()

    there = move("--data", small.data_dir, "--to", file, "--json")
    assert there.exit_code == 0, there.output
    said = json.loads(there.stdout)
    assert said["rows"] == sum(map(len, before.values())) and said["moved"]["blobs"] == FILES + 3
    assert rows_in(large.database_url) == before
    assert files_in(large.blobs_url) == files_in(small.blobs_url)
    assert (small.data_dir / "retrospec.db").read_bytes() == database

    home = settings_file(tmp_path, "home")
    back = move("--config", file, "--to", home)
    assert back.exit_code == 0, back.output
    assert rows_in(f"sqlite:///{tmp_path / 'home' / 'retrospec.db'}") == before
    assert files_in(f"file://{tmp_path / 'home' / 'blobs'}") == files_in(small.blobs_url)

    copied = settings_for(tmp_path / "copied")
    shutil.copytree(small.data_dir, copied.data_dir, dirs_exist_ok=True)
    copied.database.url = copied.blobs.url = ""
    with only_answering(copied) as home_server, only_answering(large) as server:  # without workers, which would go on with what is being judged
        for path, (text_here, text_there) in pages_of(home_server.url, server.url).items():
            assert differing_words(text_here, text_there) == [], path
        assert_a_replay_opens(server.url)

    with serving(large) as server:
        client = Client(server, make_key(large))
        issue = next(each for each in client.http.get("/v1/issues").json()["issues"] if each["key"] == PAY_KEY)
        assert issue["sessionCount"] == 41
        assert client.session(PAY_SESSION)["site"] == SHOP
        assert client.http.get(f"/v1/sessions/{PAY_SESSION}/events").json()["events"]
        client.http.close()


HERE = "/p/proj_default"
PAGES = (f"{HERE}/issues", f"{HERE}/issues/{quote(PAY_KEY, safe='')}", f"{HERE}/sessions/{PAY_SESSION}", f"{HERE}/sessions", f"{HERE}/home")


def pages_of(*urls: str) -> dict[str, list[str]]:
    """What a person reads on each page of each server, but for how long ago something was; and the recording as the player gets it.

    One page of all servers after the other: what is said of the time then changes between pages and not between servers.
    """
    with ExitStack() as stack:
        visitors = [stack.enter_context(httpx.Client(base_url=url, follow_redirects=True, timeout=60)) for url in urls]
        for http in visitors:
            token = http.get("/sign-in").text.split('name="form_token" value="', 1)[1].split('"', 1)[0]
            http.post("/sign-in", data={"form_token": token, "email": EMAIL, "password": PASSWORD})
        answers = {path: [http.get(path) for http in visitors] for path in (*PAGES, f"{HERE}/sessions/{PAY_SESSION}/events.json")}
    assert {answer.status_code for both in answers.values() for answer in both} == {200}
    assert all("We could not take your payment" in answer.text for answer in answers[PAGES[1]])
    return {path: [words_of(answer.text) if path in PAGES else answer.text for answer in both] for path, both in answers.items()}


def words_of(page: str) -> str:
    """The text alone."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", page)
    text_alone = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
    assert len(text_alone) > 200
    return re.sub(r"\b(\d+ (s|sec|min|h|hours?|minutes?|seconds?|d|days?)( ago)?|just now)\b", "some time", text_alone)


def differing_words(here: str, there: str) -> list[str]:
    """Lines of a comparison, word by word."""
    return [line for line in difflib.ndiff(here.split(), there.split()) if line[0] in "+-"] if here != there else []


def assert_a_replay_opens(url: str) -> None:
    """In a real browser, with the page it recorded on its screen."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        sign_in(page, url)
        page.goto(f"{url}{HERE}/sessions/{PAY_SESSION}")
        page.wait_for_selector("#player[data-whole]")
        assert len(page.frame_locator("#screen iframe").locator("body").inner_text()) > 20


@in_full_run_only
def test_killed_in_the_middle_it_goes_on_where_it_stopped_and_no_server_starts_meanwhile(small: Settings, tmp_path: Path) -> None:
    file, large = large_file(tmp_path)
    command = [sys.executable, "-m", "retrospec", "move", "--data", str(small.data_dir), "--to", str(file)]
    with killed_at_end(subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path)) as moving:
        engine = create_engine(sync_url(large.database_url))
        while moving.poll() is None and "blobs" not in reached(engine):
            pass
        moving.send_signal(signal.SIGKILL)
        moving.wait()
        came_to = reached(engine)
        engine.dispose()
    assert 0 < came_to["blobs"] < FILES and came_to["sessions"] > SEEDED

    served = CliRunner().invoke(main, ["serve", "--config", str(file)])
    assert served.exit_code == 1 and "is not finished" in served.output and "retrospec move --to" in served.output

    other = settings_for(tmp_path / "other")
    migrate(f"sqlite:///{other.data_dir / 'retrospec.db'}")
    refused = move("--data", other.data_dir, "--to", file)
    assert refused.exit_code == 1 and "part of a move from" in refused.output

    resumed = move("--data", small.data_dir, "--to", file, "--json")
    assert resumed.exit_code == 0, resumed.output
    assert json.loads(resumed.stdout)["moved"]["wasResumed"]
    assert rows_in(large.database_url) == rows_in(small.database_url)
    assert files_in(large.blobs_url) == files_in(small.blobs_url)


def reached(engine: Any) -> dict[str, int]:
    with engine.connect() as connection:
        if not inspect(connection).has_table("unfinished_move"):
            return {}
        return {row.part: row.done for row in connection.execute(text("SELECT part, done FROM unfinished_move"))}


@contextmanager
def killed_at_end(program: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield program
    finally:
        program.kill()
        program.wait()


@in_full_run_only
def test_a_source_or_a_target_in_use_is_refused_with_how_to_stop_it(small: Settings, tmp_path: Path) -> None:
    file, large = large_file(tmp_path)
    running = msgspec.convert(msgspec.to_builtins(small), Settings)
    with serving(running):
        refused = move("--data", small.data_dir, "--to", file)
    assert refused.exit_code == 1
    assert "The source is in use" in refused.output and "systemctl stop retrospec" in refused.output
    with serving(large):
        refused = move("--data", small.data_dir, "--to", file)
    assert refused.exit_code == 1
    assert "The target is in use by a server or worker on this machine" in refused.output


@in_full_run_only
def test_a_target_that_holds_anything_is_left_as_it_is(small: Settings, tmp_path: Path) -> None:
    file, large = large_file(tmp_path)
    make_key_in(large)
    before = rows_in(large.database_url)
    refused = move("--data", small.data_dir, "--to", file)
    assert refused.exit_code == 1 and "already holds data (" in refused.output
    assert rows_in(large.database_url) == before

    file, large = large_file(tmp_path)
    Blobs.open(large.blobs_url).put_here("somebody/elses", b"1")
    refused = move("--data", small.data_dir, "--to", file)
    assert refused.exit_code == 1 and "blob store is not empty" in refused.output


def make_key_in(settings: Settings) -> None:
    migrate(settings.database_url)
    make_key(settings)


@in_full_run_only
def test_what_the_target_cannot_hold_is_named_by_its_row_and_nul_is_no_such_thing(small: Settings, tmp_path: Path) -> None:
    odd = settings_for(tmp_path / "odd")
    odd.database.url = f"sqlite:///{odd.data_dir / 'retrospec.db'}"
    migrate(odd.database_url)
    engine = create_engine(odd.database_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO projects (id, name, created_at, redaction) VALUES ('p1', 'one' || char(0) || 'two', 1, '{}')"))
        connection.execute(text("INSERT INTO project_retention (project_id, days, recording_days, artifact_days) VALUES ('p1', 3000000000, 0, 0)"))
    file, large = large_file(tmp_path)
    refused = move("--data", odd.data_dir, "--to", file)
    assert refused.exit_code == 1 and "cannot hold a row of project_retention (project_id 'p1')" in refused.output

    with engine.begin() as connection:
        connection.execute(text("UPDATE project_retention SET days = 3"))
    engine.dispose()
    moved = move("--data", odd.data_dir, "--to", file)
    assert moved.exit_code == 0, moved.output
    assert rows_of(large, "SELECT name FROM projects WHERE id = 'p1'") == [("one\ufffdtwo",)]


def test_the_same_place_twice_is_a_mistake(small: Settings, tmp_path: Path) -> None:
    file = settings_file(tmp_path, "same", database=small.database_url)
    refused = move("--data", small.data_dir, "--to", file)
    assert refused.exit_code == 2 and "same database" in refused.output
