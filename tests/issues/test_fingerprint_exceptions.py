"""One bug, however it is reported; two bugs, however alike they look."""

from typing import Any

import pytest

from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import fingerprint

HASHES = ("Q2w6Zjyy", "USw6ZjJo")


def chromium(type_: str, message: str, build: str, lines: list[tuple[str, int, int]]) -> dict[str, Any]:
    stack = "".join(f"\n    at {name} (https://cdn.example/assets/app-{build}.js:{line}:{column})" for name, line, column in lines)
    return {"type": type_, "message": message, "stack": f"{type_}: {message}{stack}"}


def firefox(type_: str, message: str, build: str, lines: list[tuple[str, int, int]]) -> dict[str, Any]:
    stack = "".join(f"{name}@https://cdn.example/assets/app-{build}.js:{line}:{column}\n" for name, line, column in lines)
    return {"type": type_, "message": message, "stack": stack}


def key(evidence: dict[str, Any], label: str = "") -> str:
    return fingerprint(MarkerKind.JS_EXCEPTION, label or f"{evidence['type']}: {evidence['message']}", evidence).key


def test_one_bug_in_two_engines_and_two_builds() -> None:
    a = chromium("TypeError", "Cannot read properties of undefined (reading 'price')", HASHES[0], [("Cart.total", 12, 3), ("pay", 40, 1)])
    b = firefox("TypeError", "item is undefined", HASHES[1], [("total", 19, 10), ("pay", 60, 4)])
    assert key(a) == key(b)


def test_one_bug_in_two_engines_of_a_minified_build() -> None:
    a = chromium("TypeError", "Cannot read properties of undefined (reading 'price')", HASHES[0], [("f", 1, 164), ("Zt", 1, 9942)])
    b = firefox("TypeError", "t is undefined", HASHES[0], [("f", 1, 168), ("Zt", 1, 9943)])
    assert key(a) == key(b)


def test_two_functions_of_one_file_are_two_bugs() -> None:
    a = chromium("TypeError", "x is not a function", HASHES[0], [("total", 12, 3)])
    b = chromium("TypeError", "x is not a function", HASHES[0], [("discount", 12, 3)])
    assert key(a) != key(b)


def test_two_types_at_one_place_are_two_bugs() -> None:
    lines = [("total", 12, 3)]
    assert key(chromium("TypeError", "x is not a function", HASHES[0], lines)) != key(chromium("RangeError", "Invalid array length", HASHES[0], lines))


def test_a_hub_is_told_apart_by_its_caller_and_its_words() -> None:
    a = chromium("Error", "cart is empty", HASHES[0], [("invariant", 2, 3), ("pay", 40, 1)])
    b = chromium("Error", "cart is empty", HASHES[0], [("invariant", 2, 3), ("ship", 70, 1)])
    c = chromium("Error", "no address", HASHES[0], [("invariant", 2, 3), ("pay", 40, 1)])
    assert len({key(a), key(b), key(c)}) == 3


def test_library_and_extension_frames_do_not_count() -> None:
    own = [("total", 12, 3)]
    a = chromium("TypeError", "x is not a function", HASHES[0], own)
    b = dict(a, stack=a["stack"].replace("\n", "\n    at wrap (chrome-extension://abcdef/content.js:1:1)\n    at Nm (https://cdn.example/assets/vendor-TAQFLg2q.js:8:139816)\n", 1))
    assert key(a) == key(b)


def test_a_script_that_does_not_parse_is_one_bug_whatever_the_words() -> None:
    a = {"type": "SyntaxError", "message": "Unexpected end of input", "filename": f"https://cdn.example/a/cart-{HASHES[0]}.js", "lineno": 7, "colno": 1}
    b = {"type": "SyntaxError", "message": "missing } after function body", "filename": f"https://cdn.example/a/cart-{HASHES[1]}.js", "lineno": 6, "colno": 9}
    assert key(a) == key(b)
    assert key(a) != key(dict(b, filename="https://cdn.example/a/checkout.js"))


@pytest.mark.parametrize(
    "words",
    [
        ("ReferenceError", ["cart is not defined", "Can't find variable: cart", "'cart' is undefined"]),
        ("TypeError", ["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed"]),
        ("URIError", ["URI malformed", "malformed URI sequence", "URI error"]),
    ],
)
def test_without_a_place_the_engines_words_mean_the_same(words: tuple[str, list[str]]) -> None:
    type_, messages = words
    assert len({key({"type": type_, "message": message}) for message in messages}) == 1


def test_the_engine_s_words_thrown_by_a_program_stay_its_own() -> None:
    assert key({"type": "PaymentError", "message": "cart is not defined"}) != key({"type": "PaymentError", "message": "'cart' is undefined!"})


def test_the_page_is_no_part_of_it() -> None:
    evidence = chromium("Error", "no stock", HASHES[0], [("total", 12, 3)])
    on_a = fingerprint(MarkerKind.JS_EXCEPTION, "Error: no stock", evidence, route="/a")
    assert on_a == fingerprint(MarkerKind.JS_EXCEPTION, "Error: no stock", evidence, route="/b")


def test_it_says_why_and_what_was_ignored() -> None:
    one = fingerprint(MarkerKind.JS_EXCEPTION, "", chromium("Error", "Order 12 is gone", HASHES[0], [("total", 12, 3)]))
    assert one.parts == [("type", "Error"), ("where", "app:total"), ("message", "Order <*> is gone")]
    assert "line and column" in one.ignored
    assert one.title == "Error: Order … is gone"
