"""``retrospec issues explain``: of a file's markers, and of a stored session's."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retrospec.cli.main import main
from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage import arrivals
from retrospec.storage.arrivals import Arrival
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate

STACK = "Error: Order 7 is gone\n    at pay (https://shop.example/assets/cart-Q2w6Zjyy.js:4:2)"
MARKER = {"kind": "js_exception", "label": "Error: Order 7 is gone", "evidence": {"stack": STACK}, "route": "/cart"}


def explain(folder: Path, *given: str) -> Result:
    return CliRunner().invoke(main, ["issues", "explain", *given, "--data", str(folder), "--config", str(folder / "retrospec.toml")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "retrospec.toml").write_text("")
    return tmp_path


def test_markers_of_a_file(folder: Path) -> None:
    other = MARKER | {"label": "Error: Order 8 is gone", "evidence": {"stack": STACK.replace("7", "8")}}
    (folder / "markers.json").write_text(json.dumps([MARKER, other, {"kind": "api_error", "label": "POST /api/pay returned 500"}]))
    told = explain(folder, "--file", str(folder / "markers.json"), "--json")
    assert told.exit_code == 0, told.output
    first, second, third = json.loads(told.output)
    assert first["key"] == second["key"] != third["key"]
    assert ["where", "cart:pay"] in first["parts"]


def test_a_file_that_is_no_marker_is_refused_by_its_name(folder: Path) -> None:
    (folder / "odd.json").write_text("[1]")
    told = explain(folder, "--file", str(folder / "odd.json"))
    assert told.exit_code != 0
    assert "odd.json is no marker" in told.output


def test_every_marker_of_a_stored_session(folder: Path) -> None:
    asyncio.run(_stored(folder))
    told = explain(folder, "--session", "s1")
    assert told.exit_code == 0, told.output
    assert "where: cart:pay" in told.output
    assert "goes to    a new issue" in told.output
    missing = explain(folder, "--session", "nowhere")
    assert missing.exit_code != 0
    assert "no session 'nowhere'" in missing.output


async def _stored(folder: Path) -> None:
    url = f"sqlite:///{folder / 'retrospec.db'}"
    migrate(url)
    database, now = Database.open(url), utc_now()
    marker = Marker(
        id="m", project_id="proj_default", session_id="s1", kind=MarkerKind.JS_EXCEPTION, label="Error: Order 7 is gone", cluster_key="js_exception:x",
        replay_offset_ms=1, observed_at=now, evidence={"stack": STACK},
    )  # fmt: skip
    arrival = Arrival(
        project_id="proj_default", session_id="s1", site="shop.example", route="/cart", started_at=now, duration_ms=5, events_object_key="k", markers=[marker],
    )  # fmt: skip
    async with database.write() as connection:
        await arrivals.land(connection, arrival, now=now, max_markers=10)
    await database.close()
