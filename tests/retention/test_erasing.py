"""Erasing beside a running server: afterwards no file of the data folder has anything of the person."""

from pathlib import Path

from click.testing import CliRunner

from retrospec.cli.main import main
from retrospec.domain.clock import to_epoch_ms, utc_now
from tests.conftest import Client, make_key, serving, settings_for
from tests.retention.traces import files_with
from tests.servers.choice import on_sqlite_only

pytestmark = on_sqlite_only

HERS = ("visitor-hers", "customer-17", "Ophelia")
"""Who she is to the site, and what only her recordings have. Ids of sessions stay in the audit log and with issues: they name nobody."""
HIS = ("visitor-his", "customer-18", "Laertes")
SESSIONS = {"s1": HERS, "s2": HERS, "s3": HERS, "s4": HIS}


def chunk(name: str, visitor: str, user: str, said: str) -> dict[str, object]:
    now = to_epoch_ms(utc_now())
    events = [{"type": 4, "timestamp": now, "data": {"href": "https://shop.example/", "width": 800, "height": 600}},
              {"type": 5, "timestamp": now + 100, "data": {"tag": "note", "payload": {"greeting": f"Hello {said}"}}}]  # fmt: skip
    seen = {"id": f"{name}-m", "at": now + 400, "kind": "js_exception", "label": "TypeError: cart is undefined", "evidence": {"from": said}}
    return {
        "v": 2, "sessionId": name, "tabId": "t1", "visitorId": visitor, "user": {"id": user, "traits": {"name": said}}, "seq": 0, "segment": 0, "site": "Shop", "route": "/",
        "url": "https://shop.example/", "startedAt": now, "sentAt": now + 900, "events": events, "final": True, "dropped": [], "markers": [seen],
    }  # fmt: skip


def test_no_file_of_the_data_folder_has_anything_of_an_erased_person(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name, who in SESSIONS.items():
            assert client.http.post("/v2/chunks", json=chunk(name, *who)).status_code == 202
        for name in SESSIONS:
            assert client.judged(name)["stage"] == "done"
        before = files_with(tmp_path, HERS)
        assert any(name.startswith("retrospec.db") for name in before) and any(name.startswith("blobs/") for name in before)
        told = CliRunner().invoke(main, ["purge", "--user", "customer-17", "--yes", "--data", str(tmp_path)])
        assert told.exit_code == 0, told.output
        assert "3 sessions" in told.output
        assert files_with(tmp_path, HERS) == {}
        assert files_with(tmp_path, HIS)
