"""What those whose payment failed did before, and who paid without trouble."""

import msgspec
from sqlalchemy import select

from retrospec.storage import tables
from retrospec.storage.database import Connection
from retrospec.storage.search import documents_of, save
from tests.web.seeding_workflow import PAY_KEY, PROJECT

SPARED = 24
BOTH = "¬ open basket ¬ to checkout"


async def add_apart(connection: Connection) -> None:
    """Of those it failed for all but each eighth chose the wallet before they paid, of the spared each twelfth."""
    mine = tables.issue_sessions.c
    its_own = select(mine.session_id).where(mine.project_id == PROJECT, mine.cluster_key == PAY_KEY).order_by(mine.session_id)
    failed = [row.session_id for row in await connection.execute(its_own)]
    spared = [f"s-quiet-{number}" for number in range(1, SPARED + 1)]
    pressed = {name: "pocket wallet" if number % 8 else "card" for number, name in enumerate(failed)}
    pressed |= {name: "card" if number % 12 else "pocket wallet" for number, name in enumerate(spared)}
    known = await documents_of(connection, PROJECT, list(pressed))
    for name, paid_by in ((name, paid_by) for name, paid_by in pressed.items() if name in known):
        clicked = f"{BOTH} ¬ {paid_by} ¬ pay now" + (" ¬ ask for help" if name in failed else "")
        await save(connection, msgspec.structs.replace(known[name], clicked=clicked))
    await connection.execute(
        tables.watch_uses.insert(), [{"project_id": PROJECT, "session_id": name, "issue_key": PAY_KEY} for name in pressed]
    )
    await connection.execute(
        tables.markers.update().where(tables.markers.c.id == "m-pay-3").values(evidence={"control": {"role": "button", "name": "Pay now"}})
    )
