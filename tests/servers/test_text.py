"""NUL, which a page may say anywhere and PostgreSQL has no room for: it fails no session and no question."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from retrospec.domain.clock import utc_now
from retrospec.storage.database import Connection, Database
from retrospec.storage.tables import projects
from tests.analysis.recordings import click, element, mutation, page, text
from tests.conftest import Client, make_key, marker, serving
from tests.servers.choice import large_rows_url
from tests.servers.test_many_processes import large_settings

NUL = "\x00"


def full_of_nul() -> list[dict[str, Any]]:
    """A visit in which everything that reaches a report, the strip or the search has one."""
    button = element(10, "button", {"id": f"pay{NUL}", "title": f"a{NUL}b"}, text(11, f"Pay{NUL} now"))
    said = {"plugin": "rrweb/console@1", "payload": {"level": "error", "payload": [f'"boom{NUL}"'], "trace": [f"at pay{NUL} (app.js:1:2)"]}}
    first = page(0, button, url=f"https://shop.test/check{NUL}out?q=%00")
    shown = mutation(1_500, texts=[{"id": 11, "value": f"Sorry{NUL}, that did not work"}])
    return [*first, click(1_000, 10), shown, {"type": 6, "timestamp": first[0]["timestamp"] + 1_600, "data": said}]


@pytest.fixture
def client(tmp_path: Path) -> Any:
    settings = large_settings(tmp_path, tmp_path)
    with serving(settings) as server:
        yield Client(server, make_key(settings))


def test_a_visit_full_of_it_is_judged_and_found(client: Client) -> None:
    uploaded = client.upload("s1", full_of_nul())
    assert uploaded.status_code == 201, uploaded.text
    evidence = {"message": f"boom{NUL}", "stack": f"TypeError: boom{NUL}\n    at pay{NUL} (https://shop.test/app{NUL}.js:1:2)"}
    sent = client.ingest("s1", marker(evidence=evidence), key=uploaded.json()["eventsObjectKey"])
    assert sent.status_code == 202, sent.text
    judged = client.judged("s1")
    assert judged["stage"] == "done" and judged["reportCard"]["status"] == "ready"
    (kept,) = judged["markers"]
    assert NUL not in str(kept) and "boom\ufffd" in str(kept["evidence"])


@pytest.mark.parametrize("asked", ["/v1/sessions/%00", "/v1/issues/a%00b/sessions", "/v1/sessions/%00/events"])
def test_what_is_asked_for_with_it_is_not_there(client: Client, asked: str) -> None:
    answer = client.http.get(asked)
    assert answer.status_code in (200, 400, 404), answer.text


async def test_a_text_is_found_by_what_it_was_stored_from(tmp_path: Path) -> None:
    database = Database.open(large_rows_url(tmp_path))

    async def keep(connection: Connection) -> Any:
        await connection.execute(insert(projects), {"id": f"p{NUL}", "name": NUL, "created_at": utc_now(), "redaction": "{}"})
        return (await connection.execute(select(projects.c.name).where(projects.c.id == f"p{NUL}"))).scalar()

    assert await database.write_soon(keep) == "\ufffd"
    await database.close()
