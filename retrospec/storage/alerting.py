"""Alert channels and rules of a project, as people set them in the dashboard."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import alert_channels, alert_rules


class Channel(msgspec.Struct, kw_only=True):
    """Where messages go."""

    id: str
    project_id: str
    name: str
    kind: str
    """``webhook`` or ``apprise``."""
    address: str
    """The whole address, secrets and all: for sending, never for showing."""
    shown: str
    """What may be shown of it."""
    signing_key: str = ""
    created_at: datetime


class AlertRule(msgspec.Struct, kw_only=True):
    """What goes to which channel."""

    id: str
    project_id: str
    channel_id: str
    events: list[str]
    """Of ``new``, ``regression``, ``spike``."""
    quiet_minutes: int
    digest_minutes: int
    """0: each event at once."""
    paused: bool = False
    created_at: datetime


async def channels_of(connection: Connection, project_id: str) -> list[Channel]:
    """In the order they were made."""
    found = await connection.execute(
        select(alert_channels).where(alert_channels.c.project_id == project_id).order_by(alert_channels.c.id)
    )
    return [Channel(**row._mapping) for row in found]


async def find_channel(connection: Connection, project_id: str, channel_id: str) -> Channel | None:
    """One channel of the project."""
    row = (
        await connection.execute(
            select(alert_channels).where(alert_channels.c.id == channel_id, alert_channels.c.project_id == project_id)
        )
    ).first()
    return None if row is None else Channel(**row._mapping)


async def rules_of(connection: Connection, project_id: str) -> list[AlertRule]:
    """In the order they were made."""
    found = await connection.execute(
        select(alert_rules).where(alert_rules.c.project_id == project_id).order_by(alert_rules.c.id)
    )
    return [AlertRule(**row._mapping) for row in found]


async def add_channel(connection: Connection, channel: Channel, rule: AlertRule) -> None:
    """A channel comes with the rule that feeds it."""
    await connection.execute(alert_channels.insert(), msgspec.structs.asdict(channel))
    await connection.execute(alert_rules.insert(), msgspec.structs.asdict(rule))


async def change_rule(connection: Connection, rule: AlertRule) -> bool:
    """Store what was changed on a rule; False when there is none of that id in the project."""
    changed = await connection.execute(
        update(alert_rules)
        .where(alert_rules.c.id == rule.id, alert_rules.c.project_id == rule.project_id)
        .values(
            events=rule.events,
            quiet_minutes=rule.quiet_minutes,
            digest_minutes=rule.digest_minutes,
            paused=rule.paused,
        )
    )
    return changed.rowcount == 1


async def remove_channel(connection: Connection, project_id: str, channel_id: str) -> bool:
    """Forget a channel with its rules; what waits for it is given up when its turn comes."""
    await connection.execute(
        delete(alert_rules).where(alert_rules.c.project_id == project_id, alert_rules.c.channel_id == channel_id)
    )
    gone = await connection.execute(
        delete(alert_channels).where(alert_channels.c.project_id == project_id, alert_channels.c.id == channel_id)
    )
    return gone.rowcount == 1
