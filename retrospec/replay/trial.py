"""A trial of the browser: one frame of a tiny recording, and whether it shows what was recorded."""

import json
from io import BytesIO
from typing import Any

import msgspec
from PIL import Image

from retrospec.domain.errors import Unavailable
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings
from retrospec.replay.browser import Fault, Renderer
from retrospec.replay.chromium import Chromium
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, Timeline, read_timeline

COLOUR = (12, 120, 200)
_SIZE = Size(320, 240)


class Trial(msgspec.Struct):
    """What came of it."""

    failure: str = ""
    """Why no right frame came out; empty when one did."""
    version: str = ""
    unguarded: str = ""
    """Why Chromium's sandbox is off; empty when it is on."""


async def try_out(settings: ReplaySettings) -> Trial:
    """Start the browser, draw one frame, end it. Never raises for what the browser does."""
    line = read_timeline(_one_colour())
    async with Renderer(settings) as renderer:
        try:
            return await renderer.with_browser(lambda chromium: _draw(chromium, line))
        except Unavailable as error:
            return Trial(failure=error.message)
        except Fault as error:
            return Trial(failure=str(error))


async def _draw(chromium: Chromium, line: Timeline) -> Trial:
    async with Stage(chromium, line, _SIZE, 1.0, hover=False) as stage:
        await stage.seek(0)
        picture = Image.open(BytesIO(await stage.picture())).convert("RGB")
    drawn = picture.getpixel((_SIZE.width // 2, _SIZE.height // 2))
    failure = "" if drawn == COLOUR else f"the frame shows the colour {drawn} where {COLOUR} was recorded"
    return Trial(failure, chromium.version, chromium.unguarded)


def _one_colour() -> Recording:
    """A page that is one colour all over."""

    def element(node_id: int, tag: str, style: str, *children: Any) -> dict[str, Any]:
        attributes = {"style": style} if style else {}
        return {"type": 2, "id": node_id, "tagName": tag, "attributes": attributes, "childNodes": list(children)}

    body = element(4, "body", f"margin:0;background:rgb{COLOUR}")
    page = {"type": 0, "id": 1, "childNodes": [element(2, "html", "", element(3, "head", ""), body)]}
    meta = {"href": "https://trial.invalid/", "width": _SIZE.width, "height": _SIZE.height}
    offset = {"left": 0, "top": 0}
    events = [
        {"type": 4, "timestamp": 1_000, "data": meta},
        {"type": 2, "timestamp": 1_000, "data": {"node": page, "initialOffset": offset}},
    ]
    return Recording([json.dumps(events).encode()])
