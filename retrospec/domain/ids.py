"""Identifiers: made here, or checked here when a client brings its own."""

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_SLUG_GAPS = re.compile(r"[^a-z0-9]+")


def new_id(prefix: str) -> str:
    """``<prefix>_<26 characters>``: 48 bits of time, then 80 random, so that ids sort by age."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(letters)}"


def is_client_id(text: str) -> bool:
    """Whether ``text`` may name a session or marker: 1 to 128 of ``A-Za-z0-9._:-``."""
    return _CLIENT_ID.fullmatch(text) is not None and ".." not in text


def site_slug(site: str) -> str:
    """``site`` as one path part of an object key: ``https://Shop.example/`` → ``shop-example``."""
    bare = site.lower().removeprefix("https://").removeprefix("http://")
    return _SLUG_GAPS.sub("-", bare).strip("-")[:64] or "site"
