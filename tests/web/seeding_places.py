"""What came to nothing where, in the seeded week."""

import random
from datetime import datetime

from retrospec.domain.clock import to_epoch_ms
from retrospec.storage import places
from retrospec.storage.database import Connection
from retrospec.storage.places import Mark, Sort

PROJECT = "proj_default"


async def add_places(connection: Connection, *, now: datetime) -> None:
    """Clicks on the checkout's button and beside it, a postcode field, and two endpoints."""
    today, chance = to_epoch_ms(now) // 86_400_000, random.Random(3)
    for number in range(24):
        session = "s-pay-1" if number == 0 else f"s-07ab4-{number}"
        marks = [
            _click(Sort.RAGE, "button \u201cPay \u20ac64.80\u201d", 150 + chance.randrange(70), 478 + chance.randrange(20), 12_919),
            _click(Sort.DEAD, "a part of the page without a name", 700 + chance.randrange(200), 300 + chance.randrange(300), 13_000),
            Mark(sort=Sort.CALL, place="shop.example", thing="GET /api/basket", t_ms=300, count=3, failed=0),
            Mark(sort=Sort.FAILED_CALL, place="shop.example", thing="POST /api/orders/<*>/pay", t_ms=7_255, count=2, failed=1 + number % 2),
        ]
        if number % 3 == 0:
            outcome = "overcame" if number % 2 else "blocked"
            marks.append(Mark(sort=Sort.FIELD, place="/checkout/address", thing="Postcode \u00b7 patternMismatch", t_ms=4_000, failed=int(outcome == "blocked"), outcome=outcome))
        await places.add_session(connection, PROJECT, session, marks, day=today - number % 5, person_key=f"u:{number % 17}", is_first=True)


def _click(sort: Sort, shown: str, x: int, y: int, t_ms: int) -> Mark:
    return Mark(sort=sort, place="/checkout", thing=shown, t_ms=t_ms, x=x, y=y, width=1100, shown=shown)
