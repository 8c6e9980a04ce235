"""The one way anything is signed here: artifact tokens, share links, half-finished sign-ins.

A token is readable by whoever holds it and can be made only with the installation's key. What it is for (its
purpose) goes into the signature, so a token of one kind never passes for another.
"""

import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from itsdangerous import BadData, BadSignature, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms
from retrospec.domain.errors import Unauthorized
from retrospec.domain.settings import Settings

KEY_BYTES = 32
CURRENT, PREVIOUS = "secret.key", "secret.previous.key"


class Signer:
    """Signs with the newest key and accepts those before it."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = keys
        """Oldest first."""

    def sign(self, purpose: str, values: list[Any], *, expires_at: datetime) -> str:
        """A token fit for an address."""
        return str(self._serializer(purpose).dumps([*values, to_epoch_ms(expires_at)]))

    def read(self, purpose: str, token: str, *, now: datetime) -> list[Any]:
        """What was signed. Raises Unauthorized when it is forged, of another purpose or past its time."""
        try:
            signed: list[Any] = self._serializer(purpose).loads(_in_one_spelling(token))
            *values, expires_ms = signed
            expires_at = from_epoch_ms(expires_ms)
        except (BadData, ValueError, TypeError, OverflowError) as error:
            raise Unauthorized(f"This {_spoken(purpose)} is not one of ours.") from error
        if expires_at <= now:
            raise Unauthorized(f"This {_spoken(purpose)} has expired; ask for a new one.")
        return values

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._keys, salt=f"retrospec.{purpose}.v1")


def _in_one_spelling(token: str) -> str:
    """``token``, if its signature is written as ``sign`` writes it: the last letter of base64 has bits that no reader looks at."""
    signature = token.rpartition(".")[2]
    if base64_encode(base64_decode(signature)).decode() != signature:
        raise BadSignature("another spelling of the signature")
    return token


def _spoken(purpose: str) -> str:
    return purpose.replace("-", " ")


def keys_in_force(settings: Settings) -> list[bytes]:
    """``server.signing_secret`` where it is set, so that several servers read each other's links; else the folder's keys."""
    secret = settings.server.signing_secret
    return [hashlib.sha256(f"retrospec signing {secret}".encode()).digest()] if secret else signing_keys(settings.data_dir)


def signing_keys(data_dir: Path) -> list[bytes]:
    """This installation's keys, oldest first; the first is made at first need. Readable by their owner alone."""
    path = data_dir / CURRENT
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        _write_key(path)
    previous = data_dir / PREVIOUS
    return [each.read_bytes() for each in (previous, path) if each.exists()]


def rotate_signing_key(data_dir: Path) -> None:
    """Sign with a fresh key from now on; what the key before signed still counts until the next rotation."""
    signing_keys(data_dir)
    (data_dir / CURRENT).replace(data_dir / PREVIOUS)
    _write_key(data_dir / CURRENT)


def _write_key(path: Path) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    draft.rename(path)
