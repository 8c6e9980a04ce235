"""A recorded page whose looks come from its site: a picture, a stylesheet, and what that stylesheet names."""

import hashlib
import json
import struct
from io import BytesIO

from PIL import Image

from tests.replay.recordings import Tape, el, text

SITE = "https://gone.example"
TOKEN = "token=Zk3mq0Tn8xW2LcV5"
RED, GREEN, BLUE = (200, 30, 90), (20, 160, 70), (10, 40, 220)
"""The picture, the stylesheet's background, and text in the stylesheet's font."""
STYLESHEET = (
    b'@font-face { font-family: Block; src: url("fonts/block.ttf") format("truetype") }\n'
    b"#ground { background: url(../ground.png) }\n"
    b"#words { font: 40px/40px Block; color: rgb(10, 40, 220) }\n"
    b"#never { background: url(https://elsewhere.example/never.png) }"
)


def png(color: tuple[int, int, int]) -> bytes:
    """A square of one colour."""
    out = BytesIO()
    Image.new("RGB", (16, 16), color).save(out, "PNG")
    return out.getvalue()


def block_font() -> bytes:
    """A TrueType font in which every letter A is a full black square of one em."""
    square = struct.pack(">hhhhh", 1, 0, 0, 1000, 1000) + struct.pack(">HH", 3, 0) + b"\x01" * 4
    square += struct.pack(">hhhh", 0, 0, 1000, 0) + struct.pack(">hhhh", 0, 1000, 0, -1000) + b"\0\0"
    square += b"\0" * (-len(square) % 4)
    cmap4 = struct.pack(">HHHHHHH", 4, 32, 0, 4, 4, 1, 0) + struct.pack(">HHHHH", 65, 0xFFFF, 0, 65, 0xFFFF)
    cmap4 += struct.pack(">hhHH", 1 - 65, 1, 0, 0)
    os2 = struct.pack(">HhHHH", 3, 1000, 400, 5, 0) + struct.pack(">10h", *[0] * 10) + struct.pack(">h", 0) + bytes(10)
    os2 += struct.pack(">4I", 0, 0, 0, 0) + b"TEST" + struct.pack(">HHHhhhHH", 64, 65, 65, 1000, 0, 0, 1000, 0)
    os2 += struct.pack(">2I", 0, 0) + struct.pack(">hhHHH", 500, 700, 0, 32, 0)
    family = "Block".encode("utf-16-be")
    names = [(number, family) for number in (1, 4, 6)]
    records = b"".join(struct.pack(">6H", 3, 1, 0x409, number, len(family), 0) for number, _ in names)
    tables = {
        b"OS/2": os2,
        b"cmap": struct.pack(">HHHHI", 0, 1, 3, 1, 12) + cmap4,
        b"glyf": square * 2,
        b"head": struct.pack(">IIIIHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, 1000, 0, 0, 0, 0, 1000, 1000, 0, 8, 2, 1, 0),
        b"hhea": struct.pack(">Ihhh", 0x10000, 1000, 0, 0) + struct.pack(">Hhhhhhh", 1000, 0, 0, 1000, 1, 0, 0) + bytes(10) + struct.pack(">H", 2),
        b"hmtx": struct.pack(">HhHh", 1000, 0, 1000, 0),
        b"loca": struct.pack(">3I", 0, len(square), 2 * len(square)),
        b"maxp": struct.pack(">IH", 0x10000, 2) + struct.pack(">13H", 4, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0),
        b"name": struct.pack(">HHH", 0, len(names), 6 + 12 * len(names)) + records + family,
        b"post": struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0),
    }  # fmt: skip
    return _sfnt(tables)


def _sfnt(tables: dict[bytes, bytes]) -> bytes:
    head, body, place = struct.pack(">IHHHH", 0x10000, len(tables), 128, 3, len(tables) * 16 - 128), b"", 12 + 16 * len(tables)
    for tag, content in sorted(tables.items()):
        padded = content + b"\0" * (-len(content) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        head += tag + struct.pack(">III", total, place + len(body), len(content))
        body += padded
    return head + body


CONTENTS: dict[str, tuple[str, bytes]] = {
    f"{SITE}/logo.png?{TOKEN}": ("image/png", png(RED)),
    f"{SITE}/css/site.css": ("text/css", STYLESHEET),
    f"{SITE}/ground.png": ("image/png", png(GREEN)),
    f"{SITE}/css/fonts/block.ttf": ("font/ttf", block_font()),
}
"""By address, as the visitor's browser had them."""


def page() -> Tape:
    """Four squares of 100 pixels in a row: picture, background, text, and one whose picture nobody has."""
    place = "position:absolute;top:0;width:100px;height:100px;overflow:hidden;left:"
    tape = Tape(
        el("img", {"src": f"{SITE}/logo.png?{TOKEN}", "style": place + "0"}, id=20),
        el("div", {"id": "ground", "style": place + "100px"}, id=21),
        el("div", {"id": "words", "style": place + "200px"}, text("AA", 23), id=22),
        el("img", {"src": f"{SITE}/lost.png", "style": place + "300px", "alt": ""}, id=24),
        head=(el("link", {"rel": "stylesheet", "href": f"{SITE}/css/site.css", "integrity": "sha256-AAAA"}, id=30),),
    )
    tape.add(2_000, 5, {"tag": "retrospec.request", "payload": {"method": "GET", "url": "/api/teas", "status": 200, "durationMs": 31.4}})
    tape.click(3_000, 20, 50, 50)
    tape.add(3_400, 5, {"tag": "retrospec.request", "payload": {"method": "POST", "url": "/api/pay", "status": 500, "durationMs": 120}})
    tape.add(3_500, 6, {"plugin": "rrweb/console@1", "payload": {"level": "error", "payload": ['"Payment failed"'], "trace": []}})
    return tape.move(6_000, 10, 10)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def known_body(session_id: str) -> str:
    """What the SDK asks with."""
    entries = [
        {"url": url, "sha256": digest(content), "type": kind, "bytes": len(content)} for url, (kind, content) in CONTENTS.items()
    ]
    return json.dumps({"sessionId": session_id, "assets": entries})


def chunk_body(session_id: str) -> str:
    """The page as one chunk of the SDK."""
    events = page().events
    first = events[0]["timestamp"]
    return json.dumps(
        {
            "v": 2, "sessionId": session_id, "tabId": "t1", "visitorId": "v1", "seq": 0, "segment": 0, "site": "gone", "route": "/",
            "url": f"{SITE}/", "startedAt": first, "sentAt": first + 7_000, "events": events, "final": True, "client": {},
            "markers": [{"id": "m1", "at": first + 3_000, "kind": "ui_no_effect", "label": "dead click on logo"}],
        }
    )  # fmt: skip


def area(picture: bytes, color: tuple[int, int, int]) -> int:
    """Pixels of about that colour."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    return sum(count for count, found in image.getcolors(1 << 24) or [] if all(abs(a - b) < 12 for a, b in zip(found, color, strict=True)))
