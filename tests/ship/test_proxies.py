"""The proxy examples of docs/install.md, in the real proxies: only addresses, ports and certificates are put in."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from retrospec.bench.spawned import free_port
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.serving import RunningServer
from tests.conftest import Client, make_key, marker, open_http, serving, settings_for, wait_for

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
BURST = 6


def example(after: str) -> str:
    """The block of the page that follows these words."""
    found = re.search(r"```\w*\n(.*?)```", PAGE[PAGE.index(after) :], re.DOTALL)
    assert found is not None
    return found[1]


def caddy_config(folder: Path, port: int, upstream: str) -> tuple[Path, list[str]]:
    site = example("\nCaddy:\n").replace("retrospec.example.com", f"http://127.0.0.1:{port}").replace("127.0.0.1:8377", upstream)
    path = folder / "Caddyfile"
    path.write_text(f"{{\n    admin off\n    auto_https off\n    storage file_system {folder}\n}}\n{site}")
    return path, ["caddy", "run", "--config", str(path), "--adapter", "caddyfile"]


def nginx_config(folder: Path, port: int, upstream: str) -> tuple[Path, list[str]]:
    site = example("\nnginx (").replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8377", upstream)
    site = re.sub(r"^\s*ssl_certificate.*\n", "", site, flags=re.MULTILINE)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its workers may not enter this folder
    path.write_text(f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n    access_log off;\n{scratch}{site}}}\n")
    return path, ["nginx", "-c", str(path), "-p", str(folder), "-e", str(folder / "error.log")]


CONFIGS = {"caddy": caddy_config, "nginx": nginx_config}


@contextmanager
def proxy(name: str, folder: Path, upstream: str) -> Iterator[str]:
    """The proxy before ``upstream``; its URL. A skip where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    port = free_port()
    _, command = CONFIGS[name](folder, port, upstream)
    log = (folder / "log").open("w")
    with log, subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin:/bin:/usr/local/bin", "HOME": str(folder)}) as running:
        try:
            wait_for(lambda: running.poll() is not None or answers(f"http://127.0.0.1:{port}"))
            assert running.poll() is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


def without_nonce(header: str | None) -> str | None:
    return header and re.sub(r"nonce-[\w-]+", "nonce", header)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Behind:
    """A server and the proxy before it."""

    def __init__(self, server: RunningServer, settings: Settings, url: str) -> None:
        self.server, self.settings, self.url = server, settings, url

    def client(self, key: str, *, address: str) -> Client:
        """A visitor with an address of its own (all of 127/8 is this machine)."""
        client = Client(self.server, key)
        client.http = open_http(
            base_url=self.url, headers={"X-Retrospec-Key": key}, timeout=30, transport=httpx.HTTPTransport(local_address=address)
        )
        return client


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    settings = settings_for(tmp_path_factory.mktemp("behind"))
    settings.server.trusted_proxies = ["127.0.0.1"]
    settings.limits.requests_per_second, settings.limits.burst = 0.001, BURST
    folder = tmp_path_factory.mktemp("proxy")
    with serving(settings) as server, proxy(request.param, folder, server.url.split("//")[1]) as url:
        yield Behind(server, settings, url)


def test_a_recording_comes_through_and_is_judged(behind: Behind) -> None:
    client = behind.client(make_key(behind.settings), address="127.0.0.2")
    large = [{"type": 4, "timestamp": 1, "data": {"href": "x" * 100}}] + [{"type": 3, "n": "y" * 1_000}] * 2_000
    uploaded = client.upload("large", large)
    assert uploaded.status_code == 201, uploaded.text  # past the 1 MB nginx lets through by itself
    assert client.ingest("large", marker(), key=uploaded.json()["eventsObjectKey"]).status_code == 202
    behind.settings.limits.requests_per_second = 0
    try:
        assert client.judged("large")["stage"] == "done"
    finally:
        behind.settings.limits.requests_per_second = 0.001


def test_pages_and_the_sdk_come_through_with_their_headers(behind: Behind) -> None:
    with httpx.Client(base_url=behind.url) as http:
        page = http.get("/sign-in", headers={"Accept": "text/html"})
        straight = httpx.get(f"{behind.server.url}/sign-in", headers={"Accept": "text/html"})
        assert (page.status_code, straight.status_code) == (200, 200)
        kept = ("content-security-policy", "x-content-type-options", "referrer-policy", "content-type", "cache-control")
        assert [without_nonce(page.headers.get(name)) for name in kept] == [without_nonce(straight.headers.get(name)) for name in kept]
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-Retrospec-Key"}
        allowed = http.options("/v2/chunks", headers=asked)
        assert allowed.status_code == 204 and allowed.headers["access-control-allow-origin"] in ("*", "https://shop.example")
        if (built_dir() / "retrospec.js").is_file():
            sdk = http.get("/sdk.js")
            assert sdk.status_code == 200 and sdk.headers["content-type"].startswith(("text/javascript", "application/javascript"))


def test_each_visitor_has_a_rate_limit_of_his_own_and_none_can_take_anothers(behind: Behind) -> None:
    key = make_key(behind.settings)
    greedy, other = behind.client(key, address="127.0.0.3"), behind.client(key, address="127.0.0.4")
    statuses = [greedy.http.get("/v1/issues").status_code for _ in range(BURST + 2)]
    assert statuses[0] == 200 and statuses[-1] == 429
    pretending = greedy.http.get("/v1/issues", headers={"X-Forwarded-For": "203.0.113.9"})
    assert pretending.status_code == 429
    assert other.http.get("/v1/issues").status_code == 200
