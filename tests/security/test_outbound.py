"""The way out, against a server that lures inward, never ends, crawls or swells."""

import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from retrospec.accounts.oidc import OidcClient
from retrospec.accounts.oidc_words import new_errand
from retrospec.domain.errors import Unauthorized, Unavailable
from retrospec.domain.settings import SignInSettings
from retrospec.model_line import Endpoint, ModelAnswerRefused, ModelLine, deadline, exchange
from retrospec.outbound.addresses import NotSent
from retrospec.outbound.client import open_client, sent, whole_body, within

PUBLIC = "93.184.216.34"


class Lure:
    """A local server; ``answers`` gives the status, headers and pieces of a body for a path."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.asked: list[tuple[str, str]] = []
        self.discovery: dict[str, Any] = {}
        self.stop = threading.Event()

    def endless(self) -> Iterator[bytes]:
        while not self.stop.is_set():
            yield b"x" * 65_536

    def slow(self) -> Iterator[bytes]:
        while not self.stop.wait(0.05):
            yield b" "

    def answer(self, path: str) -> tuple[int, dict[str, str], Iterator[bytes]]:
        if path == "/to-private":
            return 302, {"Location": f"{self.url}/secret"}, iter([b""])
        if path.startswith("/endless"):
            return 200, {}, self.endless()
        if path.startswith("/slow"):
            return 200, {}, self.slow()
        if path.startswith("/bomb"):
            return 200, {"Content-Encoding": "gzip"}, iter([gzip.compress(b"0" * 20_000_000)])
        if path.endswith("openid-configuration"):
            import json

            return 200, {}, iter([json.dumps(self.discovery).encode()])
        return 200, {}, iter([b'{"ok": true}'])


@pytest.fixture
def lure() -> Iterator[Lure]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Host", "")))
            status, headers, pieces = made.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # the other side hung up, as it should

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Lure(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.stop.set()
    server.shutdown()
    server.server_close()
    thread.join()


async def asked(url: str, *, allow_private: bool = True, most: int = 10_000, timeout_s: float = 10) -> tuple[int, bytes]:
    client = open_client(lambda _: allow_private)
    async with within(timeout_s), client, sent(client, client.build_request("GET", url)) as answer:
        return answer.status_code, await whole_body(answer, most)


def named(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names below ``.example`` resolve to these addresses, in turn; what was asked is noted."""
    left, real, looked_up = list(answers), socket.getaddrinfo, []

    def look_up(host: Any, port: Any, *given: Any, **more: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *given, **more)
        looked_up.append(str(host))
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return looked_up


async def test_a_redirect_into_the_own_network_is_not_followed(lure: Lure) -> None:
    status, _ = await asked(f"{lure.url}/to-private")
    assert status == 302
    assert [path for path, _ in lure.asked] == ["/to-private"]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["169.254.169.254"]])
async def test_a_name_with_any_private_address_is_not_reached(
    lure: Lure, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    named(monkeypatch, addresses)
    with pytest.raises(NotSent, match="private network"):
        await asked(f"http://inside.example:{lure.port}/", allow_private=False)
    assert not lure.asked


async def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(
    lure: Lure, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = named(monkeypatch, ["127.0.0.1"], [PUBLIC])
    assert await asked(f"http://fickle.example:{lure.port}/x") == (200, b'{"ok": true}')
    assert looked_up == ["fickle.example"]
    assert lure.asked == [("/x", f"fickle.example:{lure.port}")]


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp"])
async def test_only_web_addresses_are_asked(scheme: str) -> None:
    with pytest.raises(NotSent, match="not a web address"):
        await asked(f"{scheme}://127.0.0.1/etc/passwd")


async def test_an_endless_answer_is_cut_off_at_its_limit(lure: Lure) -> None:
    with pytest.raises(NotSent, match="longer than 10,000 bytes"):
        await asked(f"{lure.url}/endless")


async def test_an_answer_that_trickles_for_ever_ends_at_the_deadline(lure: Lure) -> None:
    with pytest.raises(NotSent, match=r"within 0\.3 s"):
        await asked(f"{lure.url}/slow", timeout_s=0.3)


async def test_a_compressed_answer_is_never_unpacked(lure: Lure) -> None:
    with pytest.raises(NotSent, match="compressed"):
        await asked(f"{lure.url}/bomb", most=1_000_000)


@pytest.mark.parametrize(("path", "says"), [("/endless", "longer than"), ("/bomb", "compressed"), ("/to-private", "answered 302")])
async def test_a_model_that_misbehaves_is_refused(lure: Lure, path: str, says: str) -> None:
    line = ModelLine()
    endpoint = Endpoint(kind="text", section="analysis", url=lure.url + path, key="", timeout_seconds=10)
    with pytest.raises(ModelAnswerRefused, match=says):
        async with deadline(endpoint):
            await exchange(line.client(), endpoint, {})
    await line.close()


def discovered(lure: Lure, wait_s: float = 30.0, **changes: str) -> OidcClient:
    named_by_it = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
    lure.discovery = {"issuer": lure.url, **{name: f"{lure.url}/{path}" for name, path in named_by_it.items()}, **changes}
    return OidcClient(SignInSettings(oidc_issuer=lure.url, oidc_client_id="x"), wait_s=wait_s)


async def test_a_provider_cannot_send_us_to_another_host_of_the_own_network(
    lure: Lure, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, ["127.0.0.1"])
    client = discovered(lure, token_endpoint=f"http://metadata.example:{lure.port}/latest")
    with pytest.raises(Unavailable, match="private network"):
        await client.claims(new_errand(), "code", "http://127.0.0.1/oidc/callback")
    assert [path for path, _ in lure.asked] == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "ftp://127.0.0.1/x", "//no.scheme/"])
async def test_a_provider_names_web_addresses_or_none(lure: Lure, address: str) -> None:
    with pytest.raises(Unavailable, match="not https"):
        await discovered(lure, authorization_endpoint=address).way_out(new_errand(), "http://127.0.0.1/oidc/callback")


@pytest.mark.parametrize(("path", "says"), [("endless", "longer than"), ("slow", "within"), ("bomb", "compressed")])
async def test_a_provider_that_never_ends_is_given_up(lure: Lure, path: str, says: str) -> None:
    client = discovered(lure, wait_s=0.5 if path == "slow" else 30.0, token_endpoint=f"{lure.url}/{path}")
    with pytest.raises(Unavailable, match=says):
        await client.claims(new_errand(), "code", "http://127.0.0.1/oidc/callback")


async def test_a_provider_that_redirects_is_not_followed(lure: Lure) -> None:
    client = discovered(lure, token_endpoint=f"{lure.url}/to-private")
    with pytest.raises(Unauthorized):
        await client.claims(new_errand(), "code", "http://127.0.0.1/oidc/callback")
    assert "/secret" not in [path for path, _ in lure.asked]


def test_nothing_but_the_way_out_opens_a_client_of_its_own() -> None:
    """The doctor, the upload of source maps, the client for programs and the bucket's rules go where whoever runs them says; the rest is guarded."""
    from tests.test_structure import PACKAGE, source_files

    opens = {
        file.relative_to(PACKAGE).as_posix()
        for file in source_files()
        if any(name in file.read_text() for name in ("httpx.AsyncClient(", "httpx.Client(", "urlopen(", "http.client"))
    }
    by_hand = {name for name in opens if name.startswith(("bench/", "demo/", "cli/"))} | {"outlook.py", "client/asking.py", "storage/bucket_rules.py"}
    assert opens - by_hand == {"outbound/client.py"}
