"""What a slow, greedy or hostile client gets: an answer or a closed door, while others are served."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import httpx
import pytest

from retrospec.accounts.keys import new_secret, rotate_key
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID, KeyLimits
from tests.conftest import Client, make_key, serving, settings_for
from tests.security.conftest import in_database


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("bounds"))
    settings.limits.header_seconds = 0.4
    settings.limits.body_seconds = 0.8
    settings.limits.connections_per_address = 12
    settings.limits.sessions_per_key = 5
    settings.limits.sessions_per_visitor = 2
    return settings


@contextmanager
def talking(server: RunningServer) -> Iterator[socket.socket]:
    url = httpx.URL(server.url)
    with closing(socket.create_connection(("127.0.0.1", url.port or 0), timeout=10)) as line:
        yield line


def last_words(line: socket.socket) -> bytes:
    """Everything until the server closes."""
    said = b""
    while piece := line.recv(4_096):
        said += piece
    return said


def test_headers_that_never_end_are_not_waited_for(server: RunningServer) -> None:
    with talking(server) as silent, talking(server) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert b"408" in last_words(slow)
        assert b"408" in last_words(silent)


def test_a_body_that_never_ends_is_not_waited_for(server: RunningServer) -> None:
    with talking(server) as slow:
        slow.sendall(b"POST /v2/chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert b"HTTP/1.1" in last_words(slow)


@pytest.mark.parametrize("request_line", ["GET /" + "a" * 40_000, "GET / HTTP/1.1\r\nX-Long: " + "a" * 40_000])
def test_an_address_or_header_too_long_is_refused_before_it_is_whole(server: RunningServer, request_line: str) -> None:
    with talking(server) as line:
        line.sendall(request_line.encode())
        assert b"431" in last_words(line)


def test_whole_headers_too_long_are_refused(server: RunningServer) -> None:
    with talking(server) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n")
        assert b"431" in last_words(line)


def test_one_address_gets_its_share_of_connections(server: RunningServer) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(talking(server)) for _ in range(20)]
        said = [last_words(line) for line in lines]
    assert sum(b"429" in each for each in said) >= 8
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def key_with(settings: Settings, limits: KeyLimits) -> tuple[str, str]:
    secret = new_secret()

    async def add(database: Database) -> str:
        async with database.write() as connection:
            key = await projects.add_key(
                connection, project_id=DEFAULT_PROJECT_ID, name="bound", scopes=frozenset({"ingest", "read"}),
                secret=secret, now=utc_now(), limits=limits,
            )  # fmt: skip
        return key.id

    return in_database(settings, add), secret


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://shop.example", 201), ("https://evil.example", 403), ("https://shop.example.evil.example", 403), ("null", 403), ("", 403)],
)
def test_a_key_bound_to_an_origin_sends_from_there_alone(
    server: RunningServer, settings: Settings, origin: str, status: int
) -> None:
    _, secret = key_with(settings, KeyLimits(origins=("https://shop.example",)))
    client = Client(server, secret)
    if origin:
        client.http.headers["Origin"] = origin
    assert client.upload("bound-1").status_code == status
    client.http.close()


def test_a_key_has_a_rate_and_a_volume_of_its_own(server: RunningServer, settings: Settings) -> None:
    _, slow = key_with(settings, KeyLimits(requests_per_second=0.5))
    _, small = key_with(settings, KeyLimits(daily_mb=1))
    with closing(Client(server, slow).http) as http:
        answers = [http.get("/v1/issues").status_code for _ in range(3)]
        assert answers == [200, 429, 429]
    with closing(Client(server, small).http) as http:
        big = {"sessionId": "v", "site": "x", "events": [{"type": 5, "data": {"p": "x" * 600_000}}]}
        assert http.post("/v1/artifacts/session-events", json=big).status_code == 201
        refused = http.post("/v1/artifacts/session-events", json=big)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        unsized = http.post("/v1/artifacts/session-events", content=iter([b"{}"]))
        assert unsized.status_code == 400


def test_one_key_begins_so_many_sessions_an_hour_and_goes_on_with_those(server: RunningServer, settings: Settings) -> None:
    client = Client(server, make_key(settings))
    assert [client.upload(f"many-{number}").status_code for number in range(7)] == [201] * 5 + [429] * 2
    assert client.upload("many-0").status_code == 201
    client.http.close()


def test_a_rotated_key_ends_at_its_date_and_a_revoked_one_at_once(server: RunningServer, settings: Settings) -> None:
    from datetime import timedelta

    old_id, old = key_with(settings, KeyLimits())

    async def rotate(database: Database, days: int) -> str:
        _, secret = await rotate_key(
            database, project_id=DEFAULT_PROJECT_ID, key_id=old_id, overlap=timedelta(days=days), now=utc_now()
        )
        return secret

    def asks(secret: str) -> int:
        server.app.state.keyring.forget()
        return httpx.get(f"{server.url}/v1/issues", headers={"X-Retrospec-Key": secret}).status_code

    new = in_database(settings, lambda database: rotate(database, 7))
    assert (asks(old), asks(new)) == (200, 200)
    newer = in_database(settings, lambda database: rotate(database, 0))
    assert (asks(old), asks(new), asks(newer)) == (401, 200, 200)


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [("GET", "/v1/issues", "X-Retrospec-Key"), ("POST", "/v1/internal/analysis-reports", "X-Retrospec-Internal")],
)
def test_guessing_keys_is_slowed_down_whatever_the_guess(
    tmp_path_factory: pytest.TempPathFactory, method: str, path: str, header: str
) -> None:
    settings = settings_for(tmp_path_factory.mktemp("guesses"))
    settings.limits.requests_per_second, settings.limits.burst = 1, 20
    with serving(settings) as running, httpx.Client(base_url=running.url) as http:
        statuses = [
            http.request(method, path, headers={header: new_secret()}).status_code for _ in range(40)
        ]
    assert statuses.count(429) >= 15
    assert 200 not in statuses
