"""Frames and the way to a failure, as an assistant gets them, of a session that was really recorded."""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retrospec.client import Client as ApiClient
from retrospec.domain.settings import Settings, StorageSettings
from tests.conftest import make_key, serving
from tests.web.seeding import PAY_KEY, PAY_SESSION
from tests.web.seeding_strips import add_strips
from tests.web.serving import _prepared

mcp = pytest.importorskip("mcp", reason="the MCP SDK is not installed (pip install -e '.[test]')")


@contextmanager
def asking(folder: Path, *, was_looked_at: bool) -> Iterator[ApiClient]:
    """A read key's client of a server over the seeded week."""
    shutil.copytree(_prepared(True, True), folder, dirs_exist_ok=True)
    if was_looked_at:
        add_strips(folder)
    settings = Settings(storage=StorageSettings(dir=str(folder)))
    settings.server.port, settings.limits.requests_per_second, settings.confirmation.checker = 0, 0, "none"
    with serving(settings) as server, ApiClient(server.url, make_key(settings, scopes=frozenset({"read"}))) as opened:
        yield opened


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    with asking(tmp_path_factory.mktemp("pictures"), was_looked_at=True) as opened:
        yield opened


def text_of(result: Any) -> str:
    return "\n".join(part.text for part in result.content if part.type == "text")


async def test_frames_come_as_pictures_with_what_is_seen_in_them(api: ApiClient) -> None:
    from retrospec.assistants.server import make_server

    async with mcp.Client(make_server(api)) as assistant:
        for asked in ({"issue_key": PAY_KEY}, {"session_id": PAY_SESSION}):
            shown = await assistant.call_tool("get_frames", asked)
            assert not shown.is_error, text_of(shown)
            pictures = [part for part in shown.content if part.type == "image"]
            assert pictures and {part.mime_type for part in pictures} == {"image/webp"}
            assert base64.b64decode(pictures[0].data).startswith(b"RIFF")
            assert "We could not take your payment" in text_of(shown)
        assert (await assistant.call_tool("get_frames", {})).is_error


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    with asking(tmp_path_factory.mktemp("unseen"), was_looked_at=False) as opened:
        yield opened


async def test_the_way_and_the_test_are_whole(unseen: ApiClient) -> None:
    from retrospec.assistants.server import make_server

    async with mcp.Client(make_server(unseen)) as assistant:
        told = text_of(await assistant.call_tool("get_reproduction", {"session_id": PAY_SESSION}))
    way = unseen.reproduction(PAY_SESSION)
    assert way.test and way.test.strip() in told
    assert all(step.sentence in told for step in way.steps)
    compile(way.test, way.file_name, "exec")


def test_the_filmstrip_is_told_and_fetched_by_its_paths(api: ApiClient) -> None:
    for strip in (api.issue(PAY_KEY).strip, *api.session(PAY_SESSION).strips):
        assert strip is not None and strip.verdict == "confirmed"
        for picture in strip.pictures:
            assert api.file(picture.path).startswith(b"RIFF")
