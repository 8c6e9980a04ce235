"""What is so of a visit before it failed. Pure."""

from collections.abc import Iterator

from retrospec.domain.marker import Control
from retrospec.domain.search import BETWEEN, words_of
from retrospec.domain.trait import ENTRY, PRESSED, SORTS, TAG, Sketch, Trait
from retrospec.search.documents import MAX_THING, name_of

_FACETS = [sort for sort in SORTS if sort not in (PRESSED, ENTRY)]
MOST_TAGS = 20


def traits_of(sketch: Sketch, until: str) -> frozenset[Trait]:
    """Where it came from and with what, and what it pressed before ``until`` (``words_for``), unless that is empty."""
    return frozenset((*_circumstances(sketch), *_presses(sketch.clicked or "", until)))


def words_for(control: Control | None) -> str:
    """A control as it stands among what a document says was pressed; empty where it has no name."""
    return " ".join(words_of(name_of(control)[:MAX_THING])) if control is not None else ""


def _circumstances(sketch: Sketch) -> Iterator[Trait]:
    for facet in _FACETS:
        if value := getattr(sketch, facet):
            yield Trait(facet, value)
    if sketch.route:
        yield Trait(ENTRY, sketch.route)
    for name, value in sorted(sketch.tags.items())[:MOST_TAGS]:
        yield Trait(f"{TAG}{name}", value)


def _presses(clicked: str, until: str) -> Iterator[Trait]:
    """A document has each pressed thing once, in the order of the first presses."""
    if not until:
        return
    for thing in clicked.split(BETWEEN)[1:]:
        if thing.strip() == until:
            return
        yield Trait(PRESSED, thing.strip())
