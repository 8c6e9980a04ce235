"""What is so of a session, to be compared with others."""

import msgspec

from retrospec.domain.session import person_key_of

PRESSED, ENTRY, TAG = "pressed", "entry", "tag:"
SORTS = (PRESSED, "country", "browser", "os", "device", "release", "environment", ENTRY)
"""What sessions are compared by, beside their tags; the more telling first."""


class Trait(msgspec.Struct, frozen=True, order=True):
    """``sort`` is one of ``SORTS`` or ``tag:<name>``."""

    sort: str
    value: str


class Sketch(msgspec.Struct, kw_only=True):
    """As much of a session as it is compared by."""

    id: str
    user_id: str
    visitor_id: str
    route: str
    country: str
    browser: str
    os: str
    device: str
    release: str
    environment: str
    tags: dict[str, str]
    clicked: str | None
    """Of its document; None where it has none."""

    @property
    def person_key(self) -> str:
        """As ``Session.person_key``."""
        return person_key_of(self.user_id, self.visitor_id, self.id)
