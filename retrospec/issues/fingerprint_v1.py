"""Fingerprint v1: which markers are the same failure. Frozen: a changed rule is a new version beside this one.

A key is a hash of a few readable parts, so that an issue can say why its sessions were put together. What differs from
visitor to visitor (ids, numbers, addresses, languages, browsers) and from release to release (hashes, lines, columns)
never enters a key. ``tests/issues/test_fingerprint_frozen.py`` holds keys of the past and fails when one moves.
"""

from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from typing import Any

import msgspec
from msgspec import Struct

from retrospec.domain.marker import MarkerKind
from retrospec.issues.control_rule import draft_no_effect
from retrospec.issues.drafts import Draft
from retrospec.issues.exception_rule import draft_exception
from retrospec.issues.form_rule import draft_validation
from retrospec.issues.request_rule import draft_request

VERSION = 1
_KEY_BYTES = 12
_MAX_LABEL_CHARS = 2_000
_UNREAD = frozenset({"breadcrumbs", "count", "debugId", "durationMs", "handled", "requestId"})
"""Fields of the evidence that no rule reads and that differ from visit to visit."""
_KEPT = 8_192
"""Fingerprints of some 2 KB."""


class Fingerprint(Struct, frozen=True, kw_only=True):
    """The identity of a failure, and how it was arrived at."""

    version: int = VERSION
    key: str
    """24 hex digits. Same kind and key: same failure."""
    parts: list[tuple[str, str]]
    """What was equal, as (name, value): "why together"."""
    ignored: list[str]
    """What was allowed to differ."""
    tokens: list[str]
    """For finding near-duplicates, ``family:value``; see ``similarity.py``."""
    title: str
    """One short line for people, without ids or personal data."""


def fingerprint(
    kind: MarkerKind, label: str, evidence: Any, *, client_key: str = "", site: str = "", route: str = ""
) -> Fingerprint:
    """The fingerprint of one marker. Pure; never fails, whatever ``evidence`` is.

    ``site`` and ``route`` are the page's: they tell its own requests from others', and name the page where the failure
    is of a page. ``client_key`` is what the client believed; it counts only where the label says nothing. Callers share
    what is returned: a repeat costs a look-up.
    """
    text = label.strip()[:_MAX_LABEL_CHARS]
    hint = text or _hint(kind, client_key)
    page = ("", "") if kind is MarkerKind.JS_EXCEPTION else (site, route)
    if type(evidence) is not dict:
        return _made(kind, text, hint, evidence, *page)
    return _repeated(kind, text, hint, _Told(evidence), *page)


class _Told:
    """An evidence by the digest of all that rules read of it, so that those of a failure met before are equal."""

    __slots__ = ("_digest", "evidence")

    def __init__(self, evidence: dict[str, Any]) -> None:
        self.evidence: dict[str, Any] | None = evidence
        is_read = _UNREAD.isdisjoint(evidence)
        read = evidence if is_read else {name: value for name, value in evidence.items() if name not in _UNREAD}
        self._digest = blake2b(_bytes_of(read), digest_size=16).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and other._digest == self._digest


def _bytes_of(value: Any) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return token_bytes(16)  # not JSON, or half a surrogate pair: equal to nothing, itself included


@lru_cache(maxsize=_KEPT)
def _repeated(kind: MarkerKind, text: str, hint: str, told: _Told, site: str, route: str) -> Fingerprint:
    """Nearly every marker says word for word what another visitor's said before."""
    evidence, told.evidence = told.evidence, None  # the cache holds its keys: the digest is enough
    return _made(kind, text, hint, evidence, site, route)


def _made(kind: MarkerKind, text: str, hint: str, evidence: Any, site: str, route: str) -> Fingerprint:
    draft = _draft(kind, hint, evidence, site, route)
    return Fingerprint(
        key=_key(draft.parts), parts=list(draft.parts), ignored=list(draft.ignored), tokens=list(dict.fromkeys(draft.tokens)),
        title=draft.title or text[:120] or kind.value,
    )  # fmt: skip


def _hint(kind: MarkerKind, client_key: str) -> str:
    return client_key.strip().removeprefix(f"{kind.value}:")[:_MAX_LABEL_CHARS]


def _draft(kind: MarkerKind, label: str, evidence: Any, site: str, route: str) -> Draft:
    if kind is MarkerKind.JS_EXCEPTION:
        return draft_exception(label, evidence)
    if kind is MarkerKind.API_ERROR:
        return draft_request(label, evidence, site=site, route=route)
    if kind is MarkerKind.VALIDATION_FAILED:
        return draft_validation(label, evidence, route=route)
    return draft_no_effect(label, evidence, route=route)


def _key(parts: list[tuple[str, str]]) -> str:
    text = "\x1e".join(f"{name}\x1f{value}" for name, value in parts)
    return blake2b(text.encode("utf-8", "replace"), digest_size=_KEY_BYTES).hexdigest()


def cluster_key(kind: MarkerKind, fingerprint: Fingerprint) -> str:
    """``<kind>:<key>``: the key of the issue a marker may become (wire v1)."""
    return f"{kind.value}:{fingerprint.key}"
