"""The rules in force for a project: those set in the dashboard, and what the settings say for every project."""

import hashlib

import msgspec

from retrospec.domain.clock import utc_now
from retrospec.domain.settings_telling import AlertSettings
from retrospec.storage import alerting
from retrospec.storage.alerting import Channel
from retrospec.storage.database import Connection

FROM_SETTINGS = "settings"
"""Ids of channels and rules that come from the settings begin so."""


class RuleInForce(msgspec.Struct, kw_only=True, frozen=True):
    """A rule as it holds now."""

    id: str
    channel_id: str
    events: tuple[str, ...]
    quiet_minutes: int
    digest_minutes: int
    paused: bool = False


async def rules_in_force(connection: Connection, project_id: str, settings: AlertSettings) -> list[RuleInForce]:
    """Every rule that may speak of this project."""
    own = [
        RuleInForce(
            id=rule.id,
            channel_id=rule.channel_id,
            events=tuple(rule.events),
            quiet_minutes=rule.quiet_minutes,
            digest_minutes=rule.digest_minutes,
            paused=rule.paused,
        )
        for rule in await alerting.rules_of(connection, project_id)
    ]
    return [*own, *(_of_settings(channel_id, settings) for channel_id in _addresses(settings))]


def _of_settings(channel_id: str, settings: AlertSettings) -> RuleInForce:
    return RuleInForce(
        id=channel_id,
        channel_id=channel_id,
        events=tuple(settings.events),
        quiet_minutes=settings.quiet_minutes,
        digest_minutes=settings.digest_minutes,
    )


def _addresses(settings: AlertSettings) -> dict[str, tuple[str, str]]:
    """Kind and address by channel id. The id follows the address: a new address is a new channel."""
    found = {}
    for kind, address in [("webhook", settings.webhook_url), *(("apprise", url) for url in settings.channel_urls)]:
        if address:
            found[f"{FROM_SETTINGS}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"] = (kind, address)
    return found


def channels_from_settings(settings: AlertSettings) -> list[tuple[str, str]]:
    """Id and kind of the channels that the settings name, to show that they are there."""
    return [(channel_id, kind) for channel_id, (kind, _) in _addresses(settings).items()]


async def channel_named(
    connection: Connection, project_id: str, channel_id: str, settings: AlertSettings
) -> Channel | None:
    """The channel a letter goes to; None when it was removed meanwhile."""
    from_settings = _addresses(settings).get(channel_id)
    if from_settings is None:
        return await alerting.find_channel(connection, project_id, channel_id)
    kind, address = from_settings
    key = settings.webhook_key if kind == "webhook" else ""
    return Channel(
        id=channel_id,
        project_id=project_id,
        name="From the settings",
        kind=kind,
        address=address,
        shown="(in the settings)",
        signing_key=key,
        created_at=utc_now(),
    )
