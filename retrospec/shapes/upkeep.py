"""What keeps a project running: dead letters, redaction rules, channels of alerts, films."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from retrospec.shapes.base import Answer, Body, ShortText
from retrospec.shapes.project import Channel

_Lines = Annotated[list[ShortText], Meta(max_length=100)]
EventName = Literal["new", "regression", "spike"]
_Minutes = Annotated[int, Meta(ge=0, le=10_080)]


class DeadLetter(Answer):
    """A session that was given up."""

    session_id: str
    stage: str
    """Where it was given up: ``analysis`` or ``confirmation``."""
    attempt: int
    error: str
    died_at: datetime
    marker_count: int
    chunk_count: int
    size_bytes: int


class DeadLetterList(Answer):
    """One page of dead letters, the latest first."""

    items: list[DeadLetter]
    next: str | None


class Revived(Answer):
    """The session that is worked on again."""

    session_id: str


class Redaction(Answer):
    """What the project adds to the redaction rules, or takes from them."""

    fields: list[str]
    """Further names of fields and parameters whose values are removed."""
    patterns: list[str]
    """Further patterns (RE2) whose matches are removed."""
    without: list[str]
    """Kinds left as they are, such as ``phone``."""


class ChangeRedaction(Body):
    """The project's rules for what arrives from now on; what is left out is lifted."""

    fields: _Lines = field(default_factory=list)
    patterns: _Lines = field(default_factory=list)
    without: _Lines = field(default_factory=list)


class NewChannel(Body):
    """A channel to add, and what it is told."""

    kind: Literal["webhook", "apprise"]
    address: Annotated[str, Meta(min_length=1, max_length=2_000)]
    """Told to nobody again."""
    name: Annotated[str, Meta(max_length=80)] = ""
    events: Annotated[list[EventName], Meta(max_length=3)] = field(default_factory=list)
    quiet_minutes: _Minutes = 60
    digest_minutes: _Minutes = 0


class ChangeChannel(Body):
    """What a channel is told from now on; what is left out stays."""

    events: Annotated[list[EventName], Meta(max_length=3)] | UnsetType = UNSET
    quiet_minutes: _Minutes | UnsetType = UNSET
    digest_minutes: _Minutes | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class MadeChannel(Answer):
    """The channel, with what a webhook's receiver checks messages with: told this once."""

    channel: Channel
    signing_key: str


class Member(Answer):
    """Somebody who may sign in and has a role in the project."""

    id: str
    name: str
    email: str
    role: str
    """``viewer``, ``member`` or ``admin``; administrators of the installation stand above all projects and are not listed."""
    has_second_factor: bool
    disabled_at: datetime | None


class MemberList(Answer):
    """A project's members, by name."""

    items: list[Member]
    next: str | None


class FilmState(Answer):
    """A film of a session, made or to be had."""

    film: str
    """``replay_video`` is the whole session, ``clip-<ms>`` one failure."""
    start_ms: int
    status: str
    """Empty where none was asked for; ``wanted``, ``making``, ``ready`` or ``failed``."""
    reason: str
    percent: int
    size_bytes: int


class FilmList(Answer):
    """A session's films."""

    items: list[FilmState]
    next: str | None


class AskFilm(Body):
    """Which film of the list to make."""

    film: Annotated[str, Meta(min_length=1, max_length=40)]
