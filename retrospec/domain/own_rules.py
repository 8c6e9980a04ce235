"""The owner's own rules of grouping: ``[[rules]]`` in ``retrospec.toml``."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from retrospec.domain.marker import MarkerKind

MATCHES = ("kind", "message", "path", "selector", "release")
EFFECTS = ("fingerprint", "ignore", "severity")
SEVERITIES = ("low", "medium", "high")
_HEADER = re.compile(r"\s*\[\[\s*[\"']?rules[\"']?\s*\]\]")
_ANY_HEADER = re.compile(r"\s*\[")
_LONGEST = 500


class OwnRule(Struct, kw_only=True, frozen=True):
    """What it matches (empty: anything) and what it does. ``*`` in a text stands for anything, case doesn't count."""

    kind: str = ""
    message: str = ""
    """The label, or the error's own message."""
    path: str = ""
    """Of the failed request, else of the page."""
    selector: str = ""
    """Of the control: its selector, test id, name or text."""
    release: str = ""
    fingerprint: str = ""
    """All that match are one failure under this name."""
    ignore: bool = False
    """Stored with its session, and never counted."""
    severity: str = ""
    source: str = ""
    """Where it stands: ``retrospec.toml line 14``."""

    @property
    def shown(self) -> str:
        """What it matches, for people: ``kind=api_error path=/beacon*``."""
        return " ".join(f"{name}={value}" for name in MATCHES if (value := getattr(self, name)))


def read_own_rules(path: Path, text: str, entries: Any, problems: list[str]) -> list[OwnRule]:
    """The rules of a settings file; what is wrong with them is added to ``problems``, each with its line."""
    if not isinstance(entries, list):
        problems.append(
            f"{path}: rules is a list of tables; write [[rules]] on a line of its own, then what it matches"
        )
        return []
    lines = list(_lines_of_rules(text))
    rules = []
    for number, entry in enumerate(entries):
        places = lines[number] if number < len(lines) else {}
        wrong = [f"{_place(path, places, name)}: {what}" for name, what in _wrong_with(entry)]
        problems += wrong
        if not wrong:
            rules.append(OwnRule(**entry, source=_place(path, places, "")))
    return rules


def _lines_of_rules(text: str) -> Iterator[dict[str, int]]:
    """By rule: the line of its header (under ``""``) and of each of its keys."""
    current: dict[str, int] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if _ANY_HEADER.match(line):
            if current is not None:
                yield current
            current = {"": number} if _HEADER.match(line) else None
        elif current is not None and "=" in line:
            current.setdefault(line.partition("=")[0].strip(" \t\"'"), number)
    if current is not None:
        yield current


def _place(path: Path, lines: Mapping[str, int], name: str) -> str:
    line = lines.get(name) or lines.get("")
    return f"{path} line {line}" if line else str(path)


def _wrong_with(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and sentence for everything wrong with one rule."""
    for name, value in entry.items():
        if name not in (*MATCHES, *EFFECTS):
            yield name, f"rules.{name} is no part of a rule; {_nearest(name)}"
        elif name == "ignore":
            if not isinstance(value, bool):
                yield name, f"rules.ignore is {value!r}; use true or false"
        elif not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST:
            yield name, f"rules.{name} is {value!r}; use a text in quotes, 1 to {_LONGEST} characters"
        elif name == "kind" and value not in list(MarkerKind):
            yield name, f'rules.kind is "{value}"; use {", ".join(MarkerKind)}'
        elif name == "severity" and value not in SEVERITIES:
            yield name, f'rules.severity is "{value}"; use {", ".join(SEVERITIES)}'
    if not any(name in entry for name in MATCHES):
        yield "", f"the rule matches nothing; give it one of {', '.join(MATCHES)}"
    if not any(entry.get(name) for name in EFFECTS):
        yield "", f"the rule does nothing; give it one of {', '.join(EFFECTS)}"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, (*MATCHES, *EFFECTS), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"use {', '.join((*MATCHES, *EFFECTS))}"
