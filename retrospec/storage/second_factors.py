"""The second factors of users: the secret their app holds, the last code used, recovery codes as hashes."""

import msgspec
from sqlalchemy import select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import users


class SecondFactor(msgspec.Struct, kw_only=True):
    """What a code is checked against."""

    user_id: str
    secret: str
    recovery_hashes: list[str]


async def find(connection: Connection, user_id: str) -> SecondFactor | None:
    """The user's second factor, or None while it is off."""
    row = (
        await connection.execute(
            select(users.c.totp_secret, users.c.recovery_hashes).where(users.c.id == user_id)
        )
    ).first()
    if row is None or not row.totp_secret:
        return None
    return SecondFactor(user_id=user_id, secret=row.totp_secret, recovery_hashes=row.recovery_hashes)


async def set_secret(
    connection: Connection, user_id: str, secret: str, *, step: int, recovery_hashes: list[str]
) -> None:
    """Turn it on with the step of the first code used, or off with an empty secret."""
    await connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(totp_secret=secret, totp_step=step, recovery_hashes=recovery_hashes)
    )


async def use_step(connection: Connection, user_id: str, step: int) -> bool:
    """Use up the code of a step; False when that or a later one was used before."""
    used = await connection.execute(
        update(users).where(users.c.id == user_id, users.c.totp_step < step).values(totp_step=step)
    )
    return used.rowcount == 1


async def set_recovery(connection: Connection, user_id: str, hashes: list[str]) -> None:
    """What is left of the recovery codes."""
    await connection.execute(update(users).where(users.c.id == user_id).values(recovery_hashes=hashes))
