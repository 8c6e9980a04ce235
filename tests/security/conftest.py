"""Two projects on one real server: one with something to hide, one whose people would like to see it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from retrospec.accounts.links import create_user
from retrospec.accounts.secrets import form_token
from retrospec.accounts.sign_in import Caller, start_login
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage import members
from retrospec.storage.database import Database
from tests.conftest import Client, make_key, marker, open_http, wait_for

CANARY = "CanaryOfTheirs"
THEIRS, MINE = "proj_theirs", "proj_mine"
PASSWORD = "four green bottles"


class Theirs(msgspec.Struct):
    """What the other project has."""

    session_id: str
    cluster_key: str
    key_id: str
    artifact_id: str
    user_id: str


class World(msgspec.Struct):
    """The server, and cookies and keys to come to it with."""

    url: str
    theirs: Theirs
    cookies: dict[str, str]
    """Login token by whom: ``viewer``, ``member`` and ``admin`` of MINE, ``instance`` administrator."""
    my_key: str
    their_key: str
    settings: Any


def in_database(settings: Settings, work: Any) -> Any:
    """``await work(database)`` on a database of its own."""

    async def run() -> Any:
        database = Database.open(settings.database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def world(server: RunningServer, settings: Settings) -> World:
    their_key = make_key(settings, project_id=THEIRS)
    my_key = make_key(settings, project_id=MINE)
    theirs = _fill(Client(server, their_key), settings)
    cookies = in_database(settings, _people)
    return World(server.url, theirs, cookies, my_key, their_key, settings)


def _fill(client: Client, settings: Settings) -> Theirs:
    for name in ("their-session", "their-other-session"):
        made = marker(label=f"TypeError: {CANARY} is not a function")
        assert client.send(name, made, route=f"/{CANARY}").status_code == 202
        session = client.judged(name)
    issues = wait_for(lambda: client.http.get("/v1/issues").json()["issues"])
    client.http.close()

    async def ids(database: Database) -> tuple[str, str]:
        async with database.read() as connection:
            key = (await connection.exec_driver_sql(f"SELECT id FROM api_keys WHERE project_id = '{THEIRS}'")).scalar()
            user = await create_user(
                database, email="theirs@fern.example", name=CANARY, password=PASSWORD, is_admin=False, now=utc_now()
            )
        async with database.write() as connection:
            await members.set_role(connection, THEIRS, user.id, Role.ADMIN, now=utc_now())
        return str(key), user.id

    key_id, user_id = in_database(settings, ids)
    return Theirs("their-session", issues[0]["key"], key_id, session["artifacts"][0]["id"], user_id)


async def _people(database: Database) -> dict[str, str]:
    cookies = {}
    for name in (*Role, "instance"):
        user = await create_user(
            database, email=f"{name}@fern.example", name=name, password=PASSWORD,
            is_admin=name == "instance", now=utc_now(),
        )  # fmt: skip
        if name != "instance":
            async with database.write() as connection:
                await members.set_role(connection, MINE, user.id, Role(name), now=utc_now())
        cookies[str(name)] = await start_login(database, user, Settings().sign_in, Caller(), now=utc_now())
    return cookies


class Browser:
    """Sends requests and forms as whoever is signed in on it; without a login, as a stranger."""

    def __init__(self, url: str, login: str = "") -> None:
        cookies = {"retrospec_login": login} if login else {"retrospec_form": "x" * 43}
        self.token = form_token(login or "x" * 43)
        self.http = open_http(base_url=url, cookies=cookies, timeout=30)

    def ask(self, method: str, path: str, **fields: str) -> httpx.Response:
        """A page, or a form with its token."""
        if method == "GET":
            return self.http.get(path)
        return self.http.request(method, path, data={"form_token": self.token, **fields})


@pytest.fixture(scope="module")
def browsers(world: World) -> Iterator[dict[str, Browser]]:
    opened = {name: Browser(world.url, login) for name, login in world.cookies.items()}
    opened["stranger"] = Browser(world.url)
    yield opened
    for each in opened.values():
        each.http.close()
