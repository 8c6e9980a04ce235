"""What a message says: for people in words, for programs as JSON. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from retrospec.shapes.alerts import SCHEMA
from retrospec.storage.outbox import Letter

_HEADLINES = {"new": "New issue", "regression": "Regression", "spike": "Spike", "test": "Test message"}


class Event(msgspec.Struct, rename="camel", kw_only=True):
    """One event as a webhook gets it."""

    id: str
    """The same in every attempt, and in the message of every rule that tells of it."""
    event: str
    at: datetime
    project_id: str
    issue_key: str
    facts: dict[str, Any]
    issue_url: str
    moment_url: str
    """The replay, at the moment it failed."""
    image_url: str
    """A picture of the moment, by a signed link; empty where none was taken."""


class Message(msgspec.Struct, rename="camel", kw_only=True):
    """The body of a webhook."""

    schema: str = SCHEMA
    id: str
    events: list[Event]


def event_of(letter: Letter, *, address: str, image_url: str) -> Event:
    """A letter with its links; ``address`` is where people reach this server."""
    facts = letter.facts
    project = f"{address}/p/{quote(letter.project_id, safe='')}"
    session = facts.get("sessionId", "")
    issue_url = f"{project}/issues/{quote(letter.issue_key, safe='')}" if letter.issue_key else f"{project}/alerts"
    at = f"?t={facts['jumpMs']}" if "jumpMs" in facts else ""
    return Event(
        id=letter.event_key,
        event=letter.event,
        at=letter.created_at,
        project_id=letter.project_id,
        issue_key=letter.issue_key,
        facts=facts,
        issue_url=issue_url,
        moment_url=f"{project}/sessions/{quote(session, safe='')}{at}" if session else issue_url,
        image_url=image_url,
    )


def title_of(events: Sequence[Event]) -> str:
    """``Regression: Paying fails`` or ``4 events: 3 new issues, 1 spike``."""
    if len(events) == 1:
        return f"{_HEADLINES[events[0].event]}: {events[0].facts.get('symptom', 'RetroSpec can reach you')}"[:200]
    counts = {name: sum(each.event == name for each in events) for name in _HEADLINES}
    listed = ", ".join(f"{n} {_HEADLINES[name].lower()}{'s' if n > 1 else ''}" for name, n in counts.items() if n)
    return f"{len(events)} events: {listed}"


def text_of(events: Sequence[Event]) -> str:
    """The body for people, plain text."""
    return "\n\n".join(_text(event, with_headline=len(events) > 1) for event in events)


def _text(event: Event, *, with_headline: bool) -> str:
    facts = event.facts
    if event.event == "test":
        return f"This channel works. {event.issue_url}"
    lines = [f"{_HEADLINES[event.event]}: {facts['symptom']}"] if with_headline else []
    if facts.get("title") and facts["title"] != facts["symptom"]:
        lines.append(str(facts["title"]))
    lines.append(_numbers(facts))
    lines += [sentence for sentence in (_regression(event), _spike(event)) if sentence]
    lines += [f"Issue: {event.issue_url}", f"Watch it happen: {event.moment_url}"]
    if event.image_url:
        lines.append(f"Picture: {event.image_url}")
    return "\n".join(lines)


def _numbers(facts: dict[str, Any]) -> str:
    people, sessions = facts["people"], facts["sessions"]
    sure = "confirmed on screen" if facts["basis"] == "visual" else "text-confirmed only"
    parts = [
        f"{people} {'person' if people == 1 else 'people'}, {sessions} session{'' if sessions == 1 else 's'}",
        f"severity {facts['severity']}",
        f"{sure}, {round(facts['confidence'] * 100)} % sure",
        *([f"release {facts['release']}"] if facts.get("release") else []),
        *([f"{facts['site']}{facts['route']}"] if facts.get("route") else []),
    ]
    return " · ".join(parts)


def _regression(event: Event) -> str:
    if event.event != "regression":
        return ""
    fixed, seen = event.facts.get("fixedIn"), event.facts.get("seenIn")
    return f"Resolved{f' in {fixed}' if fixed else ''}, and back{f' in {seen}' if seen else ''}."


def _spike(event: Event) -> str:
    if event.event != "spike":
        return ""
    facts = event.facts
    return f"{facts['sessionsInHour']} sessions in one hour; usual are {facts['usualPerHour']:g}, the limit is {facts['limit']:g}."
