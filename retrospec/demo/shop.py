"""The shop: a few plain pages on a port of their own, with RetroSpec's snippet in their head.

It answers ``POST /api/pay`` with 500 for the wallet: one of the faults in ``faults.py``; the others
are in ``pages/shop.js`` and ``pages/checkout.html``.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from retrospec.demo.teas import TEAS, Tea, tin_svg

_PAGES = Path(__file__).parent / "pages"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
_TITLES = {
    "home": "Teas",
    "about": "How we pick",
    "basket": "Basket",
    "checkout": "Checkout",
    "thanks": "Thank you",
}
_MAX_ORDER_BYTES = 10_000


@contextmanager
def running_shop(snippet: str, port: int = 0) -> Iterator[str]:
    """Serve the shop on the loopback address; yields its URL. ``snippet`` goes into every page's head."""
    server = _ShopServer(("127.0.0.1", port), snippet)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="demo-shop", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _ShopServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], snippet: str) -> None:
        super().__init__(address, _Visitor)
        self.pages = {path: page.encode() for path, page in _all_pages(snippet)}


class _Visitor(BaseHTTPRequestHandler):
    server: _ShopServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page, or a file of the shop's."""
        path = urlsplit(self.path).path
        page = self.server.pages.get(path)
        if page is not None:
            self._answer(HTTPStatus.OK, "text/html", page)
            return
        file = _PAGES / Path(path).name
        if path.startswith("/shop/") and file.suffix in _TYPES and file.is_file():
            self._answer(HTTPStatus.OK, _TYPES[file.suffix], file.read_bytes())
            return
        self._answer(HTTPStatus.NOT_FOUND, "text/html", self.server.pages["/lost"])

    def do_POST(self) -> None:
        """An order."""
        order = self._order()
        if urlsplit(self.path).path != "/api/pay" or order is None:
            self._answer_json(HTTPStatus.BAD_REQUEST, {"error": "not an order"})
        elif order.get("method") == "wallet":  # planted
            self._answer_json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "wallet gateway: no merchant id"})
        else:
            self._answer_json(HTTPStatus.OK, {"order": "KL-2051"})

    def _order(self) -> dict[str, object] | None:
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= _MAX_ORDER_BYTES:
            return None
        try:
            order = json.loads(self.rfile.read(size))
        except ValueError:
            return None
        return order if isinstance(order, dict) else None

    def _answer_json(self, status: HTTPStatus, content: object) -> None:
        self._answer(status, "application/json", json.dumps(content).encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the demo's own lines are on the terminal."""


def _all_pages(snippet: str) -> Iterator[tuple[str, str]]:
    cards = "\n".join(_card(tea) for tea in TEAS)
    for name, title in _TITLES.items():
        content = (_PAGES / f"{name}.html").read_text(encoding="utf-8").replace("{{cards}}", cards)
        yield ("/" if name == "home" else f"/{name}"), _in_layout(snippet, name, title, content)
    for tea in TEAS:
        yield f"/tea/{tea.slug}", _in_layout(snippet, "tea", tea.name, _tea_page(tea))
    lost = '<h1>There is no such page.</h1><p><a href="/">Back to the teas</a></p>'
    yield "/lost", _in_layout(snippet, "lost", "Lost", lost)


def _in_layout(snippet: str, page: str, title: str, content: str) -> str:
    layout = (_PAGES / "layout.html").read_text(encoding="utf-8")
    return _filled(layout, {"snippet": snippet, "page": page, "title": title, "content": content})


def _tea_page(tea: Tea) -> str:
    template = (_PAGES / "tea.html").read_text(encoding="utf-8")
    return _filled(
        template,
        {
            "tin": tin_svg(tea),
            **{name: getattr(tea, name) for name in Tea.__struct_fields__ if name != "tin"},
        },
    )


def _card(tea: Tea) -> str:
    return (
        f'<li data-family="{tea.family}"><a class="card" href="/tea/{tea.slug}">{tin_svg(tea)}'
        f'<h3>{tea.name}</h3><span class="muted">{tea.origin}</span><p class="price">{tea.price}</p></a></li>'
    )


def _filled(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{{" + name + "}}", value)
    return template
