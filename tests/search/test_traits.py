"""What is so of a visit before it failed."""

import pytest
from msgspec.structs import replace

from retrospec.domain.marker import Control
from retrospec.domain.trait import Sketch, Trait
from retrospec.search.traits import traits_of, words_for

SKETCH = Sketch(
    id="s", user_id="", visitor_id="v", route="/promo", country="IE", browser="Safari 18", os="", device="", release="", environment="",
    tags={"coupon": "TEA10"}, clicked=None,
)  # fmt: skip
CAME_WITH = {Trait("browser", "Safari 18"), Trait("country", "IE"), Trait("entry", "/promo"), Trait("tag:coupon", "TEA10")}


@pytest.mark.parametrize(
    ("clicked", "until", "pressed"),
    [
        ("¬ pocket wallet ¬ pay now ¬ help", "pay now", {"pocket wallet"}),
        ("¬ pocket wallet ¬ card", "pay now", {"pocket wallet", "card"}),  # the list ends before it
        ("¬ pay now later ¬ pay now", "pay now", {"pay now later"}),
        ("¬ pocket wallet", "", set()),  # nobody knows what came before
        ("", "pay now", set()),
    ],
)
def test_presses_count_until_what_failed(clicked: str, until: str, pressed: set[str]) -> None:
    assert traits_of(replace(SKETCH, clicked=clicked), until) == CAME_WITH | {Trait("pressed", name) for name in pressed}


def test_without_a_document_there_is_what_it_came_with() -> None:
    assert traits_of(SKETCH, "pay now") == CAME_WITH


def test_a_control_is_named_as_a_document_names_it() -> None:
    assert words_for(Control(name="Pay  NOW!")) == "pay now"
    assert words_for(Control(test_id="pay-button")) == "pay button"
    assert words_for(None) == words_for(Control()) == ""
