"""The first administrator and new passwords, through their links."""

import asyncio
from pathlib import Path

from retrospec.accounts.links import new_reset_link, new_setup_link
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.database import Database
from tests.web.conftest import Visit
from tests.web.seeding import PROJECT
from tests.web.serving import EMAIL, make_app, serving


def link(folder: Path, *, reset: bool) -> str:
    async def make() -> str:
        database = Database.open(Settings(storage=StorageSettings(dir=str(folder))).database_url)
        made = await (
            new_reset_link(database, EMAIL, now=utc_now())
            if reset
            else new_setup_link(database, now=utc_now())
        )
        await database.close()
        return made

    return asyncio.run(make())


def test_the_setup_link_makes_an_administrator_and_signs_them_in(tmp_path: Path, visit: Visit) -> None:
    with serving(make_app(tmp_path, filled=False, has_user=False)) as url:
        visitor = visit(url)
        assert "one-time set-up link" in visitor.get("/sign-in").text
        path = link(tmp_path, reset=False)
        weak = visitor.send(path, path, email="ada@fern.example", password="short")
        assert weak.status_code == 400
        assert "at least 10 characters" in weak.text
        assert 'value="ada@fern.example"' in weak.text
        done = visitor.send(path, path, email="ada@fern.example", password="four green bottles", name="Ada")
        assert done.url.path == f"/p/{PROJECT}/home"
        assert "Ada" in done.text
        assert visitor.get(path).status_code == 404
        assert "used already" in visitor.get(path).text


def test_a_reset_link_lets_its_owner_choose_again(tmp_path: Path, visit: Visit) -> None:
    with serving(make_app(tmp_path, filled=False)) as url:
        other = visit(url)
        other.sign_in()
        visitor, path = visit(url), link(tmp_path, reset=True)
        assert visitor.send(path, path, password="seven new ferns").url.path == f"/p/{PROJECT}/home"
        assert other.get("/").url.path == "/sign-in"
        assert other.sign_in().status_code == 401
        assert other.sign_in(password="seven new ferns").status_code == 200
