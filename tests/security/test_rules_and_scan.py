"""A project's own redaction rules, the report of a session, and the scan of what is stored."""

import json
import os
import subprocess
import sys

import pytest

from retrospec.capture.rules import RuleChanges, rules_of
from retrospec.domain.errors import BadRequest
from tests.conftest import Client
from tests.security.conftest import MINE, THEIRS, Browser, World
from tests.servers.choice import stores_given


def page_with(text: str) -> list[dict[str, object]]:
    events = [{"type": 5, "data": {"tag": "said", "payload": {"text": text, "shoeSize": "44"}}, "timestamp": at} for at in (1, 2)]
    return [*events]


def test_a_projects_rules_hold_for_it_and_for_no_other(world: World, browsers: dict[str, Browser]) -> None:
    class Server:
        url = world.url

    mine, theirs = Client(Server, world.my_key), Client(Server, world.their_key)  # type: ignore[arg-type]
    sent = browsers["admin"].ask("POST", f"/p/{MINE}/redaction", fields="shoeSize", patterns=r"CASE-\d{5}", without="email")
    assert sent.status_code == 303
    refused = browsers["admin"].ask("POST", f"/p/{MINE}/redaction", patterns="(")
    assert refused.status_code == 400
    assert browsers["member"].ask("POST", f"/p/{MINE}/redaction", patterns="x").status_code == 403
    text = "CASE-12345 of ada@fern.example, card 4242 4242 4242 4242"
    for client in (mine, theirs):
        client.upload("ruled", page_with(text))
        client.ingest("ruled")
    kept = {name: client.http.get("/v1/sessions/ruled/events").text for name, client in (("mine", mine), ("theirs", theirs))}
    assert "CASE-12345" not in kept["mine"] and '"44"' not in kept["mine"]
    assert "ada@fern.example" in kept["mine"]
    assert "CASE-12345" in kept["theirs"] and '"44"' in kept["theirs"]
    assert "ada@fern.example" not in kept["theirs"]
    assert all("4242 4242" not in each for each in kept.values())
    report = browsers["member"].ask("GET", f"/p/{MINE}/sessions/ruled").text
    assert "Removed before storing" in report
    assert "2 card" in report
    for client in (mine, theirs):
        client.http.close()


def test_the_scan_finds_what_todays_rules_would_remove_and_mends_it(world: World, browsers: dict[str, Browser]) -> None:
    class Server:
        url = world.url

    mine = Client(Server, world.my_key)  # type: ignore[arg-type]
    browsers["admin"].ask("POST", f"/p/{MINE}/redaction", fields="")
    mine.upload("old", page_with("CASE-99999"))
    mine.ingest("old")
    browsers["admin"].ask("POST", f"/p/{MINE}/redaction", patterns=r"CASE-\d{5}")

    def scan(*options: str) -> tuple[int, list[dict[str, object]]]:
        command = [sys.executable, "-m", "retrospec", "scan", "--json", "--project", MINE, "--data", world.settings.storage.dir]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, env={**os.environ, **stores_given(world.settings)})
        return done.returncode, json.loads(done.stdout)

    code, found = scan()
    assert code == 1
    assert [(each["session_id"], each["counts"]) for each in found if each["session_id"] == "old"] == [("old", {"custom": 2})]
    assert scan("--mend")[0] == 0
    assert scan() == (0, [])
    assert "CASE-99999" not in mine.http.get("/v1/sessions/old/events").text
    mine.http.close()


@pytest.mark.parametrize(
    "changes",
    [RuleChanges(without=("shoe",)), RuleChanges(patterns=("(",)), RuleChanges(patterns=("a*",)), RuleChanges(patterns=("x" * 301,)),
     RuleChanges(fields=tuple(map(str, range(51)))), RuleChanges(patterns=(r"(?<=a)b",))],
)  # fmt: skip
def test_rules_that_will_not_do_are_refused(changes: RuleChanges) -> None:
    with pytest.raises(BadRequest):
        rules_of(changes)


def test_rules_add_up() -> None:
    rules = rules_of(RuleChanges(fields=("a",), without=("phone",)), RuleChanges(fields=("a", "b"), patterns=("x+",)))
    assert rules.secret_keys == ("a", "b")
    assert "phone" not in rules.kinds
    assert THEIRS
