"""What is redacted: the kinds of secret, their placeholders, and a project's own additions."""

from enum import StrEnum

import msgspec


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
