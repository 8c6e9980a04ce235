"""Dead letters, redaction rules, channels and films over API v2, with the Python client."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from retrospec import client as python_client
from retrospec.accounts.links import create_user
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Forbidden, NotFound
from retrospec.domain.session import Stage
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage import members
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.storage.tables import sessions
from tests.conftest import Client, make_key, marker


@pytest.fixture
def api(server: RunningServer, settings: Settings) -> Iterator[python_client.Client]:
    with python_client.Client(server.url, make_key(settings)) as speaking:
        yield speaking


@pytest.fixture
def reader(server: RunningServer, settings: Settings) -> Iterator[python_client.Client]:
    with python_client.Client(server.url, make_key(settings, scopes=frozenset({"read"}))) as speaking:
        yield speaking


def give_up(settings: Settings, names: list[str]) -> None:
    """As a worker does after the last attempt."""

    async def run() -> None:
        database = Database.open(settings.database_url)
        async with database.write() as connection:
            given_up = {"stage": Stage.DEAD, "dead_stage": "analysis", "last_error": "it broke", "attempt": 3}
            await connection.execute(update(sessions).where(sessions.c.id.in_(names)).values(**given_up))
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()


def add_member(settings: Settings, email: str, role: Role) -> None:
    async def run() -> None:
        database, now = Database.open(settings.database_url), utc_now()
        user = await create_user(database, email=email, name="Ann", password="correct horse battery", is_admin=False, now=now)
        async with database.write() as connection:
            await members.set_role(connection, DEFAULT_PROJECT_ID, user.id, role, now=now)
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()


def test_dead_letters_are_paged_retried_and_dropped(client: Client, api: python_client.Client, reader: python_client.Client, settings: Settings) -> None:
    names = ["dead-1", "dead-2", "dead-3"]
    for name in names:
        assert client.send(name, marker()).status_code == 202
        client.judged(name)
    give_up(settings, names)
    first = client.http.get("/v2/dead-letters", params={"limit": 2}).json()
    rest = client.http.get("/v2/dead-letters", params={"limit": 2, "cursor": first["next"]}).json()
    assert sorted(one["sessionId"] for one in first["items"] + rest["items"]) == names
    assert rest["next"] is None
    assert {(one.stage, one.error) for one in reader.dead_letters()} == {("analysis", "it broke")}
    with pytest.raises(Forbidden):
        reader.retry_dead_letter("dead-1")
    assert api.retry_dead_letter("dead-1").session_id == "dead-1"
    assert client.judged("dead-1")
    api.drop_dead_letter("dead-2")
    assert [one.session_id for one in api.dead_letters()] == ["dead-3"]
    for name in ("dead-2", "dead-1"):
        with pytest.raises(NotFound):
            api.drop_dead_letter(name)
    assert {"dead_retried", "dead_dropped"} <= {line.action for line in api.audit()}


def test_redaction_rules_are_set_and_lifted(client: Client, api: python_client.Client, reader: python_client.Client) -> None:
    assert api.set_redaction(fields=["customerNumber"], patterns=["KD-[0-9]{6}"]).patterns == ["KD-[0-9]{6}"]
    assert client.send("s-rule", marker(label="failed for KD-123456")).status_code == 202
    assert "KD-123456" not in client.http.get("/v1/sessions/s-rule").text
    with pytest.raises(BadRequest):
        api.set_redaction(patterns=["("])
    with pytest.raises(Forbidden):
        reader.redaction()
    assert api.set_redaction() == api.redaction()
    assert api.redaction().fields == []


def test_a_channel_is_added_and_forgotten(api: python_client.Client, reader: python_client.Client) -> None:
    made = api.add_channel("webhook", "https://hooks.example.com/secret-part", events=["new"], quiet_minutes=5)
    assert made.signing_key
    (listed,) = reader.channels()
    assert (listed.id, listed.events, listed.quiet_minutes) == (made.channel.id, ["new"], 5)
    assert "secret-part" not in listed.shown
    with pytest.raises(BadRequest):
        api.add_channel("webhook", "ftp://hooks.example.com")
    with pytest.raises(Forbidden):
        reader.remove_channel(made.channel.id)
    assert api.change_channel(made.channel.id, paused=True, digest_minutes=15).events == ["new"]
    (changed,) = reader.channels()
    assert (changed.paused, changed.quiet_minutes, changed.digest_minutes) == (True, 5, 15)
    with pytest.raises(NotFound):
        api.change_channel("chn_nowhere", paused=True)
    api.remove_channel(made.channel.id)
    assert list(reader.channels()) == []


def test_members_are_told_to_admins_alone(api: python_client.Client, reader: python_client.Client, settings: Settings) -> None:
    add_member(settings, "ann@example.com", Role.MEMBER)
    assert [(one.email, one.role, one.disabled_at) for one in api.members()] == [("ann@example.com", "member", None)]
    with pytest.raises(Forbidden):
        list(reader.members())


def test_films_are_told_and_asked_for(client: Client, api: python_client.Client, reader: python_client.Client) -> None:
    assert client.send("s-film", marker()).status_code == 202
    client.judged("s-film")
    assert [one.film for one in reader.films("s-film")][:1] == ["replay_video"]
    with pytest.raises(Forbidden):
        reader.ask_film("s-film")
    with pytest.raises(BadRequest):
        api.ask_film("s-film", "clip-999999")
    with pytest.raises(NotFound):
        list(reader.films("nowhere"))
