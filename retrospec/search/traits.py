"""What is so of a visit before it failed. Pure."""

from collections.abc import Iterator

from retrospec.domain.marker import Control
from retrospec.domain.search import BETWEEN, Document, words_of
from retrospec.domain.session import Session
from retrospec.domain.trait import ENTRY, PRESSED, SORTS, TAG, Trait
from retrospec.search.documents import MAX_THING, name_of

_FACETS = [sort for sort in SORTS if sort not in (PRESSED, ENTRY)]
MOST_TAGS = 20


def traits_of(session: Session, document: Document | None, until: str) -> frozenset[Trait]:
    """Where it came from and with what, and what it pressed before ``until`` (``words_for``), unless that is empty."""
    return frozenset((*_circumstances(session), *_presses(document, until)))


def words_for(control: Control | None) -> str:
    """A control as it stands among what a document says was pressed; empty where it has no name."""
    return " ".join(words_of(name_of(control)[:MAX_THING])) if control is not None else ""


def _circumstances(session: Session) -> Iterator[Trait]:
    for facet in _FACETS:
        if value := getattr(session, facet):
            yield Trait(facet, value)
    if session.route:
        yield Trait(ENTRY, session.route)
    for name, value in sorted(session.tags.items())[:MOST_TAGS]:
        yield Trait(f"{TAG}{name}", value)


def _presses(document: Document | None, until: str) -> Iterator[Trait]:
    """A document has each pressed thing once, in the order of the first presses."""
    if document is None or not until:
        return
    for thing in document.clicked.split(BETWEEN)[1:]:
        if thing.strip() == until:
            return
        yield Trait(PRESSED, thing.strip())
