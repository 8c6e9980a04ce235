"""Templates of a stream of messages, learnt from the messages themselves.

Masks by shape come first (``templates.py``). What they miss is a word that varies: ``hive: SOFTWARE``, ``hive: SYSTEM``.
Messages of as many words are compared word by word: where many differ in one word only and agree in the rest, that
word is a parameter. Found ones are masked and the search repeats, until a message with two varying words has both.

As with URLs, what is kept is a set: adding is idempotent, merging is union, and templates are a function of the set.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

from retrospec.issues.templates import MASK, message_template

MAX_MESSAGES = 4_000
_MIN_NAMES = 6
_MIN_PLAIN_WORDS = 8
"""Plain words that differ are more often different events: ``VM Started``, ``VM Stopped``, ``VM Paused``."""
_PLAIN_WORD = re.compile(r"[A-Z]?[a-z]+")
_MIN_CONSTANT_WORDS = 2
_ROUNDS = 3
_WORD = re.compile(r"[^\s=:,;()\[\]{}<>\"]+|<\*>|.", re.S)

Words = tuple[str, ...]


class MessageTemplates:
    """Learns from messages of one kind: one exception type, one logger."""

    def __init__(self, messages: Iterable[Words] = ()) -> None:
        self._messages: set[Words] = set(messages)
        self._rules: list[set[Words]] | None = None

    @property
    def messages(self) -> frozenset[Words]:
        """What was learnt from, for storing."""
        return frozenset(self._messages)

    def add(self, message: str) -> None:
        """Learn one message."""
        words = _words(message)
        if words not in self._messages:
            self._messages.add(words)
            self._rules = None
            if len(self._messages) > MAX_MESSAGES * 5 // 4:
                self._messages = _sample(self._messages)

    def merge(self, other: "MessageTemplates") -> None:
        """Learn all that ``other`` knows."""
        self._messages = _sample(self._messages | other._messages)
        self._rules = None

    def template(self, message: str) -> str:
        """``message`` with its parameters and learnt varying words as ``<*>``."""
        if self._rules is None:
            self._rules = learn(_sample(self._messages))
        words = _words(message)
        for rule in self._rules:
            words = _masked(words, rule)
        return "".join(words)


def _words(message: str) -> Words:
    return tuple(_WORD.findall(message_template(message)))


def _sample(messages: set[Words]) -> set[Words]:
    return messages if len(messages) <= MAX_MESSAGES else set(sorted(messages, key=_rank)[:MAX_MESSAGES])


def _rank(words: Words) -> bytes:
    return blake2b("".join(words).encode("utf-8", "replace"), digest_size=8).digest()


def learn(messages: Iterable[Words]) -> list[set[Words]]:
    """Rounds of patterns, each a message with one ``<*>`` where a word varies; to be applied in order."""
    rounds: list[set[Words]] = []
    current = set(messages)
    for _ in range(_ROUNDS):
        seen: dict[Words, set[str]] = defaultdict(set)
        for words in current:
            for pattern, word in _holes(words):
                seen[pattern].add(word)
        found = {pattern for pattern, values in seen.items() if _is_parameter(values)}
        if not found:
            break
        rounds.append(found)
        current = {_masked(words, found) for words in current}
    return rounds


def _is_parameter(values: set[str]) -> bool:
    names = sum(_PLAIN_WORD.fullmatch(value) is None for value in values)
    return len(values) >= (_MIN_NAMES if 2 * names >= len(values) else _MIN_PLAIN_WORDS)


def _holes(words: Words) -> Iterable[tuple[Words, str]]:
    constant = sum(len(word) > 1 and word != MASK for word in words)
    for place, word in enumerate(words):
        if len(word) > 1 and word != MASK and constant > _MIN_CONSTANT_WORDS and place:
            yield (*words[:place], MASK, *words[place + 1 :]), word


def _masked(words: Words, patterns: set[Words]) -> Words:
    places = [place for place, _ in enumerate(words) if (*words[:place], MASK, *words[place + 1 :]) in patterns]
    return tuple(MASK if place in places else word for place, word in enumerate(words)) if places else words
