"""Roles, invitations, shutting out, one's own account and second factor: through the forms."""

import re
from datetime import timedelta

import httpx
import pyotp
import pytest

from retrospec.accounts.second_factor import check_code, step_of
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unauthorized
from retrospec.storage.database import Database
from tests.security.conftest import MINE, PASSWORD, THEIRS, Browser, World, in_database


def link_in(text: str) -> str:
    found = re.search(r'id="new-link">[^<]*?(/(?:invite|reset)/[^<]+)<', text)
    assert found is not None, text[-500:]
    return found[1]


def form_token(http: httpx.Client, path: str) -> str:
    return http.get(path).text.split('name="form_token" value="', 1)[1].split('"', 1)[0]


def send(http: httpx.Client, path: str, form_on: str, **fields: str) -> httpx.Response:
    return http.post(path, data={"form_token": form_token(http, form_on), **fields})


@pytest.fixture
def newcomer(world: World) -> httpx.Client:
    return httpx.Client(base_url=world.url, follow_redirects=True, timeout=20)


def test_an_invited_person_comes_in_with_the_role_given_and_loses_it(
    world: World, browsers: dict[str, Browser], newcomer: httpx.Client
) -> None:
    boss = browsers["admin"]
    invited = boss.ask("POST", f"/p/{MINE}/people", email="Noa@fern.example", role="viewer")
    path = link_in(invited.text)
    with newcomer as noa:
        entered = send(noa, path, path, name="Noa", password="four green bottles")
        assert entered.url.path == f"/p/{MINE}/home"
        assert noa.get(path).status_code == 404
        assert noa.get(f"/p/{MINE}/people").status_code == 403
        assert noa.get(f"/p/{THEIRS}/issues").status_code == 404
        user_id = re.findall(r"/people/(user_\w+)/role", boss.ask("GET", f"/p/{MINE}/people").text)
        their_id = next(each for each in user_id if f"{each}/role" in _row_of(boss, "Noa"))
        boss.ask("POST", f"/p/{MINE}/people/{their_id}/role", role="admin")
        assert noa.get(f"/p/{MINE}/people").status_code == 200
        boss.ask("POST", f"/p/{MINE}/people/{their_id}/role", role="")
        assert noa.get(f"/p/{MINE}/issues").status_code == 404
    log = boss.ask("GET", f"/p/{MINE}/audit?q=noa@fern").text
    for action in ("person_invited", "role_changed", "role_taken"):
        assert f"<code>{action}</code>" in log


def _row_of(boss: Browser, name: str) -> str:
    text = boss.ask("GET", f"/p/{MINE}/people").text
    return next(row for row in text.split("<li>") if f"<b>{name}</b>" in row)


def test_only_an_administrator_of_the_installation_makes_administrators_and_shuts_people_out(
    world: World, browsers: dict[str, Browser], newcomer: httpx.Client
) -> None:
    admin, boss = browsers["admin"], browsers["instance"]
    assert admin.ask("POST", f"/p/{MINE}/people", email="x@fern.example", is_admin="yes").status_code == 403
    for act in ("disable", "reset", "administrator"):
        assert admin.ask("POST", f"/p/{MINE}/people/{world.theirs.user_id}/{act}").status_code == 403
    with newcomer as theirs:
        assert send(theirs, "/sign-in", "/sign-in", email="theirs@fern.example", password=PASSWORD).status_code == 200
        boss.ask("POST", f"/p/{MINE}/people/{world.theirs.user_id}/disable")
        assert theirs.get(f"/p/{THEIRS}/issues").url.path == "/sign-in"
        assert send(theirs, "/sign-in", "/sign-in", email="theirs@fern.example", password=PASSWORD).status_code == 401
        boss.ask("POST", f"/p/{MINE}/people/{world.theirs.user_id}/enable")
        path = link_in(boss.ask("POST", f"/p/{MINE}/people/{world.theirs.user_id}/reset").text)
        assert send(theirs, path, path, password="nine blue bottles").status_code == 200


