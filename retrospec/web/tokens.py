"""Signed, short-lived tokens for artifacts."""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms
from retrospec.domain.errors import Unauthorized

SECRET_BYTES = 32


def signing_secret(data_dir: Path) -> bytes:
    """This installation's signing secret, made at first need and readable by its owner alone."""
    path = data_dir / "secret.key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        draft.rename(path)
    return path.read_bytes()


class ArtifactTokens:
    """Tokens scoped to one artifact of one session of one project."""

    def __init__(self, secret: bytes) -> None:
        self._signer = URLSafeSerializer(secret, salt="retrospec.artifact.v1")

    def issue(
        self, project_id: str, session_id: str, artifact_type: str, *, now: datetime, seconds: int
    ) -> tuple[str, datetime]:
        """A token and when it ends."""
        expires_at = now + timedelta(seconds=seconds)
        token = self._signer.dumps([project_id, session_id, artifact_type, to_epoch_ms(expires_at)])
        return str(token), expires_at

    def check(self, token: str, session_id: str, artifact_type: str, *, now: datetime) -> str:
        """The project the token is for. Raises Unauthorized when it is forged, expired or for something else."""
        try:
            project_id, for_session, for_type, expires_ms = self._signer.loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise Unauthorized("This artifact token is not one of ours.") from error
        if (for_session, for_type) != (session_id, artifact_type):
            raise Unauthorized("This token is for another artifact.")
        if from_epoch_ms(expires_ms) < now:
            raise Unauthorized("This artifact token has expired; ask for a new one.")
        return str(project_id)
