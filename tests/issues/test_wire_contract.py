"""Wire v1: what may differ between two markers of one failure, and what may not."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import cluster_key, fingerprint

parameters = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.text("0123456789abcdef", min_size=8, max_size=40),
    st.text(string.ascii_lowercase, min_size=1, max_size=8).map(lambda name: f"{name}@example.org"),
)
queries = st.sampled_from(["", "?page=2", "?q=shoes&sort=asc", "?token=9f8e7d&x=1"])
LABELS = [
    (MarkerKind.JS_EXCEPTION, "Error: No cart for {}"),
    (MarkerKind.JS_EXCEPTION, "Uncaught PaymentError: card of {} was refused"),
    (MarkerKind.JS_EXCEPTION, "TypeError: Cannot read properties of undefined (reading 'price') of {}"),
    (MarkerKind.API_ERROR, "Request for {} failed"),
    (MarkerKind.VALIDATION_FAILED, "The value {} is not allowed"),
    (MarkerKind.UI_NO_EFFECT, "Nothing came of {}"),
]


def key(kind: MarkerKind, label: str, evidence: Any = None, **page: str) -> str:
    return cluster_key(kind, fingerprint(kind, label, evidence, **page))


@pytest.mark.parametrize(("kind", "label"), LABELS)
@given(a=parameters, b=parameters)
def test_parameters_in_a_label_do_not_split(kind: MarkerKind, label: str, a: str, b: str) -> None:
    assert key(kind, label.format(a)) == key(kind, label.format(b))


@given(a=parameters, b=parameters, query_a=queries, query_b=queries, status=st.sampled_from([500, 502, 503, 504]))
def test_ids_queries_and_5xx_do_not_split_a_request(a: str, b: str, query_a: str, query_b: str, status: int) -> None:
    label = "POST /api/orders/{}/pay{} returned {}"
    first = key(MarkerKind.API_ERROR, label.format(a, query_a, 500))
    assert first == key(MarkerKind.API_ERROR, label.format(b, query_b, status))
    evidence = {"method": "POST", "url": f"https://shop.example/api/orders/{b}/pay{query_b}", "status": status}
    assert first == key(MarkerKind.API_ERROR, "POST failed", evidence, site="https://shop.example")


@given(a=parameters, b=parameters, query=queries)
def test_ids_in_a_route_do_not_split_a_reload_loop(a: str, b: str, query: str) -> None:
    first = key(MarkerKind.UI_NO_EFFECT, "Reload loop", route=f"/orders/{a}")
    assert first == key(MarkerKind.UI_NO_EFFECT, "Reload loop", route=f"https://shop.example/orders/{b}{query}")
    assert first != key(MarkerKind.UI_NO_EFFECT, "Reload loop", route=f"/invoices/{a}")


@given(a=parameters, b=parameters)
def test_ids_in_a_selector_do_not_split_a_rage_click(a: str, b: str) -> None:
    control = {"tag": "button", "name": "Add to cart", "landmark": "Results"}
    first = key(MarkerKind.UI_NO_EFFECT, "Rage click", {"control": control | {"selector": f"#row-{a} > button"}})
    assert first == key(MarkerKind.UI_NO_EFFECT, "Rage click", {"control": control | {"selector": f"#row-{b} > button"}})


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (MarkerKind.JS_EXCEPTION, "TypeError: cart is not iterable", "RangeError: cart is not iterable"),
        (MarkerKind.JS_EXCEPTION, "ReferenceError: cart is not defined", "ReferenceError: price is not defined"),
        (MarkerKind.JS_EXCEPTION, "Error: Payment declined", "Error: Out of stock"),
        (MarkerKind.API_ERROR, "POST /api/pay returned 500", "POST /api/pay returned 404"),
        (MarkerKind.API_ERROR, "POST /api/pay returned 401", "POST /api/pay returned 403"),
        (MarkerKind.API_ERROR, "POST /api/pay returned 500", "GET /api/pay returned 500"),
        (MarkerKind.API_ERROR, "POST /api/pay returned 500", "POST /api/cart returned 500"),
        (MarkerKind.API_ERROR, "GET /api/v1/items failed", "GET https://other.example/api/v1/items failed"),
        (MarkerKind.VALIDATION_FAILED, "Validation failed: #email", "Validation failed: #phone"),
        (MarkerKind.UI_NO_EFFECT, "Rage click on #pay", "Rage click on #cancel"),
        (MarkerKind.UI_NO_EFFECT, "Rage click on Buy now", "Rage click on Remove"),
    ],
)
def test_look_alikes_stay_apart(kind: MarkerKind, one: str, other: str) -> None:
    assert key(kind, one) != key(kind, other)


def test_the_clients_own_key_counts_only_without_a_label() -> None:
    kind = MarkerKind.JS_EXCEPTION
    assert key(kind, "Error: boom", client_key="a") == key(kind, "Error: boom", client_key="b")
    assert key(kind, "", client_key="js_exception:boom") == key(kind, "", client_key="boom")
    assert key(kind, "", client_key="boom") != key(kind, "", client_key="bang")


def test_dead_and_rage_clicks_on_one_button_are_one_failure() -> None:
    assert key(MarkerKind.UI_NO_EFFECT, "Rage click on #pay") == key(MarkerKind.UI_NO_EFFECT, "Dead click on #pay")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KNOWN_FIELDS = ["stack", "message", "url", "status", "control", "form", "rule", "frames", "extra", "selector", "lineno", "error"]


@given(
    kind=st.sampled_from(MarkerKind),
    label=st.text(max_size=200),
    evidence=json_values | st.dictionaries(st.sampled_from(KNOWN_FIELDS), json_values, max_size=6),
    client_key=st.text(max_size=40),
    site=st.text(max_size=40),
    route=st.text(max_size=60),
)
def test_any_marker_gets_a_fingerprint(kind: MarkerKind, label: str, evidence: Any, client_key: str, site: str, route: str) -> None:
    one = fingerprint(kind, label, evidence, client_key=client_key, site=site, route=route)
    assert len(one.key) == 24
    assert one.title
    assert one == fingerprint(kind, label, evidence, client_key=client_key, site=site, route=route)
