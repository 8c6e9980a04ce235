"""What is drawn over the page in a film: the pointer, clicks, and the caption bar."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]

CAPTION_PX = 28
GROUND = (24, 24, 27)
INK, FAINT, WARNING = (244, 244, 245), (161, 161, 170), (255, 138, 101)
RING_MS = 600
"""A click's ring is seen so long."""
_ARROW = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
_FINE = 4
"""Shapes are drawn this much larger and shrunk, which smooths their edges."""


def blank_frame(width: int, height: int) -> Pixels:
    """A frame with nothing on it."""
    frame: Pixels = np.empty((height, width, 3), dtype=np.uint8)
    frame[:] = GROUND
    return frame


def draw_pointer(frame: Pixels, x: int, y: int) -> None:
    """An arrow whose tip is at ``x, y`` (frame pixels)."""
    _blend(frame, _arrow(), x, y)


def draw_ring(frame: Pixels, x: int, y: int, age_ms: int) -> None:
    """A ring around a click ``age_ms`` old, widening as it fades."""
    step = min(3, max(0, age_ms * 4 // RING_MS))
    ring = _ring(10 + 5 * step, 230 - 45 * step)
    _blend(frame, ring, x - ring.shape[1] // 2, y - ring.shape[0] // 2)


def draw_caption(frame: Pixels, clock: str, route: str, marker: str) -> None:
    """Time, route and marker in the bar at the foot of ``frame``."""
    frame[-CAPTION_PX:] = _caption(frame.shape[1], clock, route, marker)


def clock_text(t_ms: int) -> str:
    """``75300`` → ``1:15``."""
    return f"{t_ms // 60_000}:{t_ms // 1_000 % 60:02d}"


@lru_cache(maxsize=64)
def _caption(width: int, clock: str, route: str, marker: str) -> Pixels:
    image = Image.new("RGB", (width, CAPTION_PX), GROUND)
    brush = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    brush.text((12, 5), clock, font=font, fill=INK)
    brush.text((76, 5), _cut(route, 60), font=font, fill=FAINT)
    if marker:
        words = _cut(marker, 90)
        brush.text((width - 12 - brush.textlength(words, font=font), 5), words, font=font, fill=WARNING)
    return np.asarray(image)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=1)
def _arrow() -> Pixels:
    image = Image.new("RGBA", (16 * _FINE, 24 * _FINE))
    shape = [((x + 1) * _FINE, (y + 1) * _FINE) for x, y in _ARROW]
    ImageDraw.Draw(image).polygon(shape, fill=(20, 20, 20, 255), outline=(255, 255, 255, 255), width=_FINE)
    return np.asarray(image.resize((16, 24), Image.Resampling.LANCZOS))


@lru_cache(maxsize=8)
def _ring(radius: int, alpha: int) -> Pixels:
    side = 2 * radius + 8
    image = Image.new("RGBA", (side * _FINE, side * _FINE))
    reach = (4 * _FINE, 4 * _FINE, (side - 4) * _FINE, (side - 4) * _FINE)
    ImageDraw.Draw(image).ellipse(reach, outline=(230, 81, 0, alpha), width=3 * _FINE)
    return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))


def _blend(frame: Pixels, sprite: Pixels, x: int, y: int) -> None:
    """Lay a picture with transparency over ``frame``; what falls outside is left away."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(frame.shape[1], x + sprite.shape[1]), min(frame.shape[0] - CAPTION_PX, y + sprite.shape[0])
    if left >= right or top >= bottom:
        return
    part = sprite[top - y : bottom - y, left - x : right - x].astype(np.uint16)
    ground = frame[top:bottom, left:right].astype(np.uint16)
    alpha = part[..., 3:]
    frame[top:bottom, left:right] = ((part[..., :3] * alpha + ground * (255 - alpha)) // 255).astype(np.uint8)
