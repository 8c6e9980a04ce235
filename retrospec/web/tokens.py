"""Signed, short-lived tokens for artifacts."""

from datetime import datetime, timedelta

from retrospec.accounts.signing import Signer
from retrospec.domain.errors import Unauthorized

PURPOSE = "artifact-token"


class ArtifactTokens:
    """Tokens scoped to one artifact of one session of one project."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def issue(
        self, project_id: str, session_id: str, artifact_type: str, *, now: datetime, seconds: int
    ) -> tuple[str, datetime]:
        """A token and when it ends."""
        expires_at = now + timedelta(seconds=seconds)
        named = [project_id, session_id, artifact_type]
        return self._signer.sign(PURPOSE, named, expires_at=expires_at), expires_at

    def check(self, token: str, session_id: str, artifact_type: str, *, now: datetime) -> str:
        """The project the token is for. Raises Unauthorized when it is forged, expired or for something else."""
        values = self._signer.read(PURPOSE, token, now=now)
        if values[1:] != [session_id, artifact_type]:
            raise Unauthorized("This token is for another artifact.")
        return str(values[0])
