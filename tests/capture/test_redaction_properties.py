"""What holds for any recording and any text, tried on generated ones."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrospec.bench.corpus import HOSTILE, MAKERS, Maker, Sample, harmless_samples, labelled_samples
from retrospec.capture.candidates import candidate_spans
from retrospec.capture.keys import kind_of_key
from retrospec.capture.redaction import DEFAULT_RULES, Kind, redact_events, redact_text, redact_value

SAMPLES = labelled_samples(40, seed=5)
FRAGMENTS = [sample.text for sample in SAMPLES[::4]] + [
    "@", "%40", "password=", '"token":"', "Bearer ", "4111 1111 ", "+49", "\\", '"', "\x00", "\u00a0", "-", "é", "\U0001f600", "phone: ", "{", "[1,", "://a:b",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=8).map("".join)
keys = st.one_of(st.sampled_from(["password", "id", "token", "cookie", "name", "value", "headers", "phone", "authorization"]), st.text(max_size=6))
numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.just(4111111111111111))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
nodes = st.recursive(
    st.builds(lambda text, at: {"type": 3, "textContent": text, "id": at}, texts, st.integers(1, 99)),
    lambda inner: st.builds(
        lambda tag, attributes, children, at: {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": children, "id": at},
        st.sampled_from(["div", "style", "input", "path", "a"]),
        st.dictionaries(st.sampled_from(["href", "class", "d", "value", "type", "name", "_cssText", "title", "id", "style"]), texts, max_size=4),
        st.lists(inner, max_size=3),
        st.integers(1, 99),
    ),
    max_leaves=8,
)
events = st.one_of(
    st.builds(lambda node: {"type": 2, "data": {"node": node}, "timestamp": 1763900000000}, nodes),
    st.builds(lambda payload: {"type": 5, "data": {"tag": "x", "payload": payload}, "timestamp": 1763900000001}, values),
    st.builds(lambda text, at: {"type": 3, "data": {"source": 5, "text": text, "id": at}, "timestamp": 1}, texts, st.integers(1, 99)),
    st.builds(lambda data, source: {"type": 3, "data": {"source": source, "x": data}, "timestamp": 1}, values, st.integers(0, 17)),
    values,
)


def shape(value: Any) -> Any:
    """``value`` without its texts; a number may have become a placeholder."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return None


@given(st.lists(events, max_size=4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_redaction_keeps_json_structure_and_is_done_after_once(recording: list[Any], is_ascii: bool) -> None:
    body = json.dumps(recording, ensure_ascii=is_ascii).encode("utf-8", "replace")
    once = redact_events(body, DEFAULT_RULES)
    decoded = msgspec.json.decode(once.events_json)
    assert shape(decoded) == shape(recording)
    assert (once.events_json is body) == (not once.counts)
    again = redact_events(once.events_json, DEFAULT_RULES)
    assert msgspec.json.decode(again.events_json) == decoded
    assert not again.counts


BOTH = "+493095989991colour colour: 3786\u00a0635521\u00a004761, soon"


@pytest.mark.parametrize(
    "event",
    [
        {"type": 5, "data": {"tag": "x", "payload": {"phone": BOTH}}},
        {"type": 2, "data": {"node": {"type": 2, "id": 7, "tagName": "input", "attributes": {"type": "tel", "value": BOTH}, "childNodes": []}}},
    ],
)
def test_a_number_beside_another_is_hidden_by_its_name_at_once(event: dict[str, Any]) -> None:
    """Together they have too many digits for either."""
    redacted = redact_events(json.dumps([event | {"timestamp": 1}]).encode(), DEFAULT_RULES).events_json
    assert b"[phone]" in redacted and b"4930" not in redacted


@given(texts)
@settings(max_examples=300, deadline=None)
def test_redacting_a_text_twice_is_redacting_it_once(text: str) -> None:
    once, _ = redact_text(text, DEFAULT_RULES)
    assert redact_text(once, DEFAULT_RULES) == (once, {})


@given(values)
@settings(max_examples=60, deadline=None)
def test_values_keep_their_shape_and_the_original_is_untouched(value: Any) -> None:
    before = json.dumps(value)
    redacted, _ = redact_value(value, DEFAULT_RULES)
    assert json.dumps(value) == before
    assert shape(redacted) == shape(value)


@given(st.sampled_from(SAMPLES), st.sampled_from(["", "\n", "\t", "x\r\n", "é ", "(", "> ", '"', "\\ "]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_secret_hides_behind_what_stands_before_it_or_an_escape(sample: Sample, before: str, is_ascii: bool) -> None:
    body = json.dumps([{"type": 6, "data": {"plugin": "x", "payload": {"line": before + sample.text}}}], ensure_ascii=is_ascii).encode()
    found = redact_events(body, DEFAULT_RULES)
    assert found.counts, body
    assert sample.secret not in json.loads(found.events_json)[0]["data"]["payload"]["line"]


@pytest.mark.parametrize("kind", list(MAKERS))
def test_recall_of_each_kind(kind: Kind) -> None:
    samples = [sample for sample in labelled_samples(100, seed=11) if sample.kind is kind]
    left = [sample.text for sample in samples if sample.secret in redact_text(sample.text, DEFAULT_RULES)[0]]
    assert len(left) <= len(samples) // 100, left[:3]


def test_precision_on_look_alikes() -> None:
    samples = harmless_samples(3_000, seed=12)
    changed = [sample.text for sample in samples if redact_text(sample.text, DEFAULT_RULES)[0] != sample.text]
    assert len(changed) <= len(samples) // 1_000, changed[:3]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_taken_without_a_crash(text: str) -> None:
    body = json.dumps([{"type": 5, "data": {"payload": text * (4_000 // len(text))}}]).encode()
    assert msgspec.json.decode(redact_events(body, DEFAULT_RULES).events_json)[0]["type"] == 5


def test_past_a_bound_texts_go_whole_rather_than_unseen() -> None:
    body = json.dumps([{"type": 5, "data": {"payload": ["-----BEGIN PRIVATE KEY-----" * 15_000 for _ in range(3)]}}]).encode()
    redacted = json.loads(redact_events(body, DEFAULT_RULES).events_json)[0]["data"]["payload"]
    assert sorted(redacted) == ["[private-key]", "[private-key]", "[redacted]"]


def test_base64_images_are_neither_hit_nor_changed() -> None:
    make = Maker(3)
    image = "data:image/png;base64," + make.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 200_000)
    body = json.dumps([{"type": 2, "data": {"node": {"type": 2, "tagName": "img", "attributes": {"rr_dataURL": image}, "childNodes": [], "id": 1}}}]).encode()
    assert redact_events(body, DEFAULT_RULES).events_json is body


def test_ordinary_names_are_not_secret() -> None:
    harmless = "author tokens maxTokens tokenType hasPassword forgot_password passwordStrength secretary description pin_map keyboard cookieConsent phonebook cardTitle"
    assert [name for name in harmless.split() if kind_of_key(name)] == []
    telling = "password userPassword new_password api_key X-Api-Key accessToken csrf-token Set-Cookie Authorization client_secret sessionId cvv ssn phoneNumber cardNumber"
    assert [name for name in telling.split() if not kind_of_key(name)] == []


def test_a_clean_text_has_no_candidates() -> None:
    clean = b'{"type":3,"data":{"source":1,"positions":[{"x":12,"y":34,"id":5,"timeOffset":-120}]},"timestamp":1763900000000}'
    assert list(candidate_spans(clean, DEFAULT_RULES)) == []
