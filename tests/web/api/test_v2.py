"""API v2 against a real server: what it tells, what it changes, what it refuses."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.web.api.describing import shapes
from tests.conftest import Client, make_key, marker, open_http, wait_for

SIX = [f"s{n}" for n in range(6)]


@pytest.fixture(scope="module")
def key(client: Client) -> str:
    """Of the one issue that six sessions share."""
    for name in SIX:
        assert client.send(name, marker(), route="/checkout").status_code == 202
    for name in SIX:
        client.judged(name)
    found: str = wait_for(lambda: client.http.get("/v2/issues").json()["items"])[0]["key"]
    return found


@pytest.fixture
def reader(server: RunningServer, settings: Settings, key: str) -> Iterator[httpx.Client]:
    """A program with a read key."""
    secret = make_key(settings, scopes=frozenset({"read"}))
    yield open_http(base_url=server.url, headers={"X-Retrospec-Key": secret}, timeout=30)


def pages(http: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Everything a list has, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = http.get(path, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
    return found


def test_lists_are_paged_to_their_end_and_nothing_comes_twice(reader: httpx.Client, key: str) -> None:
    assert sorted(one["id"] for one in pages(reader, "/v2/sessions", limit=4)) == SIX
    assert sorted(one["sessionId"] for one in pages(reader, f"/v2/issues/{key}/sessions", limit=4)) == SIX
    assert [one["key"] for one in pages(reader, "/v2/issues", limit=1)] == [key]
    assert pages(reader, "/v2/issues", state="resolved") == []


def test_a_cursor_belongs_to_its_list(reader: httpx.Client, key: str) -> None:
    cursor = reader.get("/v2/sessions", params={"limit": 1}).json()["next"]
    for path, sent in (("/v2/issues", cursor), (f"/v2/issues/{key}/sessions", cursor), ("/v2/sessions", "nonsense")):
        answer = reader.get(path, params={"cursor": sent})
        assert answer.status_code == 400
        assert answer.json()["field"] == "cursor"


def test_sessions_are_found_by_what_happened_in_them(reader: httpx.Client, key: str) -> None:
    assert len(pages(reader, "/v2/sessions", q="route:/checkout error:cart", limit=4)) == 6
    assert pages(reader, "/v2/sessions", q="route:/checkout", status="discarded") == []
    odd = reader.get("/v2/sessions", params={"q": "colour:red"}).json()
    assert "no colour:" in odd["complaints"][0]


def test_an_issue_tells_whom_it_hit_and_why_its_sessions_are_together(reader: httpx.Client, key: str) -> None:
    told = reader.get(f"/v2/issues/{key}").json()
    assert told["issue"]["sessionCount"] == told["issue"]["peopleCount"] == 6
    assert sum(hour["sessionCount"] for hour in told["trend"]) == 6
    assert told["grouping"]["members"][0]["parts"]
    assert told["report"]["symptom"][0]["text"]
    assert {"facet": "route", "values": [{"value": "/checkout", "count": 6}]} in told["breakdowns"]


def test_a_session_tells_its_failures_with_receipts_and_the_rows_its_card_cites(reader: httpx.Client) -> None:
    told = reader.get("/v2/sessions/s1").json()
    assert told["failures"][0]["receipt"] == "without_replay"
    assert told["report"]["status"] == "ready"
    cited = {ref for sentence in told["report"]["symptom"] for ref in sentence["refs"]}
    rows = {row["ref"] for row in pages(reader, "/v2/sessions/s1/trace", limit=1)}
    assert cited and cited <= rows
    file = reader.get(told["files"][0]["path"])
    assert file.status_code == 200
    assert file.json()["trace"]
    assert reader.get("/v2/sessions/s1/events").json() == [{"type": 2}, {"type": 3}]


def test_numbers_and_the_project_are_told(reader: httpx.Client) -> None:
    assert reader.get("/v2/project").json()["scopes"] == ["read"]
    assert reader.get("/v2/stats").json()["visits"]["failed"] == 6
    assert sum(hour["sessionCount"] for hour in reader.get("/v2/stats/series").json()["items"]) == 6


def test_what_has_not_changed_is_not_sent_again(reader: httpx.Client) -> None:
    first = reader.get("/v2/sessions/s2")
    again = reader.get("/v2/sessions/s2", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_read_key_changes_nothing(reader: httpx.Client, key: str) -> None:
    calls = [("PATCH", f"/v2/issues/{key}"), ("POST", f"/v2/issues/{key}/comments"), ("DELETE", "/v2/sessions/s1"), ("GET", "/v2/keys"),
             ("POST", "/v2/erasures"), ("GET", "/v2/audit"), ("POST", "/v2/shares")]  # fmt: skip
    for method, path in calls:
        assert reader.request(method, path, json={}).status_code == 403, path
    assert reader.get("/v2/sessions/s1").status_code == 200


def test_an_issue_is_worked_on_and_its_log_says_by_which_key(client: Client, key: str) -> None:
    http, here = client.http, f"/v2/issues/{key}"
    changed = http.patch(here, json={"state": "resolved", "fixIn": "next", "assignee": "Ann"}).json()
    assert (changed["state"], changed["assignee"]) == ("resolved", "Ann")
    assert http.get(here).json()["fix"]["fixIn"] == "next"
    late = http.patch(here, json={"state": "muted", "seenState": "active"})
    assert late.status_code == 409
    assert http.patch(here, json={"state": "active", "note": "looking"}).json()["assignee"] == "Ann"
    assert http.post(f"{here}/comments", json={"text": "only on phones"}).status_code == 201
    log = [(line["kind"], line["author"][:8]) for line in pages(http, f"{here}/activity", limit=2)]
    assert log[0] == ("comment", "test (ke")
    assert set(log[1:3]) == {("note", "test (ke"), ("state", "test (ke")}  # of one call, in one millisecond
    assert ("promoted", "") in log


def test_a_slip_of_the_pen_is_refused_by_name(client: Client, key: str) -> None:
    for sent, told in (({"asignee": "Ann"}, "asignee"), ({"state": "fixed"}, "state"), ({"state": "resolved", "fixIn": "release"}, "release")):
        answer = client.http.patch(f"/v2/issues/{key}", json=sent)
        assert answer.status_code == 400
        assert told in answer.json()["error"]


def test_issues_merge_and_part_again(client: Client, key: str) -> None:
    for name in ("other1", "other2"):
        client.send(name, marker(label="RangeError: no such page", kind="api_error"))
        client.judged(name)
    other = wait_for(lambda: [one["key"] for one in pages(client.http, "/v2/issues") if one["key"] != key])[0]
    merged = client.http.post(f"/v2/issues/{other}/merge", json={"other": key}).json()
    both = client.http.get(f"/v2/issues/{other}").json()
    assert both["issue"]["key"] == merged["issueKey"]
    assert both["issue"]["sessionCount"] == 8
    undone = client.http.post(f"/v2/issues/{key}/decisions/{merged['decisionId']}/undo")
    assert undone.status_code == 200
    assert client.http.get(f"/v2/issues/{other}").json()["issue"]["sessionCount"] == 2


def test_a_key_is_made_bound_rotated_and_revoked(client: Client, server: RunningServer) -> None:
    made = client.http.post("/v2/keys", json={"name": "report", "scopes": ["read"]}).json()
    here = f"/v2/keys/{made['key']['id']}"
    assert client.http.put(f"{here}/bounds", json={"requestsPerSecond": 50}).json()["requestsPerSecond"] == 50
    fresh = client.http.post(f"{here}/rotate", json={"overlapDays": 1}).json()
    ask = open_http(base_url=server.url, timeout=30)
    for secret in (made["secret"], fresh["secret"]):
        assert ask.get("/v2/project", headers={"X-Retrospec-Key": secret}).status_code == 200
    assert client.http.delete(here).status_code == 200
    assert ask.get("/v2/project", headers={"X-Retrospec-Key": made["secret"]}).status_code == 401
    assert made["secret"] not in client.http.get("/v2/keys").text


def test_a_share_link_is_made_and_taken_back(client: Client, server: RunningServer, key: str) -> None:
    link = client.http.post("/v2/shares", json={"kind": "issue", "subject": key, "days": 1}).json()["url"]
    visitor = open_http(timeout=30, follow_redirects=True)
    assert visitor.get(link).status_code == 200
    share = client.http.get("/v2/shares").json()["items"][0]
    assert (share["subject"], share["views"]) == (key, 1)
    client.http.delete(f"/v2/shares/{share['id']}")
    assert visitor.get(link).status_code == 404


def test_erasing_gives_a_receipt_and_the_log_says_so_without_the_name(client: Client, key: str) -> None:
    gone = client.http.delete("/v2/sessions/s5").json()
    assert gone["rows"]["sessions"] == 1
    assert gone["recordings"] == 1
    assert client.http.get("/v2/sessions/s5").status_code == 404
    nobody = client.http.post("/v2/erasures", json={"person": "customer-of-nobody"}).json()
    assert nobody["rows"] == {}
    log = client.http.get("/v2/audit").json()["items"]
    assert {"session_erased", "person_erased"} <= {line["action"] for line in log}
    assert "customer-of-nobody" not in str(log)


def test_every_call_is_described_with_an_example_that_fits_its_shape(client: Client) -> None:
    document = client.http.get("/api/openapi.json").json()
    checked = 0
    for path, operations in document["paths"].items():
        for operation in operations.values() if path.startswith("/v2/") else ():
            if operation.get("x-retrospec-scope") == "ingest":
                continue
            answers = [answer for status, answer in operation["responses"].items() if status < "300"]
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for content in [part.get("content", {}).get("application/json", {}) for part in (*answers, *bodies)]:
                if "$ref" in content.get("schema", {}):
                    name = content["schema"]["$ref"].rpartition("/")[2]
                    msgspec.convert(content["example"], shapes()[name])
                    assert document["components"]["schemas"][name]["description"]
                    checked += 1
    assert checked > 35
