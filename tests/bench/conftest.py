import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.bench.stub_server import StubServer


@pytest.fixture
async def stub() -> AsyncIterator[StubServer]:
    server = StubServer()
    listener = await asyncio.start_server(server.serve_one, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield server
    listener.close()
