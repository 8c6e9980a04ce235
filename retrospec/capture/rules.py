"""What is redacted: the kinds of secret, their placeholders, and a project's own additions."""

from enum import StrEnum

import msgspec
import re2

from retrospec.domain.errors import BadRequest


class Kind(StrEnum):
    """A kind of secret or personal data; also its name in counts."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    NATIONAL_ID = "national_id"
    JWT = "jwt"
    AUTH = "auth"
    """Bearer and basic credentials, ``Authorization`` headers, user:password in a URL."""
    API_KEY = "api_key"
    PRIVATE_KEY = "private_key"
    COOKIE = "cookie"
    PASSWORD = "password"
    """Also card security codes and one-time codes: what is secret by the name of its field."""
    SECRET = "secret"
    """Tokens, signatures and session ids under a telling key or query parameter."""
    CUSTOM = "custom"
    """Matched by a project's own pattern."""


PLACEHOLDERS: dict[Kind, str] = {kind: f"[{kind.value.replace('_', '-')}]" for kind in Kind}
"""``[email]``, ``[national-id]``, …: readable in the replay, and never matched again."""


class RedactionRules(msgspec.Struct, frozen=True, kw_only=True):
    """A project's rules; the default redacts every kind."""

    kinds: frozenset[Kind] = frozenset(Kind)
    """Kinds to redact; what is left out stays as it is."""
    secret_keys: tuple[str, ...] = ()
    """Further names of fields and query parameters whose values go, matched whole, ``-`` and ``_`` and case ignored."""
    patterns: tuple[str, ...] = ()
    """Further RE2 patterns, matched case-sensitively in text and, to find it quickly, in the JSON text."""


DEFAULT_RULES = RedactionRules()
MAX_ADDITIONS = 50
MAX_PATTERN_CHARS = 300


class RuleChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation or a project adds to the rules, or takes from them."""

    fields: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Kinds left as they are."""


def rules_of(*changes: RuleChanges) -> RedactionRules:
    """The rules with every change applied. Raises BadRequest naming what will not do."""
    for each in changes:
        _check(each)
    left = {Kind(name) for each in changes for name in each.without}
    return RedactionRules(
        kinds=frozenset(Kind) - left,
        secret_keys=tuple(dict.fromkeys(name for each in changes for name in each.fields)),
        patterns=tuple(dict.fromkeys(pattern for each in changes for pattern in each.patterns)),
    )


def _check(changes: RuleChanges) -> None:
    if max(len(changes.fields), len(changes.patterns)) > MAX_ADDITIONS:
        raise BadRequest(f"At most {MAX_ADDITIONS} fields and {MAX_ADDITIONS} patterns can be added.")
    for name in changes.without:
        if name not in list(Kind):
            raise BadRequest(f"There is no kind {name!r}; use some of {', '.join(Kind)}.", field="without")
    for pattern in changes.patterns:
        _check_pattern(pattern)


def _check_pattern(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise BadRequest(f"A pattern may have {MAX_PATTERN_CHARS} characters.", field="patterns")
    try:
        is_empty = re2.compile(pattern).search("") is not None
    except re2.error as error:
        raise BadRequest(f"The pattern {pattern!r} cannot be read: {error}.", field="patterns") from error
    if is_empty:
        raise BadRequest(f"The pattern {pattern!r} matches nothing at all everywhere.", field="patterns")
