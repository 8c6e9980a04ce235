"""Accounts over a real SQLite file."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from retrospec.accounts.links import (
    choose_password,
    create_user,
    new_reset_link,
    new_setup_link,
    set_up_first_admin,
    usable_link,
)
from retrospec.accounts.secrets import form_token, is_form_token, is_password, new_token
from retrospec.accounts.sign_in import find_login, idle_life, sign_in, sign_out, whole_life
from retrospec.accounts.throttle import MAX_NAMES, SignInThrottle, Throttle
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound, TooManyRequests, Unauthorized
from retrospec.domain.settings import SignInSettings
from retrospec.storage import users
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate

NOW = utc_now()
POLICY = SignInSettings()
IDLE_LIFE, WHOLE_LIFE = idle_life(POLICY), whole_life(POLICY)
EMAIL, PASSWORD = "ada@fern.example", "four green bottles"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("accounts") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def database(tmp_path: Path, migrated: Path) -> AsyncIterator[Database]:
    copied = shutil.copyfile(migrated, tmp_path / "accounts.db")
    opened = Database.open(f"sqlite:///{copied}")
    yield opened
    await opened.close()


@pytest.fixture
async def ada(database: Database) -> None:
    await create_user(database, email=EMAIL, name="Ada", password=PASSWORD, is_admin=False, now=NOW)


async def enter(
    database: Database, password: str = PASSWORD, email: str = EMAIL, throttle: SignInThrottle | None = None
) -> str:
    return await sign_in(
        database, throttle or SignInThrottle(), email=email, password=password, address="10.0.0.1", now=NOW
    )


async def test_the_first_administrator_comes_through_the_link_and_only_once(database: Database) -> None:
    token = (await new_setup_link(database, now=NOW)).removeprefix("/set-up/")
    admin = await set_up_first_admin(
        database, token, email=" Ada@Fern.Example ", name="", password=PASSWORD, now=NOW
    )
    assert (admin.email, admin.name, admin.is_admin) == (EMAIL, "ada", True)
    with pytest.raises(NotFound):
        await usable_link(database, token, purpose="setup", now=NOW)
    assert await new_setup_link(database, now=NOW) == ""


async def test_two_people_racing_for_one_link_make_one_administrator(database: Database) -> None:
    token = (await new_setup_link(database, now=NOW)).removeprefix("/set-up/")
    outcomes = await asyncio.gather(
        *(
            set_up_first_admin(database, token, email=f"p{i}@x.example", name="", password=PASSWORD, now=NOW)
            for i in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    async with database.read() as connection:
        assert len(await users.list_all(connection)) == 1


async def test_a_later_setup_link_replaces_the_earlier_and_both_expire(database: Database) -> None:
    first = (await new_setup_link(database, now=NOW)).removeprefix("/set-up/")
    second = (await new_setup_link(database, now=NOW)).removeprefix("/set-up/")
    with pytest.raises(NotFound):
        await usable_link(database, first, purpose="setup", now=NOW)
    assert (await usable_link(database, second, purpose="setup", now=NOW)).user_id is None
    with pytest.raises(NotFound):
        await usable_link(database, second, purpose="reset", now=NOW)
    with pytest.raises(NotFound):
        await usable_link(database, second, purpose="setup", now=NOW + timedelta(days=8))


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("nonsense", PASSWORD, "email"), ("a b@c.d", PASSWORD, "email"), (EMAIL, "short", "password"),
     (EMAIL, "aaaaaaaaaaaa", "password"), (EMAIL, EMAIL, "password"), (EMAIL, "x" * 201, "password")],
)  # fmt: skip
async def test_what_will_not_do_is_refused_by_field(
    database: Database, email: str, password: str, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await create_user(database, email=email, name="", password=password, is_admin=False, now=NOW)
    assert refused.value.field == field


@pytest.mark.usefixtures("ada")
async def test_an_address_has_one_account(database: Database) -> None:
    with pytest.raises(Conflict):
        await create_user(
            database, email="ADA@fern.example", name="", password=PASSWORD, is_admin=True, now=NOW
        )


@pytest.mark.usefixtures("ada")
async def test_signing_in_and_out(database: Database) -> None:
    token = await enter(database, email="ADA@fern.example ")
    login = await find_login(database, token, POLICY, now=NOW)
    assert login is not None
    assert login.user.name == "Ada"
    assert await find_login(database, new_token(), POLICY, now=NOW) is None
    await sign_out(database, token)
    assert await find_login(database, token, POLICY, now=NOW) is None


@pytest.mark.usefixtures("ada")
async def test_every_wrong_sign_in_gets_the_same_sentence(database: Database) -> None:
    said = set()
    for email, password in ((EMAIL, "wrong password"), ("nobody@fern.example", PASSWORD)):
        with pytest.raises(Unauthorized) as refused:
            await enter(database, password, email)
        said.add(refused.value.message)
    assert len(said) == 1


@pytest.mark.usefixtures("ada")
async def test_a_login_lives_while_it_is_used_but_not_for_ever(database: Database) -> None:
    token = await enter(database)
    assert await find_login(database, token, POLICY, now=NOW + IDLE_LIFE) is None
    moment = NOW
    while moment < NOW + WHOLE_LIFE - IDLE_LIFE:
        moment += IDLE_LIFE / 2
        assert await find_login(database, token, POLICY, now=moment) is not None
    assert await find_login(database, token, POLICY, now=NOW + WHOLE_LIFE) is None


@pytest.mark.usefixtures("ada")
async def test_a_reset_link_works_once_and_signs_out_everywhere(database: Database) -> None:
    token = await enter(database)
    link = (await new_reset_link(database, EMAIL, now=NOW)).removeprefix("/reset/")
    await choose_password(database, link, password="five brown bottles", now=NOW)
    assert await find_login(database, token, POLICY, now=NOW) is None
    with pytest.raises(Unauthorized):
        await enter(database)
    assert await enter(database, "five brown bottles")
    with pytest.raises(NotFound):
        await choose_password(database, link, password="six red bottles", now=NOW)
    with pytest.raises(NotFound):
        await new_reset_link(database, "nobody@fern.example", now=NOW)


@pytest.mark.usefixtures("ada")
async def test_a_hundred_guesses_are_slowed_down_and_the_owner_elsewhere_still_gets_in(
    database: Database,
) -> None:
    throttle, refused_unread = SignInThrottle(), 0
    for guess in range(100):
        try:
            await enter(database, f"guess number {guess}", throttle=throttle)
        except TooManyRequests as slow:
            assert slow.retry_after_s > 0
            refused_unread += 1
        except Unauthorized:
            continue
    assert refused_unread == 95
    elsewhere = await sign_in(
        database, throttle, email=EMAIL, password=PASSWORD, address="192.0.2.7", now=NOW
    )
    assert elsewhere


def test_a_throttled_name_may_try_again_after_the_window() -> None:
    moment = [0.0]
    throttle = Throttle(limit=2, window_s=60, clock=lambda: moment[0])
    throttle.note_failure("ada")
    moment[0] = 30
    throttle.note_failure("ada")
    assert throttle.wait_s("ada") == 30
    assert throttle.wait_s("bob") == 0
    moment[0] = 60
    assert throttle.wait_s("ada") == 0
    throttle.note_failure("ada")
    throttle.forget("ada")
    assert throttle.wait_s("ada") == 0


def test_guessing_under_many_names_does_not_fill_memory() -> None:
    throttle = Throttle(limit=1, window_s=60)
    for number in range(MAX_NAMES + 50):
        throttle.note_failure(str(number))
    assert throttle.wait_s("0") == 0
    assert throttle.wait_s(str(MAX_NAMES + 49)) > 0


async def test_passwords_are_hashed_with_argon2_and_tokens_bound_to_one_browser(
    database: Database, ada: None
) -> None:
    async with database.read() as connection:
        found = await users.find_by_email(connection, EMAIL)
    assert found is not None
    assert found[1].startswith("$argon2id$")
    assert await is_password(PASSWORD, found[1])
    assert not await is_password(PASSWORD, None)
    assert is_form_token(form_token("mine"), "mine")
    assert not is_form_token(form_token("mine"), "yours")
    assert not is_form_token("ß", "mine")
