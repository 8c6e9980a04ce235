"""One-time codes from an app (RFC 6238) as a second factor, and recovery codes for a lost phone."""

import hmac
import secrets
from datetime import datetime

import pyotp

from retrospec.accounts.secrets import token_hash
from retrospec.domain.account import User
from retrospec.domain.errors import Unauthorized
from retrospec.storage import second_factors
from retrospec.storage.database import Connection, Database

STEP_S = 30
DRIFT_STEPS = 1
"""A phone's clock may be half a minute off either way (RFC 6238, section 5.2)."""
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"

WRONG = "That code is not right, or was used already."


def new_secret() -> str:
    """160 random bits in base 32, for an app to hold."""
    return pyotp.random_base32(32)


def app_uri(secret: str, user: User) -> str:
    """What an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name="RetroSpec")


def new_recovery_codes() -> list[str]:
    """Ten codes of 50 random bits, each good once."""
    return ["-".join(_word() for _ in range(2)) for _ in range(RECOVERY_CODES)]


def _word() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """The time step for which ``code`` is right, if any; every step is compared, in constant time."""
    given, current, found = code.strip().replace(" ", ""), int(now.timestamp()) // STEP_S, None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        expected = pyotp.TOTP(secret).at(step * STEP_S)
        if hmac.compare_digest(expected.encode(), given.encode()):
            found = step
    return found


async def turn_on(database: Database, user: User, secret: str, code: str, *, now: datetime) -> list[str]:
    """Ask ``user`` for codes from now on; the recovery codes, shown this once. Raises Unauthorized."""
    step = step_of(secret, code, now=now)
    if step is None:
        raise Unauthorized(WRONG)
    codes = new_recovery_codes()
    async with database.write() as connection:
        await second_factors.set_secret(
            connection, user.id, secret, step=step, recovery_hashes=[token_hash(each) for each in codes]
        )
    return codes


async def check_code(database: Database, user_id: str, code: str, *, now: datetime) -> bool:
    """Use up a code of the app or a recovery code; True when a recovery code it was. Raises Unauthorized.

    A code counts once: whoever looks over a shoulder comes too late.
    """
    async with database.write() as connection:
        factor = await second_factors.find(connection, user_id)
        if factor is None:
            raise Unauthorized(WRONG)
        step = step_of(factor.secret, code, now=now)
        if step is not None:
            if not await second_factors.use_step(connection, user_id, step):
                raise Unauthorized(WRONG)
            return False
        return await _use_recovery(connection, factor, code)


async def _use_recovery(connection: Connection, factor: second_factors.SecondFactor, code: str) -> bool:
    given = token_hash(code.strip().lower().replace(" ", ""))
    left = [each for each in factor.recovery_hashes if not hmac.compare_digest(each, given)]
    if len(left) == len(factor.recovery_hashes):
        raise Unauthorized(WRONG)
    await second_factors.set_recovery(connection, factor.user_id, left)
    return True
