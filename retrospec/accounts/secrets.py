"""Tokens and password hashes."""

import asyncio
import hashlib
import hmac
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with OWASP's smallest recommended cost (Password Storage Cheat Sheet, 2025): 19 MiB, two passes."""

_TWO_AT_ONCE = threading.Semaphore(2)
"""At 19 MiB each, a burst of sign-ins must not fill a small server's memory."""

_NOBODYS_HASH = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
"""Fits no password that anyone could find; to be compared with where there is no such user, at the same cost."""


def new_token() -> str:
    """256 random bits, fit for a cookie or an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256 in hex (the token is random, so a slow hash adds nothing)."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(secret: str) -> str:
    """The token that forms carry for a browser whose cookie holds ``secret``; it doesn't tell the secret."""
    return hmac.new(secret.encode(), b"retrospec form v1", hashlib.sha256).hexdigest()


def is_form_token(token: str, secret: str) -> bool:
    """Whether ``token`` came from a form made for this browser; compared in constant time."""
    return hmac.compare_digest(token.encode(), form_token(secret).encode())


async def hash_password(password: str) -> str:
    """The argon2id hash, computed in a thread (about 20 ms of CPU)."""
    return await asyncio.to_thread(_hash, password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. ``None`` (no such user) takes as long and is False."""
    return await asyncio.to_thread(_verify, password, password_hash)


def _hash(password: str) -> str:
    with _TWO_AT_ONCE:
        return _HASHER.hash(password)


def _verify(password: str, password_hash: str | None) -> bool:
    with _TWO_AT_ONCE:
        try:
            _HASHER.verify(password_hash or _NOBODYS_HASH, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None
