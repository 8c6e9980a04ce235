"""Every error RetroSpec raises on purpose.

RetroSpecError                 a sentence for a person: what, where, next step
├── SettingsError              a setting is wrong; the program does not start
├── Refused                    what a caller sent cannot be accepted (HTTP 4xx)
│   ├── BadRequest             400  malformed or out of range
│   ├── Unauthorized           401  no key, or an unknown one
│   ├── Forbidden              403  a key without the needed scope
│   ├── NotFound               404  nothing of that name in this project
│   ├── Gone                   410  it was here and is past its retention
│   ├── Conflict               409  it contradicts what is stored
│   ├── TooLarge               413  past a size limit
│   └── TooManyRequests        429  over the rate; carries retry_after_s
├── Unavailable                503  an outside part is down; a retry helps
│   └── Outage                 503  of them the database or the blob store: no session's fault, so none is given up for it
│       └── StorageFull        503  the disk has no room
└── CorruptRecording           stored or imported events that cannot be read
"""


class RetroSpecError(Exception):
    """Base of all deliberate errors; ``str(error)`` is the sentence to show."""

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field


class SettingsError(RetroSpecError):
    """A setting is mistyped or out of range."""


class Refused(RetroSpecError):
    """The caller's request cannot be accepted as sent."""

    status = 400


class BadRequest(Refused):
    """Malformed, of the wrong type or out of range."""


class Unauthorized(Refused):
    """No key or sign-in was given, or it is unknown, expired or revoked."""

    status = 401


class Forbidden(Refused):
    """The key or user is known but may not do this."""

    status = 403


class NotFound(Refused):
    """Nothing of that name is visible to the caller."""

    status = 404


class Gone(Refused):
    """It was here, and has been deleted as its time was up."""

    status = 410


class Conflict(Refused):
    """The request contradicts what is already stored."""

    status = 409


class TooLarge(Refused):
    """The body, or what it inflates to, is past a limit."""

    status = 413


class TooManyRequests(Refused):
    """The caller is over its rate; a retry after ``retry_after_s`` helps."""

    status = 429

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(RetroSpecError):
    """A database, blob store or model is not reachable now; a retry helps."""

    def __init__(self, message: str, *, retry_after_s: float = 5.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Outage(Unavailable):
    """The database or the blob store cannot be used now, by nobody's session's fault."""


class StorageFull(Outage):
    """There is no room to write to; what was to be written was not."""


class CorruptRecording(RetroSpecError):
    """Stored or imported events cannot be read; a retry does not help."""
