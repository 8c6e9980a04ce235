"""Handing one message to one channel."""

import asyncio
import json
import sys

import msgspec

from retrospec import __version__
from retrospec.alerts.messages import Event, Message, text_of, title_of
from retrospec.alerts.posting import post
from retrospec.alerts.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from retrospec.domain.clock import utc_now
from retrospec.domain.settings_telling import AlertSettings
from retrospec.domain.web_address import address_parts
from retrospec.outbound.addresses import NotSent
from retrospec.storage.alerting import Channel

APPRISE_START_S = 10.0
"""On top of the deadline: loading Apprise on a busy machine."""


class Handed(msgspec.Struct, frozen=True):
    """What came of it."""

    outcome: str
    """``delivered``, ``retry`` or ``dead``."""
    answer: str
    retry_after_s: float = 0.0


async def hand_over(channel: Channel, batch: str, events: list[Event], settings: AlertSettings) -> Handed:
    """Send; never raises for what the channel does."""
    try:
        if channel.kind == "webhook":
            return await _by_webhook(channel, batch, events, settings)
        return await _by_apprise(channel, events, settings)
    except NotSent as error:
        return Handed("retry" if error.may_help else "dead", error.message)


async def _by_webhook(channel: Channel, batch: str, events: list[Event], settings: AlertSettings) -> Handed:
    body = msgspec.json.encode(Message(id=batch, events=events))
    timestamp = str(int(utc_now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"RetroSpec/{__version__}",
        "Idempotency-Key": batch,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: signature(channel.signing_key, timestamp, body),
    }
    answer = await post(
        channel.address,
        body,
        headers,
        timeout_s=settings.timeout_seconds,
        allow_private=settings.allow_private_addresses,
    )
    return _judged(answer.status, answer.retry_after_s)


def _judged(status: int, retry_after_s: float) -> Handed:
    if 200 <= status < 300:
        return Handed("delivered", f"It answered {status}.")
    if status in (408, 425, 429) or status >= 500:
        return Handed("retry", f"It answered {status}.", retry_after_s)
    if 300 <= status < 400:
        return Handed("dead", f"It answered {status}: redirects are not followed, enter the address it points to.")
    return Handed("dead", f"It answered {status}, which another try would not change.")


async def _by_apprise(channel: Channel, events: list[Event], settings: AlertSettings) -> Handed:
    asked = {
        "address": channel.address,
        "title": title_of(events),
        "text": text_of(events),
        "allowPrivate": settings.allow_private_addresses,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "retrospec.alerts.apprise_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(settings.timeout_seconds + APPRISE_START_S):
            said, _ = await child.communicate(json.dumps(asked).encode())
    except TimeoutError as error:
        raise NotSent(f"It did not answer within {settings.timeout_seconds:g} s.", may_help=True) from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        return msgspec.json.decode(said, type=Handed)
    except msgspec.DecodeError as error:
        raise NotSent("Apprise ended without an answer.", may_help=True) from error


def shown_address(kind: str, address: str) -> str:
    """What may be shown of an address: where it leads, without paths, queries and passwords."""
    parts = address_parts(address)
    host = parts.hostname or ""
    # In most Apprise addresses the "host" is a token; in these it is a host.
    has_host = kind == "webhook" or parts.scheme in ("mailto", "mailtos", "json", "jsons", "gotify", "gotifys")
    return f"{parts.scheme}://{host if has_host else ''}…"
