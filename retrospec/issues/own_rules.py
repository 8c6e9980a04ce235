"""The owner's rules come before every other: what they name, ignore or weigh is theirs to say. Pure."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from retrospec.domain.marker import MarkerKind
from retrospec.domain.own_rules import OwnRule
from retrospec.issues.controls import control_of
from retrospec.issues.failure import as_evidence
from retrospec.issues.fingerprint_v1 import Fingerprint, cluster_key, fingerprint
from retrospec.issues.request_rule import read_request
from retrospec.issues.templates import host_and_path


class Named(Struct, frozen=True, kw_only=True):
    """A marker's identity, and the owner's rule that had a say in it."""

    key: str
    """The cluster's: ``<kind>:<fingerprint>``, or ``<kind>:rule-…``."""
    fingerprint: Fingerprint
    """By the built-in rules, whatever the owner's say."""
    rule: OwnRule | None
    """The first that matches."""


def name_marker(
    rules: Sequence[OwnRule],
    kind: MarkerKind,
    label: str,
    evidence: Any,
    *,
    client_key: str = "",
    site: str = "",
    route: str = "",
    release: str = "",
) -> Named:
    """What a marker is grouped by. The first rule that matches decides; without one the fingerprint does."""
    found = fingerprint(kind, label, evidence, client_key=client_key, site=site, route=route)
    rule = first_match(rules, kind, label, evidence, route=route, release=release) if rules else None
    named_by_rule = rule is not None and rule.fingerprint
    key = f"{kind.value}:rule-{_digest(str(named_by_rule))}" if named_by_rule else cluster_key(kind, found)
    return Named(key=key, fingerprint=found, rule=rule)


def first_match(
    rules: Sequence[OwnRule], kind: MarkerKind, label: str, raw: Any, *, route: str, release: str
) -> OwnRule | None:
    """The first rule that fits; None when none does."""
    evidence = as_evidence(raw)
    control = control_of(evidence.control, raw, label)
    url = read_request(label, evidence).url if kind is MarkerKind.API_ERROR else ""
    texts = {
        "kind": [kind.value],
        "message": [label, evidence.message],
        "path": [host_and_path(url)[1] if url else route.split("?", 1)[0]],
        "selector": [control.selector, control.test_id, control.name, control.text],
        "release": [release],
    }
    return next((rule for rule in rules if _fits(rule, texts)), None)


def _fits(rule: OwnRule, texts: dict[str, list[str]]) -> bool:
    return all(
        any(text and matches(wanted, text) for text in found)
        for name, found in texts.items()
        if (wanted := getattr(rule, name))
    )


def matches(wanted: str, text: str) -> bool:
    """Whether ``text`` is ``wanted``, in which ``*`` stands for anything; case and outer spaces don't count.

    In time linear in both: each part between stars is found at its first place after the one before it.
    """
    first, *others = wanted.strip().lower().split("*")
    rest = text.strip().lower()
    if not others:
        return rest == first
    last = others.pop()
    if not rest.startswith(first) or not rest.endswith(last) or len(rest) < len(first) + len(last):
        return False
    rest = rest[len(first) : len(rest) - len(last)]
    for part in others:
        found = rest.find(part)
        if found < 0:
            return False
        rest = rest[found + len(part) :]
    return True


def _digest(name: str) -> str:
    return blake2b(name.strip().lower().encode("utf-8", "replace"), digest_size=12).hexdigest()


def is_owners(key: str) -> bool:
    """Whether a rule of the owner's gave this cluster key."""
    return ":rule-" in key
