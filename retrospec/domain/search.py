"""What sessions are searched by: the words of a text, the document of a session, and a question asked of it. Pure.

The words are those of one tokenizer on both databases, so that a question finds the same on either.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b

import msgspec

from retrospec.domain.clock import to_epoch_ms

FIELDS = ("person", "place", "tags", "release", "environment", "agent", "kinds", "clicked", "saw", "errors", "told")
"""The columns of a document, beside its marks. A stored index has them in this order: append only."""
BETWEEN = "¬"
"""Stands before each thing of a field, so that no phrase reaches across and one may ask how a thing begins; never a word."""
MAX_WORD = 60
"""Letters of a word that count: past them a base64 blob would fill the index."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_MILLION = 1 << 20
_LATEST_MS = 1 << 42


def words_of(text: str) -> list[str]:
    """Letters and digits in a row, without case and accents; scripts that write no spaces give a word a sign."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return [word[:MAX_WORD] for word in _WORD.findall(text.lower())]


def length_mark(duration_ms: int) -> str:
    """The octave a duration lies in: ``l0`` below a second, ``l1`` below two, ``l6`` below 64."""
    return f"l{length_octave(duration_ms)}"


def length_octave(duration_ms: int) -> int:
    """0 to 30."""
    return min(max(0, duration_ms // 1000).bit_length(), 30)


def status_mark(status: str) -> str:
    """Of a report."""
    return f"s{status}"


def project_mark(project_id: str) -> str:
    """A project as one word."""
    return f"p{blake2b(project_id.encode(), digest_size=8).hexdigest()}"


FAILED_MARK, QUIET_MARK = "mfailed", "mquiet"
"""Whether a session has failures."""


def document_id(project_id: str, session_id: str, started_at: datetime) -> int:
    """Where a session stands among all, by when it began: newer ones have the greater number. 61 bits."""
    low = int.from_bytes(blake2b(f"{project_id} {session_id}".encode(), digest_size=4).digest()) % _MILLION
    return id_at(started_at) + low


def id_at(moment: datetime) -> int:
    """The least number that a session begun at ``moment`` may have."""
    return min(max(0, to_epoch_ms(moment)), _LATEST_MS) * _MILLION


class Document(msgspec.Struct, kw_only=True):
    """One session as it is searched. Each field is words, ``BETWEEN`` before each of its things."""

    project_id: str
    session_id: str
    id: int
    marks: str
    """Exact words that no text can imitate: project, status, length, whether it failed."""
    person: str = ""
    place: str = ""
    tags: str = ""
    release: str = ""
    environment: str = ""
    agent: str = ""
    kinds: str = ""
    clicked: str = ""
    saw: str = ""
    errors: str = ""
    told: str = ""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked for: any of these phrases, in one field or (``field`` empty) in any."""

    field: str
    phrases: tuple[tuple[str, ...], ...]
    is_open: tuple[bool, ...]
    """Of each phrase, whether its last word may go on."""
    at_start: bool = False
    """The phrase begins the thing: ``release:1.4`` is not 2.1.4."""
    is_negated: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """All of it must hold."""

    terms: tuple[Term, ...] = ()
    statuses: tuple[str, ...] = ()
    shortest_ms: int = 0
    longest_ms: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_failures: bool | None = None
    complaints: tuple[str, ...] = ()
    """What could not be made sense of, a sentence each; the rest is searched for."""

    @property
    def asks_words(self) -> bool:
        """Whether documents are needed to answer it."""
        return bool(self.terms) or self.has_failures is not None or self.shortest_ms > 0 or self.longest_ms is not None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing: all sessions."""
        return not (self.asks_words or self.statuses or self.since or self.until)


def octaves(query: Query) -> list[str]:
    """The length marks one of which a session of these durations bears; empty for any length."""
    if query.shortest_ms <= 0 and query.longest_ms is None:
        return []
    last = 30 if query.longest_ms is None else length_octave(query.longest_ms)
    return [f"l{octave}" for octave in range(length_octave(query.shortest_ms), last + 1)] or ["lnone"]


def does_match(query: Query, document: Document, duration_ms: int, status: str) -> bool:
    """Whether a session is what was asked for, decided here instead of in the database."""
    if query.statuses and status not in query.statuses:
        return False
    if duration_ms < query.shortest_ms or (query.longest_ms is not None and duration_ms > query.longest_ms):
        return False
    if query.since is not None and document.id < id_at(query.since):
        return False
    if query.until is not None and document.id >= id_at(query.until):
        return False
    if query.has_failures is not None and query.has_failures != (FAILED_MARK in document.marks.split()):
        return False
    return all(_holds(term, document) != term.is_negated for term in query.terms)


def _holds(term: Term, document: Document) -> bool:
    fields = (term.field,) if term.field else FIELDS
    return any(where_found(term, getattr(document, field)) is not None for field in fields)


def where_found(term: Term, text: str) -> str | None:
    """The first thing of a field that the term fits, in its words."""
    # most texts have not even the letters: that is told much sooner than which words stand where
    wanted = [(phrase, is_open) for phrase, is_open in zip(term.phrases, term.is_open, strict=True) if all(word in text for word in phrase)]
    for thing in things_of(text) if wanted else ():
        words = thing.split()
        for phrase, is_open in wanted:
            starts: Iterable[int] = (0,) if term.at_start else range(len(words) - len(phrase) + 1)
            if any(_fits(words[start : start + len(phrase)], phrase, is_open) for start in starts):
                return thing
    return None


def _fits(words: list[str], phrase: tuple[str, ...], is_open: bool) -> bool:
    if len(words) < len(phrase):
        return False
    last = words[-1].startswith(phrase[-1]) if is_open else words[-1] == phrase[-1]
    return last and tuple(words[:-1]) == phrase[:-1]


def things_of(text: str) -> Iterator[str]:
    """The things a field names, each as its words."""
    return (thing for part in text.split(BETWEEN) if (thing := part.strip()))