def test_a_second_factor_is_asked_for_and_each_code_counts_once(world: World, newcomer: httpx.Client) -> None:
    with newcomer as viewer:
        send(viewer, "/sign-in", "/sign-in", email="viewer@fern.example", password=PASSWORD)
        before = viewer.cookies["retrospec_login"]
        page = send(viewer, "/account/second-factor/begin", "/account").text
        found = re.search(r'id="app-secret">([A-Z2-7]+)<', page)
        assert found is not None
        app = pyotp.TOTP(found[1])
        assert send(viewer, "/account/second-factor/on", "/account", code="000000").status_code == 401
        on = send(viewer, "/account/second-factor/on", "/account", code=app.now())
        codes = re.findall(r"<code>(\w{5}-\w{5})</code>", on.text)
        assert len(codes) == 10
        assert viewer.cookies["retrospec_login"] != before, "turning it on is a change of privilege"
        viewer.post("/sign-out", data={"form_token": form_token(viewer, "/account")})
        asked = send(viewer, "/sign-in", "/sign-in", email="viewer@fern.example", password=PASSWORD)
        assert asked.url.path == "/sign-in/code"
        assert viewer.get(f"/p/{MINE}/issues").url.path == "/sign-in"
        assert send(viewer, "/sign-in/code", "/sign-in/code", code=app.now()).status_code == 401, "used to turn it on"
        entered = send(viewer, "/sign-in/code", "/sign-in/code", code=codes[0])
        assert entered.url.path == f"/p/{MINE}/home"
        assert send(viewer, "/account/second-factor/off", "/account", code=codes[0]).status_code == 401
        assert send(viewer, "/account/second-factor/off", "/account", code=codes[1]).status_code == 200


def test_codes_hold_for_their_half_minute_and_its_neighbours_only() -> None:
    secret, now = pyotp.random_base32(), utc_now()
    for seconds, is_right in ((0, True), (30, True), (-30, True), (90, False), (-90, False)):
        code = pyotp.TOTP(secret).at(now + timedelta(seconds=seconds))
        assert (step_of(secret, code, now=now) is not None) == is_right


def test_a_code_without_a_second_factor_is_refused(world: World) -> None:
    async def guess(database: Database) -> None:
        with pytest.raises(Unauthorized):
            await check_code(database, world.theirs.user_id, "123456", now=utc_now())

    in_database(world.settings, guess)


def test_ones_browsers_are_listed_and_signed_out_but_not_other_peoples(world: World, browsers: dict[str, Browser]) -> None:
    with httpx.Client(base_url=world.url, follow_redirects=True) as phone, httpx.Client(base_url=world.url, follow_redirects=True) as desk:
        phone.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
        for each in (phone, desk):
            send(each, "/sign-in", "/sign-in", email="member@fern.example", password=PASSWORD)
        listed = desk.get("/account").text
        assert "Firefox 144 on Linux" in listed
        row = next(row for row in listed.split("<li>") if "Firefox 144" in row)
        login_id = re.search(r"/account/logins/(\w+)/end", row)
        assert login_id is not None
        assert browsers["viewer"].ask("POST", f"/account/logins/{login_id[1]}/end").status_code in (303, 404)
        assert phone.get("/account").url.path == "/account"
        send(desk, f"/account/logins/{login_id[1]}/end", "/account")
        assert phone.get("/account").url.path == "/sign-in"


def test_changing_the_password_signs_out_the_others_and_renews_this_login(world: World) -> None:
    with httpx.Client(base_url=world.url, follow_redirects=True) as here, httpx.Client(base_url=world.url, follow_redirects=True) as there:
        for each in (here, there):
            send(each, "/sign-in", "/sign-in", email="admin@fern.example", password=PASSWORD)
        before = here.cookies["retrospec_login"]
        assert send(here, "/account/password", "/account", old="wrong", password="nine blue bottles").status_code == 401
        send(here, "/account/password", "/account", old=PASSWORD, password="nine blue bottles")
        assert here.cookies["retrospec_login"] != before
        assert here.get("/account").url.path == "/account"
        assert there.get("/account").url.path == "/sign-in"


def test_signing_in_never_keeps_the_cookie_a_browser_came_with(world: World) -> None:
    with httpx.Client(base_url=world.url, follow_redirects=True) as http:
        http.cookies.set("retrospec_login", "planted" * 6)
        send(http, "/sign-in", "/sign-in", email="member@fern.example", password=PASSWORD)
        values = [cookie.value for cookie in http.cookies.jar if cookie.name == "retrospec_login"]
        assert values[-1] != "planted" * 6


def test_the_log_cannot_be_changed(world: World) -> None:
    async def tamper(database: Database) -> None:
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE audit_entries SET actor = 'nobody'")

    with pytest.raises(Exception, match="never changed"):
        in_database(world.settings, tamper)
