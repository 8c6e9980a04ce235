import json
from typing import Any

import pytest

from retrospec.capture.redaction import (
    DEFAULT_RULES,
    Kind,
    RedactionRules,
    redact_events,
    redact_text,
    redact_value,
)


def page(*body: Any, head: Any = ()) -> dict[str, Any]:
    """A full snapshot whose body holds ``body``."""
    html = element("html", element("head", *head), element("body", *body))
    return {"type": 2, "timestamp": 1763900000000, "data": {"node": {"type": 0, "childNodes": [html], "id": 1}}}


def element(tag: str, *children: Any, node_id: int = 7, **attributes: Any) -> dict[str, Any]:
    nodes = [{"type": 3, "textContent": child, "id": 8} if isinstance(child, str) else child for child in children]
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": nodes, "id": node_id}


def redacted(*events: Any) -> tuple[Any, dict[str, int]]:
    found = redact_events(json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode(), DEFAULT_RULES)
    return json.loads(found.events_json), found.counts


SECRETS = [
    ("write to jane.doe+x@mail.example.co.uk today", "write to [email] today", "email"),
    ("JANE@EXAMPLE.COM", "[email]", "email"),
    ("jörg@müller.example", "[email]", "email"),
    ("?to=jane%40example.com&x=1", "?to=[email]&x=1", "email"),
    ("card 4111 1111 1111 1111.", "card [card].", "card"),
    ("4111-1111-1111-1111", "[card]", "card"),
    ("4111\u00a01111\u00a01111\u00a01111", "[card]", "card"),
    ("378282246310005", "[card]", "card"),
    ("3782 822463 10005", "[card]", "card"),
    ("5555555555554444,5105105105105100", "[card],[card]", "card"),
    ("call +49 170 1234567 now", "call [phone] now", "phone"),
    ("+1 (212) 555-0123", "[phone]", "phone"),
    ("(212) 555-0123", "[phone]", "phone"),
    ("212-555-0123", "[phone]", "phone"),
    ("tel:02071838750", "tel:[phone]", "phone"),
    ("01 42 68 53 00", "[phone]", "phone"),
    ("DE89 3704 0044 0532 0130 00", "[iban]", "iban"),
    ("GB29NWBK60161331926819", "[iban]", "iban"),
    ("ssn 078-05-1120", "ssn [national-id]", "national_id"),
    ("nir 2 55 08 14 168 025 38", "nir [national-id]", "national_id"),
    ("86 095 742 719", "[national-id]", "national_id"),
    ("4111  1111  1111  1111", "[card]", "card"),
    ("12345678Z", "[national-id]", "national_id"),
    ("529.982.247-25", "[national-id]", "national_id"),
    ("RSSMRA85T10A562S", "[national-id]", "national_id"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[jwt]", "jwt"),
    ("Authorization: Bearer abcDEF123456", "Authorization: Bearer [auth]", "auth"),
    ("Basic dXNlcjpwYXNzd29yZA==", "Basic [auth]", "auth"),
    ("https://jane:s3cret@shop.example/x", "https://[auth]@shop.example/x", "auth"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[api-key]", "api_key"),
    ("key AKIAIOSFODNN7EXAMPLE", "key [api-key]", "api_key"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[api-key]", "api_key"),
    ("sk-proj-abcdefghijklmnopqrstu", "[api-key]", "api_key"),
    ("a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b", "a [private-key] b", "private_key"),
    ("Cookie: sid=31d4d96e; theme=dark", "Cookie: [cookie]", "cookie"),
    ("/login?password=hunter2&next=/", "/login?password=[password]&next=/", "password"),
    ('{"user":"jane","password":"hunter2"}', '{"user":"jane","password":"[password]"}', "password"),
    ("/cb?access_token=abc123&v=2", "/cb?access_token=[secret]&v=2", "secret"),
]
HARMLESS = [
    "logo@2x.png and icon@3x.webp",
    "react@18.2.0 from unpkg.com/react@18.2.0/umd/react.js",
    "git@github.com:acme/shop.git",
    "@media (min-width: 600px)",
    "/static/app.4f2a9c81e1b7d6c5.js?v=1763900000000",
    "order 2026-11-23 10:11:12, ref 1763900000000",
    "M10 20 30 40 50 60 70 80 90 100 110 120",
    "1234 5678 9012 3456",
    "0.4111111111111111",
    "Password: at least 8 characters",
    "token: required",
    "Basic plan, bearer of news",
    "tokens: 1500, max_tokens: 4096",
    "550e8400-e29b-41d4-a716-446655440000",
    "$1,234,567.89 or 12.345.678,90 €",
    "v1.2.3-beta.4+20261123",
    "Cookie: settings",
    "author: Jane, authority: none",
    "10:00-11:30 on 01/02/2026",
    "iPhone 15 Pro 256 GB",
]


@pytest.mark.parametrize(("text", "expected", "kind"), SECRETS)
def test_secrets_in_text(text: str, expected: str, kind: str) -> None:
    found, counts = redact_text(text, DEFAULT_RULES)
    assert found == expected
    assert set(counts) == {kind}
    assert redact_text(found, DEFAULT_RULES) == (found, {})


@pytest.mark.parametrize(("text", "expected", "kind"), SECRETS)
def test_secrets_on_a_page_and_in_a_console_line(text: str, expected: str, kind: str) -> None:
    console = {"plugin": "rrweb/console@1", "payload": {"level": "log", "payload": [json.dumps(text)]}}
    events, counts = redacted(page(element("p", text)), {"type": 6, "data": console, "timestamp": 2})
    [html] = events[0]["data"]["node"]["childNodes"]
    assert html["childNodes"][1]["childNodes"][0]["childNodes"][0]["textContent"] == expected
    assert counts[kind] >= 2


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays(text: str) -> None:
    assert redact_text(text, DEFAULT_RULES) == (text, {})
    body = json.dumps([page(element("p", text))]).encode()
    assert redact_events(body, DEFAULT_RULES).events_json is body


@pytest.mark.parametrize("escaped", ["jane\\u0040example.com", "\\u006aane@example.com", "4111\\u00201111\\u002011111111", "+49\\/170\\/1234567"])
def test_json_escapes_hide_nothing(escaped: str) -> None:
    body = f'[{{"type":5,"data":{{"tag":"x","payload":"{escaped}"}},"timestamp":1}}]'.encode()
    assert sum(redact_events(body, DEFAULT_RULES).counts.values()) == 1


def test_styles_layout_and_images_stay_byte_for_byte() -> None:
    css = ".a::after{content:'jane@example.com 4111111111111111'} @media print{}"
    kept = page(
        element("style", css, _cssText=css),
        element("svg", element("path", d="M4111 1111 1111 1111")),
        element("img", rr_dataURL="data:image/png;base64,jane@example.com", id="jane@example.com", style="x:'a@b.example'"),
        element("canvas", rr_dataURL="data:image/png;base64,AAAA"),
    )
    rule = {"type": 3, "data": {"source": 8, "id": 1, "adds": [{"rule": css}]}, "timestamp": 2}
    body = json.dumps([kept, rule]).encode()
    assert redact_events(body, DEFAULT_RULES).events_json is body


def test_only_events_with_a_secret_are_rewritten() -> None:
    clean = b'{ "type" : 3, "data" : {"source":1, "positions":[{"x":1.50}]} , "timestamp":1763900000000 }'
    dirty = b'{"type":5,"data":{"tag":"a","payload":"jane@example.com"},"timestamp":2}'
    found = redact_events(b"[" + clean + b" , " + dirty + b"," + clean + b"]", DEFAULT_RULES)
    assert found.events_json == b"[" + clean + b"," + dirty.replace(b"jane@example.com", b"[email]") + b"," + clean + b"]"


def test_password_fields_are_blank_however_they_were_sent() -> None:
    login = page(element("input", node_id=33, type="password", value="hunter2"))
    typed = {"type": 3, "data": {"source": 5, "text": "hunter2", "isChecked": False, "id": 33}, "timestamp": 2}
    other = {"type": 3, "data": {"source": 5, "text": "plain", "isChecked": False, "id": 34}, "timestamp": 3}
    events, counts = redacted(login, typed, other)
    assert "hunter2" not in json.dumps(events)
    assert events[2]["data"]["text"] == "plain"
    assert counts == {"password": 2}


def test_masked_fields_are_left_as_they_are() -> None:
    login = page(element("input", type="password", value="•••••••"))
    assert redacted(login) == ([login], {})


def test_hidden_tokens_in_forms_and_meta() -> None:
    events, counts = redacted(page(element("input", type="hidden", name="authenticity_token", value="aGVsbG8"), head=[element("meta", name="csrf-token", content="abcdef")]))
    assert counts == {"secret": 2}
    assert "aGVsbG8" not in json.dumps(events)


def test_values_by_their_key() -> None:
    value = {
        "headers": [{"name": "Authorization", "value": "Token xyz"}, ["set-cookie", "a=b"]],
        "body": '{"cardNumber":4111111111111111,"cvv":123,"nested":"{\\"apiKey\\":\\"abc\\"}"}',
        "passwordStrength": "weak",
        "hasPassword": True,
        "password": None,
        "cookies": {"sid": "31d4"},
        "phone": 4917012345678,
        "tokens": 12,
    }
    found, counts = redact_value(value, DEFAULT_RULES)
    assert found["headers"] == [{"name": "Authorization", "value": "[auth]"}, ["set-cookie", "[cookie]"]]
    assert json.loads(found["body"]) == {"cardNumber": "[card]", "cvv": "[password]", "nested": '{"apiKey":"[api-key]"}'}
    assert {name: found[name] for name in ("passwordStrength", "hasPassword", "password", "tokens")} == {
        "passwordStrength": "weak",
        "hasPassword": True,
        "password": None,
        "tokens": 12,
    }
    assert (found["cookies"], found["phone"]) == ({"sid": "[cookie]"}, "[phone]")
    assert counts == {"auth": 1, "cookie": 2, "card": 1, "password": 1, "api_key": 1, "phone": 1}
    assert value["phone"] == 4917012345678


def test_a_number_that_is_a_card() -> None:
    events, counts = redacted({"type": 5, "data": {"tag": "pay", "payload": {"pan": 4111111111111111, "at": 1763900000000}}, "timestamp": 1})
    assert events[0]["data"]["payload"] == {"pan": "[card]", "at": 1763900000000}
    assert counts == {"card": 1}


def test_an_event_no_decoder_reads_is_left_out() -> None:
    body = b'[{"type":4},{"type":5,"data":{"payload":[1e999,"jane@example.com"]}},{"type":3}]'
    found = redact_events(body, DEFAULT_RULES)
    assert json.loads(found.events_json) == [{"type": 4}, {"type": 3}]
    assert found.counts == {"unreadable": 1}


def test_a_projects_own_rules() -> None:
    rules = RedactionRules(kinds=frozenset(Kind) - {Kind.EMAIL}, secret_keys=("member-no",), patterns=(r"ACME-[0-9]{4}",))
    assert redact_text("jane@example.com ACME-1234 memberNo=77", rules)[0] == "jane@example.com [custom] memberNo=[secret]"
    assert redact_value({"Member_No": "77"}, rules)[0] == {"Member_No": "[secret]"}


def test_bare_events_of_older_clients_pass() -> None:
    body = b'[{"type":2},{"type":3}]'
    assert redact_events(body, DEFAULT_RULES).events_json is body
