"""Generated from the app's own routes: every route × role × the ids of another project.

A new route is tested from its first day. Another project's id must be answered as one that does not exist.
"""

import re
import string
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute

from retrospec.accounts.signing import Signer
from retrospec.app import create_app
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unauthorized
from retrospec.domain.settings import Settings
from retrospec.storage.database import Database
from retrospec.web.api.schema import openapi_document
from retrospec.web.pages.guard import needed_role
from tests.security.conftest import CANARY, MINE, THEIRS, Browser, World, in_database

OPEN = {
    "/sdk.js", "/sdk.mjs", "/sdk-more.mjs", "/sdk-canvas.mjs", "/healthz", "/metrics", "/api", "/api/openapi.json", "/api/alert.v1.schema.json", "/sign-in", "/sign-in/code", "/theme",
    "/sign-out", "/static/{wanted}/{name}", "/set-up/{token}", "/reset/{token}", "/invite/{token}",
}  # fmt: skip
"""Answered to everybody; none of them tells anything of a project."""
SIGNED = ("/shared/", "/oidc/")
"""Opened by a signed link or the identity provider's answer."""
NOBODYS = "nothing-of-that-name"


class Call(msgspec.Struct, frozen=True):
    """A route's address and method."""

    method: str
    path: str
    need: Role

    def filled(self, project_id: str, ids: dict[str, str]) -> str:
        """The address with its parts filled in."""
        return re.sub(
            r"\{(\w+)[^}]*\}", lambda part: project_id if part[1] == "project_id" else ids.get(part[1], "0" if part[1] == "index" else NOBODYS), self.path
        )

    def body(self, ids: dict[str, str]) -> Any:
        """Its example, naming what ``ids`` name."""
        sent = BODIES.get((self.path, self.method))
        if sent is None:
            return None
        named = {"other": "cluster_key", "clusterKey": "cluster_key", "sessionId": "session_id", "subject": "session_id", "person": "person"}
        return {name: ids.get(named[name], NOBODYS) if name in named else value for name, value in sent.items()}

    @property
    def names_something(self) -> bool:
        """Whether it names more than the project."""
        return bool(set(re.findall(r"\{(\w+)", self.path)) - {"project_id"})


@cache
def calls() -> tuple[Call, ...]:
    return tuple(_calls())


def _calls() -> Iterator[Call]:
    for route in create_app(Settings()).routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/api/plain"):
            continue
        for method, (handler, _) in route.route_handler_map.items():
            if method not in ("OPTIONS", "HEAD"):
                yield Call(str(method), route.path_format, needed_role(handler, str(method)))


PAGES = [call for call in calls() if call.path.startswith("/p/")]
BODIES = {
    (path, method.upper()): operation["requestBody"]["content"]["application/json"]["example"]
    for path, operations in openapi_document(create_app(Settings()))["paths"].items()
    for method, operation in operations.items()
    if "example" in operation.get("requestBody", {}).get("content", {}).get("application/json", {})
}
"""What the published description gives as examples: bodies that get past the reading."""
API = [call for call in calls() if call.path.startswith(("/v1/", "/v2/"))]
ROLES = [*map(str, Role), "instance"]


def their_ids(world: World) -> dict[str, str]:
    theirs = world.theirs
    return {
        "session_id": theirs.session_id, "cluster_key": theirs.cluster_key, "key": theirs.cluster_key,
        "key_id": theirs.key_id, "person": "their-visitor", "artifact_id": theirs.artifact_id, "artifact_type": "analysis_json", "user_id": theirs.user_id,
    }  # fmt: skip


def everything_of_theirs(settings: Settings) -> Any:
    """Every row of the other project but for what its own use changes by itself."""
    tables = ("api_keys", "memberships", "sessions", "chunks", "markers", "reports", "artifacts", "issues", "issue_sessions")

    async def read(database: Database) -> dict[str, list[Any]]:
        async with database.read() as connection:
            return {
                table: sorted(
                    repr({name: value for name, value in row._mapping.items() if name != "last_used_at"})
                    for row in await connection.exec_driver_sql(f"SELECT * FROM {table} WHERE project_id = '{THEIRS}'")
                )
                for table in tables
            }

    return in_database(settings, read)


def test_the_walk_meets_every_kind_of_route() -> None:
    assert len(PAGES) > 20
    assert len(API) > 10
    assert {call.need for call in PAGES} == set(Role)


@pytest.mark.parametrize("role", list(map(str, Role)))
def test_another_projects_pages_are_not_there(world: World, browsers: dict[str, Browser], role: str) -> None:
    before = everything_of_theirs(world.settings)
    for call in PAGES:
        answer = browsers[role].ask(call.method, call.filled(THEIRS, their_ids(world)))
        assert answer.status_code == 404, (call, answer.status_code)
        assert CANARY not in answer.text
    assert everything_of_theirs(world.settings) == before


