"""What a team does on the pages, without scripts: resolving, muting, commenting, many at once, telling others."""

import re

import httpx
import pytest

from tests.web.conftest import Visit, Visitor
from tests.web.seeding import PAY_KEY, PROJECT

ISSUES = f"/p/{PROJECT}/issues"
ISSUE = f"{ISSUES}/{PAY_KEY}"
RESOLVED = f"{ISSUES}/ui_no_effect:aa00bb11cc22"
ALERTS = f"/p/{PROJECT}/alerts"


def titles(text: str) -> list[str]:
    return re.findall(r'id="issue-([^"]+)"', text)


@pytest.fixture
def team(fresh: str, visit: Visit) -> Visitor:
    visitor = visit(fresh)
    visitor.sign_in()
    return visitor


def move(team: Visitor, **fields: str) -> httpx.Response:
    return team.send(f"{ISSUE}/state", ISSUE, seen_state="active", back=ISSUE, **fields)


def test_the_issue_says_what_it_costs_and_whether_its_fix_holds(mara: Visitor) -> None:
    text = mara.get(ISSUE).text
    assert "8\u202f% of the 512 sessions that used button “Pay now”" in text
    assert "63\u202f%</b> did not get through" in text
    assert "2026.11.2 first seen" in text
    assert "came back in 2026.11.2" in text
    assert "Verified by 41 sessions that used button “×” without the failure" in mara.get(RESOLVED).text


def test_a_breakdown_leads_to_its_sessions(mara: Visitor) -> None:
    link = re.search(r'href="(\?facet=browser&amp;value=Safari[^"#]*)', mara.get(ISSUE).text)
    assert link is not None
    narrowed = mara.get(ISSUE + link[1].replace("&amp;", "&")).text.split('class="list session-list"')[1]
    assert "Safari 18" in narrowed and "Firefox 144" not in narrowed
    assert "session-list" in mara.get(f"{ISSUE}?facet=password_hash&value=x").text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"fix_in": "now"}, "Resolved. Not exercised yet: nobody has used button “Pay now” since."),
        ({"fix_in": "next"}, "Resolved in the next release. Not exercised yet"),
        ({"fix_in": "release", "fix_release": "2026.12.0"}, "Resolved in 2026.12.0. Not exercised yet"),
    ],
)  # fmt: skip
def test_an_issue_is_resolved_now_next_or_in_a_release(team: Visitor, fields: dict[str, str], shown: str) -> None:
    text = move(team, state="resolved", **fields).text
    assert shown in text
    assert "<b>Mara</b>" in text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"mute_for": "sessions", "mute_count": "20"}, "muted until 20 more sessions"),
        ({"mute_for": "rate", "mute_count": "5"}, "muted until 5 sessions meet it within an hour"),
        ({"mute_for": ""}, "muted until someone says otherwise"),
    ],
)
def test_an_issue_is_muted_by_count_or_rate(team: Visitor, fields: dict[str, str], shown: str) -> None:
    assert shown in move(team, state="muted", **fields).text


@pytest.mark.parametrize(
    "fields",
    [{"state": "resolved", "fix_in": "release"}, {"state": "resolved", "fix_in": "never"},
     {"state": "muted", "mute_for": "rate", "mute_count": "-1"}, {"state": "gone"}],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(team: Visitor, fields: dict[str, str]) -> None:
    assert move(team, **fields).status_code == 400
    assert 'name="seen_state" value="active"' in team.get(ISSUE).text


def test_a_comment_joins_the_log_as_text(team: Visitor) -> None:
    team.send(f"{ISSUE}/comments", ISSUE, text="<b>Seen</b> by the bank", back=ISSUE)
    text = team.get(ISSUE).text
    assert "&lt;b&gt;Seen&lt;/b&gt; by the bank" in text
    assert team.send(f"{ISSUE}/comments", ISSUE, text="  ", back=ISSUE).status_code == 400
    assert team.send(f"{ISSUES}/js_exception:none/comments", ISSUE, text="x").status_code == 404


def test_several_issues_are_changed_at_once(team: Visitor) -> None:
    keys = titles(team.get(ISSUES).text)[:3]
    body = {"form_token": team.token(ISSUES), "do": "resolve_next", "back": ISSUES, "key": [*keys, "js_exception:none"]}
    left = titles(team.client.post(f"{ISSUES}/bulk", data=body).text)
    assert len(left) == 2 and not set(left) & set(keys)
    assert "Resolved in the next release" in team.get(f"{ISSUES}/{keys[0]}").text
    assert team.client.post(f"{ISSUES}/bulk", data=body | {"key": []}).status_code == 400
    assert team.client.post(f"{ISSUES}/bulk", data=body | {"do": "burn"}).status_code == 400


@pytest.mark.parametrize("sort", ["impact", "seen", "people", "newest", "nonsense"])
def test_every_order_lists_every_issue(mara: Visitor, sort: str) -> None:
    found = titles(mara.get(f"{ISSUES}?sort={sort}").text)
    assert len(found) == 5
    if sort != "newest":
        assert found[0] == PAY_KEY or sort == "seen"


def test_a_channel_is_added_and_its_secrets_are_never_shown_again(team: Visitor) -> None:
    secret = "https://hooks.example/T0/very-s3cret?token=also-s3cret"
    added = team.send(f"{ALERTS}/channels", ALERTS, name="Ops", kind="webhook", address=secret, new="yes", spike="yes")
    key = re.search(r'data-copyable><pre tabindex="0"><code>([^<]+)<', added.text)
    assert key is not None and added.headers["cache-control"] == "no-store"
    again = team.get(ALERTS).text
    assert "https://hooks.example…" in again and "new issues, spikes" in again
    assert "s3cret" not in added.text + again and key[1] not in again


def test_a_rule_is_changed_and_a_channel_removed(team: Visitor) -> None:
    changed = team.send(f"{ALERTS}/rules/rule_0", ALERTS, regression="yes", quiet_minutes="5", digest_minutes="30", paused="yes")
    assert "digest every 30 min" in changed.text and "Paused" in changed.text
    assert team.send(f"{ALERTS}/rules/rule_0", ALERTS, quiet_minutes="many").status_code == 400
    assert "<b>Shop team</b>" not in team.send(f"{ALERTS}/channels/chn_0/remove", ALERTS).text.split("Messages")[0]
    assert team.send("/p/proj_studio/alerts/channels/chn_1/remove", ALERTS).status_code == 404


def test_the_log_shows_what_became_of_each_message_and_starts_over_what_was_given_up(team: Visitor) -> None:
    text = team.get(ALERTS).text
    assert "Given up" in text and "It answered 410" in text and "2 tries" in text
    again = re.search(r'action="([^"]+/again)"', text)
    assert again is not None
    assert "Given up" not in team.send(again[1], ALERTS).text


def test_a_test_message_waits_in_the_log(team: Visitor) -> None:
    assert "RetroSpec can reach you" in team.send(f"{ALERTS}/channels/chn_0/test", ALERTS).text
