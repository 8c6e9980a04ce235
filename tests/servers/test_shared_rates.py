"""Two servers over one database let in together what one would."""

import asyncio
from pathlib import Path

import pytest

from retrospec.domain.errors import TooManyRequests
from retrospec.domain.settings import LimitSettings
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.web.access import RateLimiter
from retrospec.web.quotas import SessionQuota
from retrospec.web.shared_rates import SharedRates
from tests.servers.choice import large_rows_url

BURST = 40


class Node:
    """What a server has of it, exchanged by hand."""

    def __init__(self, url: str, limits: LimitSettings) -> None:
        self.database = Database.open(url)
        self.limiter = RateLimiter(limits)
        self.shared = self.limiter.shared = SharedRates(self.database)
        self.sessions = SessionQuota(limits, self.shared)

    def let_in(self, most: int) -> int:
        """How many of so many requests at once."""
        for number in range(most):
            try:
                self.limiter.take("somebody")
            except TooManyRequests:
                return number
        return most

    async def exchange(self) -> None:
        self.limiter.adopt(await self.shared.exchange())


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(requests_per_second=0.01, burst=BURST, sessions_per_key=BURST, sessions_per_visitor=0)


async def test_what_one_server_let_in_is_missing_at_the_other(tmp_path: Path, limits: LimitSettings) -> None:
    url = large_rows_url(tmp_path)
    migrate(url)
    one, other = Node(url, limits), Node(url, limits)
    assert one.let_in(30) == 30
    assert other.let_in(4) == 4
    await one.exchange()
    await other.exchange()
    assert other.let_in(BURST) == 6
    await asyncio.gather(one.exchange(), other.exchange())
    await one.exchange()
    assert one.let_in(BURST) == 10  # of its own last look; then it learns better
    await one.exchange()
    assert one.let_in(1) == other.let_in(1) == 0
    for node in (one, other):
        await node.database.close()


async def test_sessions_of_a_key_are_counted_over_all_servers(tmp_path: Path, limits: LimitSettings) -> None:
    url = large_rows_url(tmp_path)
    migrate(url)
    nodes = [Node(url, limits) for _ in range(2)]
    for number in range(BURST):
        nodes[number % 2].sessions.admit("key", "", f"s{number}")
    for node in nodes:
        await node.exchange()
    nodes[1].sessions.admit("key", "", "s1")  # known here: no new session
    with pytest.raises(TooManyRequests) as refused:
        nodes[1].sessions.admit("key", "", "one too many")
    assert refused.value.retry_after_s > 1
    for node in nodes:
        await node.database.close()


async def test_while_the_database_is_away_nothing_that_was_let_in_is_forgotten(tmp_path: Path, limits: LimitSettings) -> None:
    url = large_rows_url(tmp_path)
    migrate(url)
    node, later = Node(url, limits), Node(url, limits)
    away = Database.open("postgresql://retrospec@127.0.0.1:9/none")
    node.shared._database = away
    assert node.let_in(20) == 20
    with pytest.raises(Exception, match="cannot answer now"):
        await node.exchange()
    node.shared._database = node.database
    await node.exchange()
    assert later.let_in(5) == 5
    await later.exchange()
    assert later.let_in(BURST) == 15
    for each in (node.database, later.database, away):
        await each.close()
