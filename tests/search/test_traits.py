"""What is so of a visit before it failed."""

from datetime import UTC, datetime

import pytest

from retrospec.domain.marker import Control
from retrospec.domain.search import Document
from retrospec.domain.session import Session, Stage
from retrospec.domain.trait import Trait
from retrospec.search.traits import traits_of, words_for

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SESSION = Session(
    id="s", project_id="p", site="shop.example", route="/promo", started_at=NOW, duration_ms=1, events_object_key="", created_at=NOW,
    updated_at=NOW, stage=Stage.DONE, browser="Safari 18", country="IE", tags={"coupon": "TEA10"},
)  # fmt: skip
CAME_WITH = {Trait("browser", "Safari 18"), Trait("country", "IE"), Trait("entry", "/promo"), Trait("tag:coupon", "TEA10")}


def document(clicked: str) -> Document:
    return Document(project_id="p", session_id="s", id=1, marks="", clicked=clicked)


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
    assert traits_of(SESSION, document(clicked), until) == CAME_WITH | {Trait("pressed", name) for name in pressed}


def test_without_a_document_there_is_what_it_came_with() -> None:
    assert traits_of(SESSION, None, "pay now") == CAME_WITH


def test_a_control_is_named_as_a_document_names_it() -> None:
    assert words_for(Control(name="Pay  NOW!")) == "pay now"
    assert words_for(Control(test_id="pay-button")) == "pay button"
    assert words_for(None) == words_for(Control()) == ""
