"""Comparing pictures of a page, and drawing what differs."""

from collections.abc import Sequence
from io import BytesIO

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from retrospec.domain.visual import Box

Pixels = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.bool_]

CELL_PX = 8
"""Pictures are compared in squares: a letter touches one to four of them."""
LEAST_STEP = 24
"""Of 255 in any channel: replays of one state are equal to the bit, so this only forgives scaling."""
LEAST_PIXELS = 4
OUTLINE = (230, 81, 0)


def read_pixels(image: bytes) -> Pixels:
    """A PNG as ``(height, width, 3)``."""
    return np.asarray(Image.open(BytesIO(image)).convert("RGB"))


def changed_cells(one: Pixels, other: Pixels) -> Cells:
    """Which squares differ; of the common part where the sizes do."""
    height, width = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    rows, columns = height // CELL_PX, width // CELL_PX
    height, width = rows * CELL_PX, columns * CELL_PX
    step = np.abs(one[:height, :width].astype(np.int16) - other[:height, :width].astype(np.int16)).max(axis=2)
    counts = (step > LEAST_STEP).reshape(rows, CELL_PX, columns, CELL_PX).sum(axis=(1, 3))
    found: Cells = counts >= LEAST_PIXELS
    return found


def widened(cells: Cells) -> Cells:
    """The same squares and their neighbours: what moves by itself rarely keeps to its square."""
    wide = cells.copy()
    wide[1:] |= cells[:-1]
    wide[:-1] |= cells[1:]
    tall = wide.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def cells_of(box: Box, scale: float, shape: tuple[int, ...]) -> Cells:
    """The squares ``box`` (CSS pixels) touches, and their neighbours: a shadow is part of its element."""
    cells: Cells = np.zeros(shape, dtype=np.bool_)
    left, top = int(box.x * scale) // CELL_PX, int(box.y * scale) // CELL_PX
    right, bottom = int((box.x + box.width) * scale) // CELL_PX, int((box.y + box.height) * scale) // CELL_PX
    cells[max(0, top) : max(0, bottom + 1), max(0, left) : max(0, right + 1)] = True
    return widened(cells)


def evenness(pixels: Pixels) -> float:
    """The share of the picture that has its commonest colour, 0…1."""
    small = pixels[::4, ::4].astype(np.uint32) // 8
    codes = (small[..., 0] << 10) | (small[..., 1] << 5) | small[..., 2]
    return float(np.bincount(codes.ravel()).max() / codes.size)


def regions(cells: Cells, scale: float, most: int = 6) -> list[Box]:
    """Boxes (CSS pixels) around groups of squares, near ones joined, the largest first."""
    left = widened(cells).copy()
    boxes: list[Box] = []
    for row, column in np.argwhere(cells).tolist():
        if left[row, column]:
            boxes.append(_box(_take_group(left, row, column) & cells, scale))
    return sorted(boxes, key=lambda box: -box.width * box.height)[:most]


def _take_group(left: Cells, row: int, column: int) -> Cells:
    group: Cells = np.zeros_like(left)
    open_cells = [(row, column)]
    left[row, column] = False
    while open_cells:
        y, x = open_cells.pop()
        group[y, x] = True
        for near_y, near_x in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= near_y < left.shape[0] and 0 <= near_x < left.shape[1] and left[near_y, near_x]:
                left[near_y, near_x] = False
                open_cells.append((near_y, near_x))
    return group


def _box(group: Cells, scale: float) -> Box:
    rows, columns = np.nonzero(group)
    size = CELL_PX / scale
    return Box(
        x=round(int(columns.min()) * size),
        y=round(int(rows.min()) * size),
        width=round(int(columns.max() - columns.min() + 1) * size),
        height=round(int(rows.max() - rows.min() + 1) * size),
    )


class Picture(msgspec.Struct, frozen=True):
    """A WebP and its size in pixels."""

    content: bytes
    width: int
    height: int


def outlined(image: bytes, boxes: Sequence[Box], scale: float, most_width: int) -> Picture:
    """``image`` as WebP with ``boxes`` (CSS pixels) drawn on it, at most ``most_width`` pixels wide."""
    picture = Image.open(BytesIO(image)).convert("RGB")
    shrink = min(1.0, most_width / picture.width)
    if shrink < 1:
        picture = picture.resize((most_width, max(1, round(picture.height * shrink))), Image.Resampling.LANCZOS)
    brush = ImageDraw.Draw(picture)
    for box in boxes:
        _draw_outline(brush, box, scale * shrink)
    return _webp(picture)


def shrunk(image: bytes, most_width: int) -> Picture:
    """A stored picture made small, for lists of many."""
    picture = Image.open(BytesIO(image)).convert("RGB")
    share = min(1.0, most_width / picture.width)
    if share < 1:
        picture = picture.resize((most_width, max(1, round(picture.height * share))), Image.Resampling.LANCZOS)
    return _webp(picture)


def close_up(image: bytes, around: Box, width: int, height: int) -> Picture:
    """The part of a stored picture that holds ``around`` (its own pixels) in its middle, as ``width`` × ``height``.

    Twice as many pixels are taken in and shrunk: what failed stays readable, and something around it says where it is.
    """
    picture = Image.open(BytesIO(image)).convert("RGB")
    wide, high = max(2 * width, min(picture.width, around.width)), max(2 * height, min(picture.height, around.height))
    share = max(wide / width, high / height)
    wide, high = min(picture.width, round(width * share)), min(picture.height, round(height * share))
    left = min(max(0, around.x + around.width // 2 - wide // 2), picture.width - wide)
    top = min(max(0, around.y + around.height // 2 - high // 2), picture.height - high)
    part = picture.crop((left, top, left + wide, top + high))
    part.thumbnail((width, height), Image.Resampling.LANCZOS)
    return _webp(part)


def _webp(picture: Image.Image) -> Picture:
    out = BytesIO()
    picture.save(out, "WEBP", quality=80, method=2)
    return Picture(out.getvalue(), picture.width, picture.height)


def _draw_outline(brush: ImageDraw.ImageDraw, box: Box, scale: float) -> None:
    left, top = box.x * scale - 3, box.y * scale - 3
    right, bottom = (box.x + box.width) * scale + 3, (box.y + box.height) * scale + 3
    brush.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=(255, 255, 255), width=4)
    brush.rectangle((left, top, right, bottom), outline=OUTLINE, width=2)
