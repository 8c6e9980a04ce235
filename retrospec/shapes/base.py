"""What all shapes share."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Answer(msgspec.Struct, rename="camel", kw_only=True):
    """Something the API tells."""


class Body(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something the API is told: a field it does not know is refused, as it is a slip of the pen."""


ShortText = Annotated[str, Meta(max_length=200)]
NeededText = Annotated[str, Meta(min_length=1, max_length=200)]
