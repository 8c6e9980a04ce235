"""A recording written to call home reaches nothing, whichever of the three walls still stands."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from playwright.async_api import Route

from retrospec.domain.settings import ReplaySettings
from retrospec.replay import chromium
from retrospec.replay.browser import find_browser
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, read_timeline
from tests.replay.recordings import Node, Tape, button, el, text

pytestmark = pytest.mark.browser

VAULT = chromium.VAULT_URL.rstrip("/")
WAYS = ("/img", "/body", "/font.woff2", "/import.css", "/iframe", "/poster", "/svg", "/prefetch", "/added", "/changed")
"""What a browser without walls must have asked for before the walled one is judged."""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="{0}/svg-data"/><style>@import "{0}/svg-import";</style></svg>'


class Listener:
    """Counts what connects, over TCP to a web server and over UDP."""

    def __init__(self, port: int, udp: socket.socket) -> None:
        self.port = port
        self.udp = udp
        self.hits: list[str] = []
        self.arrived = asyncio.Event()
        self.asked: list[str] = []
        """Contents asked of the vault."""

    def unknown(self, name: str) -> None:
        """A vault that has none of it: another project's contents look the same from here."""
        self.asked.append(name)

    @property
    def all_hits(self) -> list[str]:
        packets = []
        try:
            while True:
                packets.append(f"udp {self.udp.recv(64)!r}")
        except BlockingIOError:
            return self.hits + packets


