"""Every ink on every ground it may lie on has a contrast of at least 4.5 : 1 (WCAG 2.2, AA), in both themes."""

import re

import pytest

from retrospec.domain.shipped import static_dir

TOKENS = (static_dir() / "tokens.css").read_text()
PAIRS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", TOKENS)
}
GROUNDS = ("paper", "surface", "hover")
INKS = (
    "ink",
    "ink-2",
    "ink-3",
    "accent",
    "good",
    "bad",
    "warm",
    "js_exception",
    "api_error",
    "validation_failed",
    "ui_no_effect",
)
ON_THEIR_OWN = [(ink, f"{ink}-soft") for ink in INKS if f"{ink}-soft" in PAIRS]
TOGETHER = [*((ink, ground) for ink in INKS for ground in GROUNDS), *ON_THEIR_OWN, ("on-accent", "accent"),
            ("ink-2", "sunken"), ("ink-3", "sunken"), ("ink-3", "raised"), ("paper", "ink")]  # fmt: skip


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("ink", "ground"), TOGETHER)
def test_text_can_be_read(ink: str, ground: str) -> None:
    for theme in (0, 1):
        assert contrast(PAIRS[ink][theme], PAIRS[ground][theme]) >= 4.5


def test_grey_on_white_is_measured_as_the_standard_does() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
