"""How costs grow, as a picture: multiples of the smallest installation's over sessions stored, both axes logarithmic."""

import math
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 250, 24, 48
COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#475569")


def drawn(costs: Mapping[str, Sequence[float]], stored: Sequence[int]) -> str:
    """An SVG of one line a cost; ``stored`` are the sessions of its points."""
    most = max(2.0, *(max(values) for values in costs.values()))
    least = min(0.5, *(min(values) for values in costs.values()))

    def x(count: int) -> float:
        span = math.log10(stored[-1] / stored[0]) or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(count / stored[0]) / span

    def y(ratio: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * math.log(most / ratio) / math.log(most / least)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        "<title>What grows with what is stored</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for ratio in _marks(least, most):
        parts.append(f'<path d="M{LEFT} {y(ratio):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(ratio) + 4:.1f}" text-anchor="end">{ratio:g} x</text>')
    for count in stored:
        parts.append(f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{count:,}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">sessions stored</text>')
    for number, (name, values) in enumerate(costs.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in zip(stored, values, strict=True))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 12 + 20 * number}" fill="{colour}">{escape(name)}: {values[-1]:.2f} x</text>')
    return "\n".join([*parts, "</svg>", ""])


def _marks(least: float, most: float) -> Iterator[float]:
    """Powers of two and the like between the two."""
    ratio = 2.0 ** math.ceil(math.log2(least))
    while ratio <= most * 1.001:
        yield ratio
        ratio *= 2
