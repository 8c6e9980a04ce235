"""What never leaves the browser, whatever the options."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def everything(collector: Collector) -> str:
    return json.dumps(collector.chunks, ensure_ascii=False)


def test_typed_values_hidden_fields_and_marked_regions_stay_home(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.fill("input[type=email]", "ada@lovelace.example")
    page.fill("#password", "correct horse")
    page.fill("textarea", "dear diary")
    page.evaluate("document.querySelector('#password').type = 'text'")
    page.fill("#password", "battery staple")
    page.fill("textarea", "")
    page.evaluate("retrospec.flush()")
    page.reload()
    page.evaluate("retrospec.flush()")
    sent = everything(collector)
    for secret in ("ada@", "correct horse", "battery", "dear diary", "hidden-secret", "Lovelace", "Never recorded", "first words"):
        assert secret not in sent
    assert "Checkout" in sent


def test_unmasking_shows_ordinary_fields_but_never_secrets(visit: Visit, collector: Collector) -> None:
    page = visit(mask_all_inputs="false")
    page.evaluate("document.querySelector('#password').setAttribute('data-retrospec-unmask', '')")
    page.fill("textarea", "visible note")
    page.fill("#password", "correct horse")
    page.evaluate("retrospec.flush()")
    sent = everything(collector)
    assert "visible note" in sent
    assert "correct horse" not in sent and "hidden-secret" not in sent


def test_emptied_fields_do_not_leak_what_they_began_with(visit: Visit, collector: Collector) -> None:
    page = visit(auto_start="false")
    page.evaluate("document.querySelector('input[type=email]').setAttribute('value', 'begun@with.example')")
    page.fill("input[type=email]", "")
    page.evaluate("retrospec.start()")
    page.evaluate("retrospec.flush()")
    assert "begun@with" not in everything(collector)


def test_all_text_can_be_masked(visit: Visit, collector: Collector) -> None:
    page = visit(mask_all_text="true")
    page.evaluate("document.querySelector('#text').title = 'whispered'; document.querySelector('#text').textContent = 'spoken aloud'")
    page.click("#dead")
    page.evaluate("retrospec.flush()")
    sent = everything(collector)
    for words in ("whispered", "spoken", "Some text", "Pay now"):
        assert words not in sent


def test_secrets_in_messages_and_addresses_are_scrubbed(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("history.replaceState({}, '', '/shop.html?reset=abc123secret#token=zzz999')")
    page.evaluate(
        "setTimeout(() => { throw new Error('for ada@lovelace.example: Bearer abcdefgh12345 password=hunter2 card 4111 1111 1111 1111') })"
    )
    label = collector.wait_for_label("for [email]")["label"]
    page.evaluate("retrospec.flush()")
    sent = everything(collector)
    for secret in ("abc123secret", "zzz999", "hunter2", "4111 1111", "abcdefgh12345", "ada@"):
        assert secret not in sent
    assert "[token]" in label or "[secret]" in label


def test_privacy_signals_are_respected_when_asked(page: Page, collector: Collector) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(f"{collector.base}/blank.html")
    page.evaluate("import('/sdk.mjs').then((sdk) => sdk.initRetrospec({apiKey: 'k1', respectPrivacySignals: true}).flush())")
    assert not [line for line in collector.methods if "/v2/chunks" in line]
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_only_ids_and_the_spool_are_kept_on_the_machine(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert page.evaluate("Object.keys(localStorage)") == ["retrospec.visitor"]
    assert all(key.startswith("retrospec.") for key in page.evaluate("Object.keys(sessionStorage)"))
