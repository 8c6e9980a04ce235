"""Messages posted to addresses that people typed in: through the guarded client, read up to a limit, with one deadline."""

from collections.abc import Mapping

import msgspec

from retrospec.domain.web_address import address_parts
from retrospec.outbound.addresses import NotSent

MOST_ANSWER_BYTES = 4_096


class Answer(msgspec.Struct, frozen=True):
    """What the other side said."""

    status: int
    text: str
    retry_after_s: float = 0.0


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, allow_private: bool
) -> Answer:
    """Post ``body`` to ``url``. Raises NotSent when no answer came in time, or it may not go there."""
    from retrospec.outbound.client import first_bytes, open_client, sent, within

    if address_parts(url).scheme not in ("http", "https"):
        raise NotSent("Its address is not a web address.", may_help=False)
    async with within(timeout_s), open_client(lambda _host: allow_private) as client:
        asked = client.build_request("POST", url, content=body, headers=dict(headers))
        async with sent(client, asked) as response:
            text = await first_bytes(response, MOST_ANSWER_BYTES)
    after = response.headers.get("retry-after", "")
    seconds = float(after) if after.isdecimal() and len(after) < 6 else 0.0
    return Answer(response.status_code, text.decode("utf-8", "replace"), seconds)