@pytest.mark.parametrize("role", [*map(str, Role), "instance"])
def test_another_projects_ids_within_ones_own_are_as_if_they_did_not_exist(
    world: World, browsers: dict[str, Browser], role: str
) -> None:
    before = everything_of_theirs(world.settings)
    accounts = ("disable", "enable", "reset", "administrator")  # of the installation, not of a project
    for call in (call for call in PAGES if call.names_something and not call.path.endswith(accounts)):
        answers = [
            browsers[role].ask(call.method, call.filled(MINE, ids), role="viewer") for ids in (their_ids(world), {})
        ]
        assert len({answer.status_code for answer in answers}) == 1, (call, [a.status_code for a in answers])
        assert answers[0].status_code in (400, 403, 404), (call, answers[0].status_code)
        assert CANARY not in answers[0].text
    assert everything_of_theirs(world.settings) == before


def test_each_role_may_do_in_its_project_what_its_routes_declare_and_no_more(
    world: World, browsers: dict[str, Browser]
) -> None:
    for call in PAGES:
        for role in Role:
            answer = browsers[str(role)].ask(call.method, call.filled(MINE, {}))
            assert answer.status_code != 500, call
            if not role.covers(call.need):
                assert answer.status_code == 403, (call, role)
            elif call.need is not Role.ADMIN:
                assert answer.status_code != 403, (call, role, answer.text[-300:])


def test_without_signing_in_there_is_nothing(world: World, browsers: dict[str, Browser]) -> None:
    for call in (call for call in calls() if call not in API):
        if call.path in OPEN or call.path.startswith(SIGNED):
            continue
        answer = browsers["stranger"].ask(call.method, call.filled(THEIRS, their_ids(world)))
        assert answer.status_code in (303, 401, 403), (call, answer.status_code)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/sign-in")
        assert CANARY not in answer.text


@pytest.mark.parametrize("sent", [{}, {"X-Retrospec-Key": ""}, {"X-Retrospec-Key": "rs_" + "0" * 40}, {"X-Retrospec-Internal": "guess"}])
def test_without_a_key_there_is_nothing(world: World, sent: dict[str, str]) -> None:
    with httpx.Client(base_url=world.url, headers=sent, timeout=30) as http:
        for call in API:
            answer = http.request(call.method, call.filled("", their_ids(world)))
            assert answer.status_code in (401, 403), (call, answer.status_code)
            assert set(answer.json()) >= {"error"}
            assert CANARY not in answer.text


def test_a_key_of_another_project_sees_what_a_name_that_does_not_exist_shows(world: World) -> None:
    before = everything_of_theirs(world.settings)
    with httpx.Client(base_url=world.url, headers={"X-Retrospec-Key": world.my_key}, timeout=30) as http:
        for call in API:
            theirs, nobodys = (
                http.request(call.method, call.filled("", ids), json=call.body(ids))
                for ids in (their_ids(world), {"artifact_type": "analysis_json"})
            )
            assert theirs.status_code == nobodys.status_code, call
            assert theirs.status_code != 500, call
            assert CANARY not in theirs.text
            if call.names_something and "issues" not in call.path:
                assert theirs.status_code in (401, 403, 404), (call, theirs.status_code)
    assert everything_of_theirs(world.settings) == before


def test_an_ingest_key_reads_nothing(world: World) -> None:
    from tests.conftest import make_key

    key = make_key(world.settings, project_id=THEIRS, scopes=frozenset({"ingest"}))
    with httpx.Client(base_url=world.url, headers={"X-Retrospec-Key": key}, timeout=30) as http:
        for call in (call for call in API if call.method == "GET"):
            answer = http.get(call.filled("", their_ids(world)))
            assert answer.status_code == 403, call
            assert CANARY not in answer.text


def test_an_artifact_token_opens_the_one_artifact_it_was_made_for(world: World) -> None:
    ids, headers = their_ids(world), {"X-Retrospec-Key": world.their_key}
    with httpx.Client(base_url=world.url, timeout=30) as http:
        here = f"/v1/sessions/{ids['session_id']}/artifacts"
        token = http.get(f"{here}/analysis_json/token", headers=headers).json()["token"]
        opened = http.get(f"{here}/analysis_json", params={"artifactToken": token})
        assert opened.status_code == 200
        others = (f"{here}/replay_video", "/v1/sessions/their-other-session/artifacts/analysis_json")
        for elsewhere in others:
            assert http.get(elsewhere, params={"artifactToken": token}).status_code == 401
        for at in (0, len(token) // 2, len(token) - 1):
            forged = f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}"
            assert http.get(f"{here}/analysis_json", params={"artifactToken": forged}).status_code == 401


def test_a_token_counts_in_the_one_spelling_it_was_given_in() -> None:
    signer, later = Signer([b"k" * 32]), utc_now() + timedelta(hours=1)
    token = signer.sign("artifact", ["p", "s", "analysis_json"], expires_at=later)
    assert signer.read("artifact", token, now=utc_now()) == ["p", "s", "analysis_json"]
    last_letters = string.ascii_letters + string.digits + "-_="
    for spelling in [token[:-1] + letter for letter in last_letters if letter != token[-1]] + [f"{token}=", f"{token} "]:
        with pytest.raises(Unauthorized):
            signer.read("artifact", spelling, now=utc_now())
