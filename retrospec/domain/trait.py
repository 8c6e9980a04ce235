"""Something that is so of a visit, to be compared with others'."""

import msgspec

PRESSED, ENTRY, TAG = "pressed", "entry", "tag:"
SORTS = (PRESSED, "country", "browser", "os", "device", "release", "environment", ENTRY)
"""What a visit is compared by, beside its tags; the more telling first."""


class Trait(msgspec.Struct, frozen=True, order=True):
    """``sort`` is one of ``SORTS`` or ``tag:<name>``."""

    sort: str
    value: str
