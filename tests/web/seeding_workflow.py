"""What a team and its releases left on the seeded issues: log, fixes, costs, channels and messages."""

from datetime import datetime, timedelta

from retrospec.domain.workflow import FixIn
from retrospec.storage import activity, alerting, outbox, work
from retrospec.storage.alerting import AlertRule, Channel
from retrospec.storage.database import Connection
from retrospec.storage.outbox import Delivery
from retrospec.storage.tables import issue_facets

PROJECT = "proj_default"
PAY_KEY = "api_error:9f3c21d07ab4"
RESOLVED_KEY = "ui_no_effect:aa00bb11cc22"
FACETS = {
    "browser": {"Chrome 141": 22, "Safari 18": 11, "Firefox 144": 8},
    "os": {"Windows": 20, "iOS 18": 11, "Linux": 8, "Android 16": 2},
    "device": {"desktop": 28, "phone": 13},
    "release": {"2026.11.2": 31, "2026.11.1": 10},
    "route": {"/checkout": 36, "/basket/<*>": 5},
    "tag:plan": {"guest": 27, "member": 14},
    "outcome": {"blocked": 26, "overcame": 9, "unaffected": 4, "unknown": 2},
}


async def add_workflow(connection: Connection, *, now: datetime) -> None:
    """A busy week."""
    await connection.execute(
        issue_facets.insert(),
        [
            {"project_id": PROJECT, "cluster_key": PAY_KEY, "facet": facet, "value": value, "session_count": count}
            for facet, values in FACETS.items()
            for value, count in values.items()
        ],
    )
    for release, hours in (("2026.11.1", 90), ("2026.11.2", 19)):
        await work.see_release(connection, PROJECT, release, at=now - timedelta(hours=hours))
    watched = {"watch": "control:id=pay", "watch_shown": "button “Pay now”", "watched_since": now - timedelta(days=6)}
    await work.change(connection, PROJECT, PAY_KEY, **watched, used_count=512, failed_count=41)
    shown = {"watch": "control:name=close", "watch_shown": "button “×”", "watched_since": now - timedelta(days=6)}
    fixed = {"fix_in": FixIn.RELEASE, "fix_release": "2026.11.2", "resolved_at": now - timedelta(hours=5)}
    await work.change(connection, PROJECT, RESOLVED_KEY, **shown, **fixed, used_count=300, failed_count=14, clean_count=41, verified_at=now)
    lines = [
        (PAY_KEY, "promoted", "2 sessions", "", 140), (PAY_KEY, "assignee", "Jonas", "Mara", 60),
        (PAY_KEY, "comment", "The provider changed its answer for saved cards, see their status page.", "Jonas", 58),
        (PAY_KEY, "state", "resolved in 2026.11.2", "Jonas", 30),
        (PAY_KEY, "regressed", "came back in 2026.11.2, resolved in 2026.11.2", "", 18),
        (RESOLVED_KEY, "verified", "41 sessions used button “×” without the failure", "", 1),
    ]  # fmt: skip
    for key, kind, detail, author, hours in lines:
        await activity.note(connection, PROJECT, key, kind, detail, author=author, now=now - timedelta(hours=hours))
    await _add_messages(connection, now)


async def _add_messages(connection: Connection, now: datetime) -> None:
    for number, (name, kind, shown) in enumerate([("Shop team", "webhook", "https://hooks.fern.example…"), ("On call", "apprise", "ntfy://…")]):
        channel = Channel(id=f"chn_{number}", project_id=PROJECT, name=name, kind=kind, address="https://secret.example/s3cret", shown=shown, created_at=now)
        rule = AlertRule(id=f"rule_{number}", project_id=PROJECT, channel_id=channel.id, events=["new", "regression"], quiet_minutes=60, digest_minutes=0, created_at=now)
        await alerting.add_channel(connection, channel, rule)
    facts = {"symptom": "Paying fails with “We could not take your payment” and the order is not placed"}
    for number, (event, state, answers) in enumerate(
        [("new", "sent", ["It answered 204."]), ("regression", "sent", ["It answered 503.", "It answered 204."]), ("spike", "dead", ["It answered 410, which another try would not change."])]
    ):
        letter = outbox.letter(PROJECT, "rule_0", "chn_0", event, PAY_KEY, f"{event}:{PAY_KEY}:", facts, not_before=now, now=now - timedelta(hours=20 - 8 * number))
        letter.state, letter.batch, letter.attempt = state, letter.id, len(answers)
        letter.last_error = answers[-1] if state == "dead" else ""
        await outbox.post(connection, letter)
        for attempt, answer in enumerate(answers):
            outcome = "delivered" if "204" in answer else "dead" if state == "dead" else "retry"
            delivery = Delivery(id=f"{letter.id}-{attempt}", project_id=PROJECT, batch=letter.batch, channel_id="chn_0", at=letter.created_at, took_ms=84, outcome=outcome, answer=answer)
            await outbox.settle(connection, delivery, state=state, not_before=now, now=now)
