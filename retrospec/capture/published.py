"""Field types that carry their rule into the published OpenAPI document.

msgspec checks nothing of it: ``retrospec.capture.checks`` does, with a sentence that names the field. The schema run
(``tests/security/schema.py``) holds the two together: what fits the document is accepted.
"""

from typing import Annotated, Any

import msgspec

from retrospec.capture import checks
from retrospec.domain.marker import MarkerKind


def _stated(**rule: Any) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema=rule)


_ID = r"[A-Za-z0-9][A-Za-z0-9_:-]*(\.[A-Za-z0-9_:-]+)*\.?"
"""``ids.is_client_id`` without a look-ahead: two full stops in a row are what it does not allow."""
_PLAIN = r"[^\x00-\x1f\x7f]"
_PLAIN_NOT_BLANK = r"[^\s\x00-\x1f\x7f\x80-\xa0]"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

MAX_NAME_CHARS = 256
MAX_TAGS = 32
MAX_DROPPED = 32

ClientId = Annotated[str, _stated(minLength=1, maxLength=128, pattern=f"^{_ID}$")]
OptionalId = Annotated[str, _stated(maxLength=128, pattern=f"^({_ID})?$")]
SiteName = Annotated[
    str, _stated(minLength=1, maxLength=checks.MAX_SITE_CHARS, pattern=f"^{_PLAIN}*{_PLAIN_NOT_BLANK}{_PLAIN}*$")
]
"""Also the id of a person: one line, not blank, at most 256 characters."""
Route = Annotated[str, _stated(maxLength=checks.MAX_ROUTE_CHARS, pattern=f"^{_PLAIN}*$")]
PageUrl = Annotated[str, _stated(pattern=f"^{_PLAIN}*$", description="Cut after 8,192 characters.")]
UserAgent = Annotated[str, _stated(pattern=f"^{_PLAIN}*$", description="Cut after 1,024 characters.")]
Name = Annotated[str, _stated(maxLength=MAX_NAME_CHARS, pattern=f"^{_PLAIN}*$")]
Word = Annotated[str, _stated(maxLength=64, pattern=f"^{_PLAIN}*$")]
Label = Annotated[str, _stated(pattern=_LINES, description="Cut after 2,000 characters.")]
Kind = Annotated[str, _stated(description=f"One of {', '.join(MarkerKind)}; any other is taken for {MarkerKind.UI_NO_EFFECT}.")]
Count = Annotated[int | float, _stated(type="integer", minimum=0, maximum=checks.MAX_INT32)]
ClientMs = Annotated[
    int | float, _stated(type="number", minimum=checks.FIRST_CLIENT_MS, exclusiveMaximum=checks.LAST_CLIENT_MS)
]
Started = Annotated[
    str | int | float,
    _stated(
        anyOf=[{"type": "string", "format": "date-time", "minLength": 20}, {"type": "number", "minimum": 0, "exclusiveMaximum": 10**14}],
        description="RFC 3339 with its zone, or epoch milliseconds; within the last 400 days.",
    ),
]
Events = Annotated[
    msgspec.Raw,
    _stated(
        type="array",
        items={
            "type": "object",
            "properties": {"timestamp": {"type": ["number", "null"]}, "type": {}},
            "description": "An rrweb event.",
        },
    ),
]
Evidence = Annotated[msgspec.Raw, _stated(description="Any JSON of at most 64 KB and 32 levels.")]
EventsKey = Annotated[
    str, _stated(maxLength=1_024, pattern=f"^{_PLAIN}*$", description="As the upload was answered, or empty.")
]
Version = Annotated[int | float, _stated(type="integer", enum=[2])]
Tags = Annotated[dict[Name, Name], _stated(maxProperties=MAX_TAGS)]
