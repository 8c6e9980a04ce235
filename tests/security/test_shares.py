"""Share links: what they show, to whom, for how long; and what forging or reusing one gets."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from retrospec.accounts.sharing import shown_by
from retrospec.accounts.signing import Signer, keys_in_force, rotate_signing_key, signing_keys
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound, Unauthorized
from retrospec.storage.database import Database
from retrospec.storage.tables import share_links
from tests.conftest import make_key
from tests.security.conftest import CANARY, THEIRS, Browser, World, in_database

HERE = f"/p/{THEIRS}"


@pytest.fixture(scope="module")
def boss(world: World) -> Browser:
    return Browser(world.url, world.cookies["instance"])


def make_link(world: World, boss: Browser, kind: str = "session", **fields: str) -> str:
    subject = world.theirs.session_id if kind == "session" else world.theirs.cluster_key
    made = boss.ask("POST", f"{HERE}/shares", kind=kind, subject=subject, **fields)
    assert made.status_code == 201 or made.status_code == 200, made.text
    found = re.search(r'id="new-link">[^<]*(/shared/[^<]+)<', made.text)
    assert found is not None
    return found[1]


def visitor(world: World) -> httpx.Client:
    return httpx.Client(base_url=world.url, follow_redirects=True, timeout=20)


def test_a_link_shows_one_session_whole_and_nothing_else(world: World, boss: Browser) -> None:
    link, session = make_link(world, boss), f"{HERE}/sessions/{world.theirs.session_id}"
    with visitor(world) as anybody:
        shown = anybody.get(link)
        assert (shown.status_code, shown.url.path) == (200, session)
        assert CANARY in shown.text
        assert anybody.get(f"{session}/events.json").status_code == 200
        for elsewhere in ("/sessions/their-other-session", "/sessions", "/issues", f"/issues/{world.theirs.cluster_key}", "/project", "/people", "/audit", "/shares"):
            answer = anybody.get(f"{HERE}{elsewhere}")
            assert answer.url.path == "/sign-in", elsewhere
            assert CANARY not in answer.text
        assert anybody.get(f"{session}/../their-other-session").url.path == "/sign-in"
        assert anybody.get("/account").url.path == "/sign-in"
        changing = anybody.post(f"{HERE}/shares", data={"kind": "session", "subject": world.theirs.session_id})
        assert changing.status_code == 403


def test_a_link_shows_one_issue(world: World, boss: Browser) -> None:
    with visitor(world) as anybody:
        shown = anybody.get(make_link(world, boss, kind="issue"))
        assert shown.status_code == 200
        assert CANARY in shown.text
        assert f'action="{HERE}' not in shown.text
        assert anybody.get(f"{HERE}/sessions/{world.theirs.session_id}").url.path == "/sign-in"


def test_a_link_taken_back_shows_nothing_to_those_who_have_it_open(world: World, boss: Browser) -> None:
    link = make_link(world, boss)
    with visitor(world) as anybody:
        shown = anybody.get(link).url.path
        listed = boss.ask("GET", f"{HERE}/shares").text
        for share_id in re.findall(r"/shares/(share_\w+)/revoke", listed):
            boss.ask("POST", f"{HERE}/shares/{share_id}/revoke")
        assert anybody.get(shown).url.path == "/sign-in"
        assert anybody.get(link).status_code == 404


def test_a_link_past_its_time_shows_nothing_to_those_who_have_it_open(world: World, boss: Browser) -> None:
    link = make_link(world, boss, days="1")
    with visitor(world) as anybody:
        shown = anybody.get(link).url.path
        assert CANARY in anybody.get(shown).text
        in_database(world.settings, _let_every_link_expire)
        assert anybody.get(shown).url.path == "/sign-in"
        late = anybody.get(link)
        assert late.status_code == 404 and CANARY not in late.text and "expired" in late.text


def test_a_link_says_itself_until_when_it_counts(world: World, boss: Browser) -> None:
    token = make_link(world, boss, days="2").removeprefix("/shared/")
    signer = Signer(keys_in_force(world.settings))

    async def opened_in(database: Database, days: float) -> bool:
        try:
            await shown_by(database, signer, token, now=utc_now() + timedelta(days=days))
        except NotFound:
            return False
        return True

    assert [in_database(world.settings, lambda database, days=days: opened_in(database, days)) for days in (0, 1.9, 2.1)] == [True, True, False]


async def _let_every_link_expire(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(update(share_links).values(expires_at=utc_now() - timedelta(seconds=1)))


def test_a_password_is_asked_for_and_cannot_be_guessed_at_length(world: World, boss: Browser) -> None:
    link = make_link(world, boss, password="only for jo")
    with visitor(world) as anybody:
        asked = anybody.get(link)
        assert CANARY not in asked.text
        token = re.search(r'name="form_token" value="([^"]+)"', asked.text)
        assert token is not None
        statuses = [
            anybody.post(link, data={"form_token": token[1], "password": f"guess {guess}"}).status_code for guess in range(8)
        ]
        assert statuses == [401] * 5 + [429] * 3
    fresh = make_link(world, boss, password="only for jo")
    with visitor(world) as jo:
        token = re.search(r'name="form_token" value="([^"]+)"', jo.get(fresh).text)
        assert token is not None
        assert CANARY in jo.post(fresh, data={"form_token": token[1], "password": "only for jo"}).text


def test_a_forged_link_is_nothing(world: World, boss: Browser) -> None:
    link = make_link(world, boss)
    own = Signer([b"another installation's key, thirty-two bytes"]).sign("share-link", ["share_x"], expires_at=utc_now())
    with visitor(world) as anybody:
        for forged in (link[:-1] + ("A" if link[-1] != "A" else "B"), link[:-30], f"/shared/{own}", "/shared/x", "/shared/" + "A" * 3_000):
            assert anybody.get(forged).status_code == 404, forged
        # a token of another purpose is no link
        key = make_key(world.settings, project_id=THEIRS)
        artifact = f"/v1/sessions/{world.theirs.session_id}/artifacts/analysis_json/token"
        token = anybody.get(artifact, headers={"X-Retrospec-Key": key}).json()["token"]
        assert anybody.get(f"/shared/{token}").status_code == 404


def test_what_was_shared_and_opened_is_in_the_log(world: World, boss: Browser) -> None:
    link = make_link(world, boss)
    with visitor(world) as anybody:
        anybody.get(link)
    for share_id in re.findall(r"/shares/(share_\w+)/revoke", boss.ask("GET", f"{HERE}/shares").text):
        boss.ask("POST", f"{HERE}/shares/{share_id}/revoke")
    log = boss.ask("GET", f"{HERE}/audit").text
    for action in ("share_made", "share_opened", "session_viewed", "share_revoked"):
        assert f"<code>{action}</code>" in log


def test_the_signing_key_rotates_with_an_overlap(tmp_path: Path) -> None:
    now = utc_now()
    token = Signer(signing_keys(tmp_path)).sign("share-link", ["a"], expires_at=now + timedelta(days=365))
    rotate_signing_key(tmp_path)
    assert Signer(signing_keys(tmp_path)).read("share-link", token, now=now) == ["a"]
    assert Signer(signing_keys(tmp_path)).sign("share-link", ["a"], expires_at=now) != token
    rotate_signing_key(tmp_path)
    with pytest.raises(Unauthorized, match="not one of ours"):
        Signer(signing_keys(tmp_path)).read("share-link", token, now=now)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
