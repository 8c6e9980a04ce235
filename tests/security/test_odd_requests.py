"""Every route with values no browser sends: an answer, never a fault of the server, and nothing of its inside."""

import inspect
import re
import typing
from collections.abc import Iterator

import httpx
import pytest
from litestar.routes import HTTPRoute

from retrospec.app import create_app
from retrospec.domain.settings import Settings
from tests.security.conftest import THEIRS, Browser, World
from tests.security.test_isolation import their_ids

ODD = [
    "//[", "\x00", "\U0001f600" * 40, "-1", "1e999", "99999999999999999999", "' OR 1=1 --", "<script>alert(1)</script>", "%00", "NaN",
    "0001-01-01", "a" * 3_000, "\u202e", "%",
]  # fmt: skip
INSIDES = re.compile(r"Traceback|sqlalchemy|sqlite3|psycopg|site-packages|\.py\"|line \d+, in ", re.IGNORECASE)


def _questions() -> Iterator[tuple[str, list[str]]]:
    """Each address that is looked at, and the names of its query."""
    for route in create_app(Settings()).routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/api/plain") or "GET" not in route.route_handler_map:
            continue
        handler = route.route_handler_map["GET"][0]
        answers = getattr(handler.fn, "func", handler.fn)  # one that runs in a thread is wrapped
        hints = typing.get_type_hints(answers, include_extras=True)
        names = []
        for name in inspect.signature(answers).parameters:
            given = [getattr(each, "name", None) or getattr(each, "query", None) for each in getattr(hints[name], "__metadata__", ())]
            names.append(next((each for each in given if isinstance(each, str)), name))
        yield route.path_format, [name for name in names if name != "request" and f"{{{name}" not in route.path_format]


QUESTIONS = list(_questions())


def _filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda part: ids.get(part[1], "0"), path)


def _check(asked: str, answer: httpx.Response) -> None:
    assert answer.status_code < 500, (asked, answer.status_code, answer.text[:300])
    if "json" in answer.headers.get("content-type", "") or answer.status_code >= 400:
        assert not INSIDES.search(answer.text), (asked, answer.text[:300])


def test_the_walk_meets_addresses_with_questions() -> None:
    assert len(QUESTIONS) > 30
    assert sum(len(names) for _, names in QUESTIONS) > 20


def test_no_odd_value_in_a_query_breaks_a_page(world: World, browsers: dict[str, Browser]) -> None:
    ids = their_ids(world) | {"project_id": THEIRS}
    for path, names in QUESTIONS:
        for name in names:
            for odd in ODD:
                answer = _asked(world, browsers["instance"], _filled(path, ids), {name: odd})
                _check(f"{path} {name}={odd!r}"[:200], answer)


def _asked(world: World, browser: Browser, path: str, query: dict[str, str]) -> httpx.Response:
    headers = {"X-Retrospec-Key": world.their_key} if path.startswith(("/v1/", "/v2/")) else {}
    return browser.http.get(path, params=query, headers=headers)


@pytest.mark.parametrize("odd", ["..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "a" * 3_000, "%0d%0aSet-Cookie:x=1", "-1"])
def test_no_odd_part_of_an_address_breaks_a_page(world: World, browsers: dict[str, Browser], odd: str) -> None:
    for path, _ in QUESTIONS:
        names = re.findall(r"\{(\w+)", path)
        for name in names:
            ids = their_ids(world) | {"project_id": THEIRS} | {name: odd}
            answer = _asked(world, browsers["instance"], _filled(path, ids), {})
            _check(f"{path} {name}={odd!r}"[:200], answer)
            assert "x" not in answer.cookies


@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true", "HX-Current-URL": "http://["}, {"Range": "bytes=9-1,-,x"}, {"Cookie": "retrospec_login=%00\u00ff; =; a"},
     {"Accept": "text/html;q=x,*/*"}, {"X-Forwarded-For": "not, an, address"}, {"If-None-Match": '"'}, {"Content-Length": "0", "Content-Type": "\u00ff"},
     {"Cookie": "retrospec_login=" + "a" * 5_000}, {"Origin": "http://["}, {"Authorization": "Bearer \u00ff"}],
)  # fmt: skip
def test_no_odd_header_breaks_a_page(world: World, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    ids = their_ids(world) | {"project_id": THEIRS}
    with httpx.Client(base_url=world.url, timeout=30) as http:
        for path, _ in QUESTIONS:
            key = [(b"X-Retrospec-Key", world.their_key.encode())] if path.startswith("/v") else []
            _check(f"{path} {headers}"[:200], http.get(_filled(path, ids), headers=[*raw, *key]))


@pytest.mark.parametrize("next_path", ["//[", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "/%0d%0aX: 1"])
def test_signing_in_leads_nowhere_else(world: World, next_path: str) -> None:
    with httpx.Client(base_url=world.url, timeout=30) as http:
        shown = http.get("/sign-in", params={"next": next_path})
        assert shown.status_code == 200
        token = re.search(r'name="form_token" value="([^"]+)"', shown.text)
        assert token is not None
        form = {"form_token": token[1], "email": "viewer@fern.example", "password": "four green bottles", "next": next_path}
        entered = http.post("/sign-in", data=form)
        assert entered.status_code in (302, 303), entered.text[:400]
        back = entered.headers["location"]
        assert back.startswith("/") and not back.startswith(("//", "/\\")) and "evil" not in httpx.URL(world.url).join(back).host
        assert "X" not in entered.headers


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/x-www-form-urlencoded", b"%"), ("application/x-www-form-urlencoded", b"form_token=%ff%fe&email[]=1"),
     ("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"../x\"\r\n\r\n"),
     ("application/json", b'{"form_token": {"a": []}}'), ("application/json", b"["), ("", b"\x00" * 100),
     ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(20_000)))],
)  # fmt: skip
def test_no_odd_form_breaks_a_page(world: World, browsers: dict[str, Browser], kind: str, body: bytes) -> None:
    paths = ["/sign-in", "/sign-in/code", "/theme", "/sign-out", "/account/password", f"/p/{THEIRS}/keys", f"/p/{THEIRS}/people"]
    for path in paths:
        headers = {"Content-Type": kind} if kind else {}
        answer = browsers["instance"].http.post(path, content=body, headers=headers)
        assert answer.status_code >= 400, (path, answer.status_code)
        _check(f"{path} {kind} {body[:40]!r}", answer)
