"""A typed client of API v2: ``Client(url, key)``. docs/api.md has an example.

Answers are the shapes the server itself answers with (``retrospec.shapes``); refusals are raised as the errors of
``retrospec.domain.errors``: NotFound, Unauthorized, Forbidden, BadRequest, Conflict, TooManyRequests, Unavailable.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from retrospec.client.asking import part
from retrospec.client.reading import Reading
from retrospec.shapes import issues as of_issues
from retrospec.shapes import project as of_project
from retrospec.shapes import upkeep as of_upkeep

__all__ = ["Client"]


class Client(Reading):
    """Looks at a project and, with a key of the scope ``admin``, works on it."""

    def change_issue(self, key: str, **changes: Any) -> of_issues.Issue:
        """Change what is named, as ``retrospec.shapes.issues.ChangeIssue`` has it: ``state="resolved", fix_in="next"``."""
        return self._send(of_issues.Issue, "PATCH", f"/v2/issues/{part(key)}", of_issues.ChangeIssue(**changes))

    def change_issues(self, keys: Sequence[str], **changes: Any) -> int:
        """The same change for up to 100 issues; how many there were."""
        body = of_issues.ChangeIssues(keys=list(keys), **changes)
        return self._send(of_issues.Changed, "POST", "/v2/issues/changes", body).changed

    def comment(self, key: str, text: str) -> of_issues.ActivityLine:
        """Add a comment to an issue's log."""
        return self._send(of_issues.ActivityLine, "POST", f"/v2/issues/{part(key)}/comments", of_issues.NewComment(text=text))

    def merge_issue(self, key: str, other: str) -> of_issues.Decided:
        """Make two issues one."""
        return self._send(of_issues.Decided, "POST", f"/v2/issues/{part(key)}/merge", of_issues.OtherIssue(other=other))

    def keep_issue_apart(self, key: str, other: str) -> of_issues.Decided:
        """Say that two issues are not one."""
        return self._send(of_issues.Decided, "POST", f"/v2/issues/{part(key)}/apart", of_issues.OtherIssue(other=other))

    def split_issue(self, key: str, cluster_key: str) -> of_issues.Decided:
        """Take a fingerprint out of an issue."""
        return self._send(of_issues.Decided, "POST", f"/v2/issues/{part(key)}/split", of_issues.SplitOff(cluster_key=cluster_key))

    def move_session(self, key: str, session_id: str, other: str) -> of_issues.Decided:
        """Count one of an issue's sessions under another."""
        body = of_issues.MoveSession(session_id=session_id, other=other)
        return self._send(of_issues.Decided, "POST", f"/v2/issues/{part(key)}/move", body)

    def undo(self, key: str, decision_id: str) -> of_issues.Decided:
        """Take a decision back."""
        return self._send(of_issues.Decided, "POST", f"/v2/issues/{part(key)}/decisions/{part(decision_id)}/undo")

    def give_feedback(self, key: str, cluster_key: str, *, is_real: bool, session_id: str = "") -> of_issues.Heard:
        """Say that a failure is, or isn't, a real one."""
        body = of_issues.Feedback(is_real=is_real, cluster_key=cluster_key, session_id=session_id)
        return self._send(of_issues.Heard, "POST", f"/v2/issues/{part(key)}/feedback", body)

    def erase_session(self, session_id: str) -> of_project.ErasureReceipt:
        """Erase a session for good."""
        return self._send(of_project.ErasureReceipt, "DELETE", f"/v2/sessions/{part(session_id)}")

    def erase_person(self, person: str) -> of_project.ErasureReceipt:
        """Erase every session of a user or visitor for good."""
        return self._send(of_project.ErasureReceipt, "POST", "/v2/erasures", of_project.Erase(person=person))

    def share(self, kind: str, subject: str, *, days: int = 7, password: str = "") -> of_project.MadeShare:
        """A link that shows one ``session`` or ``issue``."""
        secret = {"password": password} if password else {}
        body = of_project.NewShare(kind=kind, subject=subject, days=days, **secret)  # type: ignore[arg-type]
        return self._send(of_project.MadeShare, "POST", "/v2/shares", body)

    def shares(self) -> Iterator[of_project.ShareLink]:
        """The latest share links."""
        return self._pages(of_project.ShareList, "/v2/shares", None)

    def end_share(self, share_id: str) -> of_project.Ended:
        """Take a link back."""
        return self._send(of_project.Ended, "DELETE", f"/v2/shares/{part(share_id)}")

    def send_alert_again(self, message_id: str) -> of_project.SentAgain:
        """Send a message that was sent or given up once more."""
        return self._send(of_project.SentAgain, "POST", f"/v2/alerts/messages/{part(message_id)}/again")

    def audit(self, *, action: str = "", q: str = "", most: int | None = None) -> Iterator[of_project.AuditLine]:
        """Who did what, newest first."""
        return self._pages(of_project.AuditList, "/v2/audit", most, action=action, q=q)

    def keys(self) -> Iterator[of_project.Key]:
        """The project's keys."""
        return self._pages(of_project.KeyList, "/v2/keys", None)

    def make_key(self, name: str, scopes: Sequence[str], **bounds: Any) -> of_project.MadeKey:
        """A new key; its secret is told this once."""
        return self._send(of_project.MadeKey, "POST", "/v2/keys", of_project.NewKey(name=name, scopes=list(scopes), **bounds))  # type: ignore[arg-type]

    def bind_key(self, key_id: str, **bounds: Any) -> of_project.Key:
        """Bind a key to ``origins``, ``requests_per_second`` and ``daily_mb``."""
        return self._send(of_project.Key, "PUT", f"/v2/keys/{part(key_id)}/bounds", of_project.KeyBounds(**bounds))

    def rotate_key(self, key_id: str, *, overlap_days: int = 7) -> of_project.MadeKey:
        """A new secret; the old one goes on for some days."""
        body = of_project.RotateKey(overlap_days=overlap_days)
        return self._send(of_project.MadeKey, "POST", f"/v2/keys/{part(key_id)}/rotate", body)

    def revoke_key(self, key_id: str) -> of_project.Ended:
        """End a key at once."""
        return self._send(of_project.Ended, "DELETE", f"/v2/keys/{part(key_id)}")

    def retry_dead_letter(self, session_id: str) -> of_upkeep.Revived:
        """Have a session that was given up worked on again."""
        return self._send(of_upkeep.Revived, "POST", f"/v2/dead-letters/{part(session_id)}/retry")

    def drop_dead_letter(self, session_id: str) -> of_project.Ended:
        """Delete a session that was given up."""
        return self._send(of_project.Ended, "DELETE", f"/v2/dead-letters/{part(session_id)}")

    def redaction(self) -> of_upkeep.Redaction:
        """The project's own redaction rules."""
        return self._get(of_upkeep.Redaction, "/v2/redaction")

    def set_redaction(self, *, fields: Sequence[str] = (), patterns: Sequence[str] = (), without: Sequence[str] = ()) -> of_upkeep.Redaction:
        """Set them, for what arrives from now on; what is left out is lifted."""
        body = of_upkeep.ChangeRedaction(fields=list(fields), patterns=list(patterns), without=list(without))
        return self._send(of_upkeep.Redaction, "PUT", "/v2/redaction", body)

    def add_channel(self, kind: str, address: str, *, events: Sequence[str] = (), **told: Any) -> of_upkeep.MadeChannel:
        """A channel that is told of ``events``: new, regression, spike; its signing key is told this once."""
        body = of_upkeep.NewChannel(kind=kind, address=address, events=list(events), **told)  # type: ignore[arg-type]
        return self._send(of_upkeep.MadeChannel, "POST", "/v2/alerts/channels", body)

    def change_channel(self, channel_id: str, **changes: Any) -> of_project.Channel:
        """Change what a channel is told: ``events``, ``quiet_minutes``, ``digest_minutes``, ``paused``; what is left out stays."""
        body = of_upkeep.ChangeChannel(**changes)
        return self._send(of_project.Channel, "PATCH", f"/v2/alerts/channels/{part(channel_id)}", body)

    def remove_channel(self, channel_id: str) -> of_project.Ended:
        """Forget a channel."""
        return self._send(of_project.Ended, "DELETE", f"/v2/alerts/channels/{part(channel_id)}")

    def ask_film(self, session_id: str, film: str = "replay_video") -> of_upkeep.FilmList:
        """Have a film made, in the background."""
        return self._send(of_upkeep.FilmList, "POST", f"/v2/sessions/{part(session_id)}/films", of_upkeep.AskFilm(film=film))
