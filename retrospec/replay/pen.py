"""What is drawn over the page in a film: the pointer, clicks, and the caption bar."""

from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from retrospec.replay.planes import Pixels, blank, halved, planes, to_yuv

CAPTION_PX = 28
GROUND = (24, 24, 27)
INK, FAINT, WARNING = (244, 244, 245), (161, 161, 170), (255, 138, 101)
RING_MS = 600
"""A click's ring is seen so long."""
_ARROW = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
_FINE = 4
"""Shapes are drawn this much larger and shrunk, which smooths their edges."""


class Sprite(msgspec.Struct):
    """A small picture with transparency, for each plane its values and how much they cover."""

    inks: list[npt.NDArray[np.uint16]]
    covers: list[npt.NDArray[np.uint16]]
    """0…255."""


def blank_frame(width: int, height: int) -> Pixels:
    """A frame with nothing on it."""
    return blank(width, height, GROUND)


def draw_pointer(frame: Pixels, x: int, y: int) -> None:
    """An arrow whose tip is at ``x, y`` (frame pixels)."""
    _lay(frame, _arrow(x % 2, y % 2), x, y)


def draw_ring(frame: Pixels, x: int, y: int, age_ms: int) -> None:
    """A ring around a click ``age_ms`` old, widening as it fades."""
    step = min(3, max(0, age_ms * 4 // RING_MS))
    half = 14 + 5 * step
    _lay(frame, _ring(10 + 5 * step, 230 - 45 * step, (x - half) % 2, (y - half) % 2), x - half, y - half)


def draw_caption(frame: Pixels, clock: str, route: str, marker: str) -> None:
    """Time, route and marker in the bar at the foot of ``frame``."""
    for plane, bar in zip(planes(frame), _caption(frame.shape[1], clock, route, marker), strict=True):
        plane[-bar.shape[0] :] = bar


def clock_text(t_ms: int) -> str:
    """``75300`` → ``1:15``."""
    return f"{t_ms // 60_000}:{t_ms // 1_000 % 60:02d}"


@lru_cache(maxsize=64)
def _caption(width: int, clock: str, route: str, marker: str) -> tuple[Pixels, Pixels, Pixels]:
    image = Image.new("RGB", (width, CAPTION_PX), GROUND)
    brush = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    brush.text((12, 5), clock, font=font, fill=INK)
    brush.text((76, 5), _cut(route, 60), font=font, fill=FAINT)
    if marker:
        words = _cut(marker, 90)
        brush.text((width - 12 - brush.textlength(words, font=font), 5), words, font=font, fill=WARNING)
    yuv = to_yuv(np.asarray(image))
    u, v = (halved(yuv[..., index]).astype(np.uint8) for index in (1, 2))
    return yuv[..., 0], u, v


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=4)
def _arrow(odd_x: int, odd_y: int) -> Sprite:
    image = Image.new("RGBA", (16 * _FINE, 24 * _FINE))
    shape = [((x + 1) * _FINE, (y + 1) * _FINE) for x, y in _ARROW]
    ImageDraw.Draw(image).polygon(shape, fill=(20, 20, 20, 255), outline=(255, 255, 255, 255), width=_FINE)
    return _sprite(image.resize((16, 24), Image.Resampling.LANCZOS), odd_x, odd_y)


@lru_cache(maxsize=16)
def _ring(radius: int, alpha: int, odd_x: int, odd_y: int) -> Sprite:
    side = 2 * radius + 8
    image = Image.new("RGBA", (side * _FINE, side * _FINE))
    reach = (4 * _FINE, 4 * _FINE, (side - 4) * _FINE, (side - 4) * _FINE)
    ImageDraw.Draw(image).ellipse(reach, outline=(230, 81, 0, alpha), width=3 * _FINE)
    return _sprite(image.resize((side, side), Image.Resampling.LANCZOS), odd_x, odd_y)


def _sprite(image: Image.Image, odd_x: int, odd_y: int) -> Sprite:
    """``image``, moved within an even frame so that its planes of colour begin on a whole sample."""
    rgba = np.asarray(image)
    height, width = rgba.shape[:2]
    room = np.zeros((height + odd_y + (height + odd_y) % 2, width + odd_x + (width + odd_x) % 2, 4), dtype=np.uint8)
    room[odd_y : odd_y + height, odd_x : odd_x + width] = rgba
    yuv, cover = to_yuv(room[..., :3]), room[..., 3].astype(np.float64)
    half = halved(cover)
    inks: list[npt.NDArray[np.uint16]] = [yuv[..., 0].astype(np.uint16)]
    for index in (1, 2):
        inks.append((halved(yuv[..., index] * cover) / np.maximum(half, 1e-6)).astype(np.uint16))
    return Sprite(inks, [cover.astype(np.uint16), half.astype(np.uint16), half.astype(np.uint16)])


def _lay(frame: Pixels, sprite: Sprite, x: int, y: int) -> None:
    """Lay ``sprite`` over the page at ``x, y``; what falls outside, or on the caption, is left away."""
    for plane, ink, cover, share in zip(planes(frame), sprite.inks, sprite.covers, (1, 2, 2), strict=True):
        page = plane[: plane.shape[0] - CAPTION_PX // share]
        _blend(page, ink, cover, (x - x % 2) // share, (y - y % 2) // share)


def _blend(ground: Pixels, ink: npt.NDArray[np.uint16], cover: npt.NDArray[np.uint16], x: int, y: int) -> None:
    left, top = max(0, x), max(0, y)
    right, bottom = min(ground.shape[1], x + ink.shape[1]), min(ground.shape[0], y + ink.shape[0])
    if left >= right or top >= bottom:
        return
    part = (slice(top - y, bottom - y), slice(left - x, right - x))
    under = ground[top:bottom, left:right]
    under[:] = (ink[part] * cover[part] + under * (255 - cover[part])) // 255
