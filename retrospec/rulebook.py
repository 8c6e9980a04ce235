"""Which redaction rules hold for a project: the built-in ones, the installation's changes, its own."""

import time
from contextvars import ContextVar
from typing import Any

import msgspec

from retrospec.capture.rules import RedactionRules, RuleChanges, rules_of
from retrospec.domain.settings import CaptureSettings
from retrospec.storage import projects
from retrospec.storage.database import Database

KNOWN_FOR_S = 5.0
"""A change holds everywhere within this time."""

current_rules: ContextVar[RedactionRules | None] = ContextVar("current_rules", default=None)
"""Of the body that is being read in this thread; None where nothing is redacted."""


class Rulebook:
    """Looks a project's rules up, remembering each answer for a few seconds."""

    def __init__(self, settings: CaptureSettings, database: Database) -> None:
        self._database = database
        self._of_installation = RuleChanges(
            fields=tuple(settings.redact_fields),
            patterns=tuple(settings.redact_patterns),
            without=tuple(settings.redact_except),
        )
        self._is_on = settings.redact
        self._plain = rules_of(self._of_installation)
        self._known: dict[str, tuple[float, RedactionRules]] = {}

    async def read(self, project_id: str) -> None:
        """Have the project's rules at hand for ``open``."""
        known = self._known.get(project_id)
        if not self._is_on or (known and time.monotonic() - known[0] < KNOWN_FOR_S):
            return
        stored = await self._database.read_once(lambda c: projects.redaction_of(c, project_id))
        rules = rules_of(self._of_installation, changes_of(stored))
        self._known[project_id] = time.monotonic(), rules

    async def now(self, project_id: str) -> RedactionRules | None:
        """The project's rules; None where nothing is redacted."""
        await self.read(project_id)
        return self._known[project_id][1] if self._is_on else None

    def forget(self, project_id: str) -> None:
        """The project's rules were changed just now."""
        self._known.pop(project_id, None)

    def open(self, project_id: str) -> None:
        """These rules hold for what this thread reads next."""
        known = self._known.get(project_id)
        current_rules.set((known[1] if known else self._plain) if self._is_on else None)


def changes_of(stored: dict[str, Any]) -> RuleChanges:
    """What a project's row holds."""
    return msgspec.convert(stored, RuleChanges)
