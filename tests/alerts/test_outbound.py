"""The way out: not into the own network, no redirects, in time, and signed so that a receiver can tell."""

import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retrospec.alerts.channels import hand_over, shown_address
from retrospec.alerts.messages import Event, text_of, title_of
from retrospec.alerts.posting import post
from retrospec.domain.clock import utc_now
from retrospec.domain.settings_telling import AlertSettings
from retrospec.outbound.addresses import NotSent, is_public
from retrospec.storage.alerting import Channel
from tests.alerts.conftest import KEY, Receiver

ROOT = Path(__file__).resolve().parents[2]
OPEN = AlertSettings(allow_private_addresses=True, timeout_seconds=5)
WALLED = AlertSettings()


def channel(address: str, kind: str = "webhook") -> Channel:
    return Channel(
        id="c", project_id="p", name="n", kind=kind, address=address, shown="", signing_key=KEY, created_at=utc_now()
    )


def event(**facts: Any) -> Event:
    told = {
        "symptom": "Paying fails", "title": "POST /api/pay 500", "kind": "api_error", "severity": "high", "people": 3,
        "sessions": 4, "basis": "visual", "confidence": 0.9, "release": "2.1", "site": "shop", "route": "/checkout",
    }  # fmt: skip
    return Event(
        id="new:k:", event="new", at=utc_now(), project_id="p", issue_key="k", facts=told | facts,
        issue_url="https://r.example/i", moment_url="https://r.example/m", image_url="https://r.example/f",
    )  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
)  # fmt: skip
def test_no_address_of_the_own_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_the_open_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_a_webhook_into_the_own_network_is_given_up_unasked(host: str, receiver: Receiver) -> None:
    port = receiver.url.split(":")[2]
    handed = await hand_over(channel(f"http://{host}:{port}"), "b", [event()], WALLED)
    assert handed.outcome == "dead"
    assert "allow_private_addresses" in handed.answer
    assert not receiver.got


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda: 307
    handed = await hand_over(channel(receiver.url), "b", [event()], OPEN)
    assert handed.outcome == "dead" and "redirect" in handed.answer
    assert len(receiver.got) == 1


@pytest.mark.parametrize(("status", "outcome"), [(200, "delivered"), (500, "retry"), (429, "retry"), (404, "dead")])
async def test_what_an_answer_means(status: int, outcome: str, receiver: Receiver) -> None:
    receiver.answer = lambda: status
    assert (await hand_over(channel(receiver.url), "b", [event()], OPEN)).outcome == outcome


async def test_silence_has_a_deadline(receiver: Receiver) -> None:
    def late() -> int:
        time.sleep(1)
        return 200

    receiver.answer = late
    with pytest.raises(NotSent, match=r"within 0\.1 s"):
        await post(receiver.url, b"{}", {}, timeout_s=0.1, allow_private=True)


async def test_the_receivers_snippet_in_the_documentation_accepts_ours_and_nothing_else(receiver: Receiver) -> None:
    await hand_over(channel(receiver.url), "batch-1", [event()], OPEN)
    headers, body = receiver.got[0]
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    scope: dict[str, Any] = {}
    exec(found[1], scope)
    is_from_retrospec = scope["is_from_retrospec"]
    assert is_from_retrospec(KEY, headers, body)
    assert not is_from_retrospec("another key", headers, body)
    assert not is_from_retrospec(KEY, headers, body + b" ")
    assert not is_from_retrospec(KEY, headers | {"x-retrospec-timestamp": str(int(time.time()) - 3_600)}, body)
    assert headers["idempotency-key"] == "batch-1"
    assert msgspec.json.decode(body)["events"][0]["imageUrl"] == "https://r.example/f"


async def test_apprise_delivers_and_is_walled_in_as_well(receiver: Receiver) -> None:
    address = receiver.url.replace("http://", "json://")
    walled = await hand_over(channel(address, "apprise"), "b", [event()], WALLED)
    assert walled.outcome == "dead" and not receiver.got
    assert "private network" in walled.answer
    handed = await hand_over(channel(address, "apprise"), "b", [event()], OPEN)
    assert handed.outcome == "delivered", handed.answer
    assert b"New issue: Paying fails" in receiver.got[0][1]
    for address in ("nonsense://x", "syslog://"):
        assert (await hand_over(channel(address, "apprise"), "b", [event()], OPEN)).outcome == "dead"


def test_the_message_has_symptom_numbers_picture_and_the_way_to_the_moment() -> None:
    text = text_of([event()])
    for part in ("POST /api/pay 500", "3 people, 4 sessions", "90 % sure", "https://r.example/m", "https://r.example/f"):
        assert part in text
    assert title_of([event()]) == "New issue: Paying fails"
    assert title_of([event(), event()]) == "2 events: 2 new issues"


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    shown = [
        shown_address("webhook", "https://user:s3cret@hooks.example/T0/s3cret?key=s3cret"),
        shown_address("apprise", "slack://s3crettoken/s3cret/x"),
        shown_address("apprise", "mailto://me:s3cret@mail.example"),
    ]
    assert shown == ["https://hooks.example…", "slack://…", "mailto://mail.example…"]


