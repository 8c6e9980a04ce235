"""Stack texts as the engines write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrospec.issues.stacks import Frame, bare_function, parse_stack

APP = "https://shop.example/assets/app-Q2w6Zjyy.js"


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (f"    at total ({APP}:12:3)", Frame("total", APP, 12, 3)),
        (f"    at Cart.total [as sum] ({APP}:12:3)", Frame("Cart.total [as sum]", APP, 12, 3)),
        (f"    at async load ({APP}:12:3)", Frame("load", APP, 12, 3)),
        (f"    at new Cart ({APP}:12:3)", Frame("new Cart", APP, 12, 3)),
        (f"    at {APP}:12:3", Frame("", APP, 12, 3)),
        ("    at Array.map (<anonymous>)", Frame("Array.map", "<anonymous>", native=True)),
        ("    at async Promise.all (index 0)", Frame("Promise.all", "index 0", native=True)),
        ("    at f (http://localhost:8080/(group)/[id]/page.js:4:5)", Frame("f", "http://localhost:8080/(group)/[id]/page.js", 4, 5)),
        ("    at <anonymous>:4:18", Frame("", "<anonymous>", 4, 18)),
        ("f@webkit-masked-url://hidden/:17:33", Frame("f", "webkit-masked-url://hidden/", 17, 33)),
        ("f@safari-web-extension://1A-2B/content.js:9:8", Frame("f", "safari-web-extension://1A-2B/content.js", 9, 8)),
        ("    at C:\\shop\\cart.js:4:5", Frame("", "C:\\shop\\cart.js", 4, 5)),
        ("    at /srv/my shop/cart.js:4:5", Frame("", "/srv/my shop/cart.js", 4, 5)),
        ("    at f (eval at g (https://shop.example/a.js:7:8), <anonymous>:1:2)", Frame("f", "https://shop.example/a.js", 7, 8, evaluated=True)),
        ("    at f (wasm://wasm/1a2b:wasm-function[3]:0x10)", Frame("f", "wasm://wasm/1a2b", 3, 16)),
        (f"total@{APP}:12:3", Frame("total", APP, 12, 3)),
        (f"@{APP}:12:3", Frame("", APP, 12, 3)),
        ("sort@[native code]", Frame("sort", "[native code]", native=True)),
        ('cart["@sum"]@https://shop.example/@x/a.js:4:9', Frame('cart["@sum"]', "https://shop.example/@x/a.js", 4, 9)),
        ("f@https://shop.example/a.js line 7 > eval:1:2", Frame("f", "https://shop.example/a.js", 7, 0, evaluated=True)),
        ("https://shop.example/a.js:7:8", Frame("", "https://shop.example/a.js", 7, 8)),
        ("f@http://localhost:8080", Frame("f", "http://localhost:8080")),
    ],
)
def test_a_line_of_each_engine(line: str, frame: Frame) -> None:
    assert parse_stack(line).frames == (frame,)


def test_the_message_stays_out_of_the_frames() -> None:
    parsed = parse_stack(f"Error: look at me\nat once: now\n    at total ({APP}:12:3)\n    at {APP}:9:1")
    assert parsed.header == "Error: look at me\nat once: now"
    assert [frame.line for frame in parsed.frames] == [12, 9]


def test_bare_names_belong_to_the_stack_below_them() -> None:
    parsed = parse_stack("baz\neval code\neval@[native code]\nspeak@http://localhost/a.js:26:21")
    assert [frame.function for frame in parsed.frames] == ["baz", "eval code", "eval", "speak"]


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("Object.total", "total"),
        ("new Cart", "Cart"),
        ("Cart.prototype.total", "total"),
        ("Object.d [as add]", "d"),
        ("async*load", "load"),
        ("setTimeout handler*load", "load"),
        ("total(1)", "total"),
        ("Cart/total/<", ""),
        ("Object.<anonymous>", ""),
        ("Anonymous function", ""),
        ("global code", ""),
        ("Cart.#sum", "#sum"),
    ],
)
def test_engines_agree_on_a_functions_bare_name(written: str, bare: str) -> None:
    assert bare_function(written) == bare


@given(st.text(alphabet=st.sampled_from(list("at @()[]:/.<>\nabc019 *eval")), max_size=400))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert len(parse_stack(text).frames) <= 100


def test_recursion_is_cut_at_a_hundred_frames() -> None:
    assert len(parse_stack("\n".join([f"f@{APP}:1:2"] * 5000)).frames) == 100