@contextmanager
def udp_socket(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", port))
        udp.setblocking(False)
        yield udp


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readline()
        listener.hits.append(first.decode("latin-1").strip() or "a bare connection")
        listener.arrived.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with udp_socket(port) as udp:
        listener = Listener(port, udp)
        async with server:
            yield listener


def malicious(port: int) -> Tape:
    """Every way a page can ask for something, spoken to three names of the listener."""
    home = f"http://127.0.0.1:{port}"
    name = f"http://canary.localhost:{port}"
    tape = Tape(
        button("Pay", id=20, style=f"background:url({home}/inline)"),
        *_body(home, 100),
        *_body(name, 300),
        *_body(f"http://localhost:{port}", 500),
        *_body(VAULT, 600),
        *_body(f"{VAULT}/..%2f..", 700),
        style=_style(home) + _style(name),
        head=(*_head(home, 800), *_head(name, 850), *_head(VAULT, 920)),
    )
    tape.append(1_000, 6, el("img", {"src": f"{home}/added", "srcset": f"{home}/added2 2x"}, id=900))
    tape.append(1_100, 6, el("style", {}, text(f"@import url({home}/added.css);", 902), id=901))
    tape.attribute(1_200, 20, style=f"background-image:url({name}/changed)")
    tape.add(1_300, 3, {"source": 8, "id": 4, "adds": [{"rule": f"html{{background:url({home}/rule)}}", "index": 0}]})
    tape.add(1_350, 3, {"source": 10, "family": "late", "fontSource": f"{home}/late.woff2", "buffer": False})
    tape.add(1_400, 4, {"href": f"{home}/page", "width": 800, "height": 600})
    return tape.click(3_000, 20, 150, 120).move(6_000, 10, 10)


def _style(home: str) -> str:
    return (
        f"@import url({home}/import.css);@font-face{{font-family:c;src:url({home}/font.woff2)}}body{{font-family:c;background:url({home}/body)}}"
        f"li{{list-style-image:url({home}/list)}}a{{cursor:url({home}/cursor),auto}}p::before{{content:url({home}/content)}}"
    )


def _head(home: str, first: int) -> list[Node]:
    rels = ("prefetch", "preconnect", "dns-prefetch", "prerender", "modulepreload", "icon", "stylesheet", "manifest", "preload")
    links = [el("link", {"rel": rel, "href": f"{home}/{rel}", "as": "image"}, id=first + i) for i, rel in enumerate(rels)]
    refresh = el("meta", {"http-equiv": "refresh", "content": f"0;url={home}/refresh"}, id=first + 20)
    base = el("base", {"href": home}, id=first + 21)
    script = el("script", {}, text(f"fetch('{home}/script')", first + 23), id=first + 22)
    return [*links, refresh, base, script]


def _body(home: str, first: int) -> list[Node]:
    tags = [
        ("img", {"src": f"{home}/img", "srcset": f"{home}/srcset 2x", "onerror": f"fetch('{home}/onerror')"}),
        ("iframe", {"src": f"{home}/iframe"}),
        ("iframe", {"srcdoc": f"<img src='{home}/srcdoc'><script>fetch('{home}/srcdoc-script')</script>"}),
        ("object", {"data": f"{home}/object"}),
        ("embed", {"src": f"{home}/embed"}),
        ("video", {"src": f"{home}/video", "poster": f"{home}/poster", "autoplay": ""}),
        ("audio", {"src": f"{home}/audio", "preload": "auto"}),
        ("input", {"type": "image", "src": f"{home}/input"}),
        ("script", {"src": f"{home}/script.js"}),
        ("a", {"href": f"{home}/a", "ping": f"{home}/ping"}),
        ("form", {"action": f"{home}/form"}),
        ("img", {"src": "data:image/svg+xml," + SVG.format(home).replace("#", "%23")}),
        ("table", {"background": f"{home}/table"}),
        ("li", {}),
        ("p", {}),
        ("frame", {"src": f"{home}/frame"}),
        ("portal", {"src": f"{home}/portal"}),
    ]
    plain = [el(tag, attributes, id=first + i) for i, (tag, attributes) in enumerate(tags)]
    drawing = [el("image", {"href": f"{home}/svg", "xlink:href": f"{home}/xlink"}, id=first + 51), el("use", {"href": f"{home}/use#a"}, id=first + 52)]
    svg = el("svg", {}, *[{**part, "isSVG": True} for part in drawing], id=first + 50)
    nested = el("div", {}, el("picture", {}, el("source", {"srcset": f"{home}/source"}, id=first + 61), el("img", {}, id=first + 62), id=first + 60), id=first + 59)
    return [*plain, {**svg, "isSVG": True}, nested]


@asynccontextmanager
async def replaying(settings: ReplaySettings) -> AsyncIterator[Listener]:
    """The malicious recording on an open stage, every instant of it shown, and what it was written to call."""
    found = find_browser(settings)
    assert found is not None
    browser = chromium.Chromium(found)
    await browser.start()
    try:
        async with listening() as listener:
            line = read_timeline(malicious(listener.port).recording())
            line.assets = listener.unknown
            async with Stage(browser, line, Size(800, 600), 1.0, hover=True) as stage:
                for t_ms in (0, 1_000, 1_200, 1_350, 3_000):
                    await stage.seek(t_ms)
                assert (await stage.point(20, 150, 120)).text == "Pay", "the malicious page itself was rebuilt"
                await stage.picture()
                yield listener
    finally:
        await browser.stop()


async def hits_while_the_control_is_hit(settings: ReplaySettings, patch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the listener while an unwalled browser, started later, gets every request through."""
    async with replaying(settings) as walled:
        with patch.context() as unwalled:
            for fell in WALLS.values():
                fell(unwalled)
            async with replaying(settings) as control, asyncio.timeout(20):
                while not all(any(way in hit for hit in control.hits) for way in WAYS):
                    await control.arrived.wait()
                    control.arrived.clear()
        return walled.all_hits


def without_policy(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chromium, "POLICY", "default-src * data: 'unsafe-inline'")


def without_interception(patch: pytest.MonkeyPatch) -> None:
    refuse = chromium._refuse

    async def let_through(route: Route) -> None:
        if route.request.url == chromium.STAGE_URL:
            await refuse(route)
        else:
            await route.continue_()

    patch.setattr(chromium, "_refuse", let_through)


def without_rules(patch: pytest.MonkeyPatch) -> None:
    kept = tuple(word for word in chromium.ARGUMENTS if "host-resolver-rules" not in word)
    patch.setattr(chromium, "ARGUMENTS", kept)


WALLS = {"policy": without_policy, "interception": without_interception, "rules": without_rules}


@pytest.fixture(autouse=True)
def no_fourth_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer Chromium keeps public pages from loopback by itself: ours must hold without that."""
    off = "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebRTC"
    monkeypatch.setattr(chromium, "ARGUMENTS", (*chromium.ARGUMENTS, off))


async def test_a_malicious_recording_reaches_no_listener(replay_settings: ReplaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await hits_while_the_control_is_hit(replay_settings, monkeypatch) == []


@pytest.mark.parametrize("standing", WALLS)
async def test_each_wall_holds_alone(replay_settings: ReplaySettings, monkeypatch: pytest.MonkeyPatch, standing: str) -> None:
    for name, fell in WALLS.items():
        if name != standing:
            fell(monkeypatch)
    assert await hits_while_the_control_is_hit(replay_settings, monkeypatch) == []


async def test_what_the_vault_does_not_give_is_asked_of_nobody_else(replay_settings: ReplaySettings) -> None:
    async with replaying(replay_settings) as listener:
        assert listener.all_hits == []
        asked = {name.rpartition("/")[2] for name in listener.asked}
        assert {"img", "svg", "poster"} & asked, "pictures are looked for in the vault"
        never = {"script.js", "iframe", "frame", "object", "embed", "a", "ping", "form", "prefetch", "manifest", "portal", "page"}
        assert asked & never == set(), "but nothing that is a document, a script or a form"


async def test_a_vault_content_cannot_be_had_without_the_vaults_own_answer(replay_settings: ReplaySettings) -> None:
    known, foreign = "a1" * 32, "b2" * 32
    square = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="#0a0"/></svg>'
    found = find_browser(replay_settings)
    assert found is not None
    images = [el("img", {"src": f"{chromium.VAULT_URL}{name}"}, id=20 + at) for at, name in enumerate((known, foreign, known + "x", "../" + known))]
    line = read_timeline(Tape(*images).move(100, 5, 5).recording())
    line.assets = lambda name: (square.encode(), "image/svg+xml") if name == known else None
    browser = chromium.Chromium(found)
    await browser.start()
    try:
        async with Stage(browser, line, Size(800, 600), 1.0, hover=False) as stage:
            await stage.seek(100)
            widths = await stage.page.evaluate("() => [...retrospecStage.page.images].map(image => image.naturalWidth)")
    finally:
        await browser.stop()
    assert widths == [9, 0, 0, 9], "the last one is the first, spelled with dots"
