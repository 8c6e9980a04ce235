import json
from typing import Any

import pytest

from retrospec.capture.body import read_upload
from retrospec.capture.nesting import count_items, is_nested_deeper
from retrospec.domain.errors import BadRequest
from retrospec.domain.settings import LimitSettings


def body(events: str) -> bytes:
    return f'{{"sessionId":"s","site":"x","events":{events}}}'.encode()


def read(events: str) -> int:
    return read_upload(body(events), LimitSettings()).event_count


def dom(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": 3, "textContent": 'a "quoted" [[[ text \\', "id": 1}
    for level in range(depth):
        attributes = {"class": "x", "style": {"color": ["red", "important"]}} if level % 2 else {}
        node = {"type": 2, "tagName": "div", "attributes": attributes, "childNodes": [node], "id": level + 2}
    return {"type": 2, "data": {"node": {"type": 0, "childNodes": [node], "id": 0}}, "timestamp": 1}


@pytest.mark.parametrize(
    "nest",
    [
        "[" * 100 + "]" * 100,
        '{"a":' * 100 + "1" + "}" * 100,
        '[{"a":' * 50 + "1" + "}]" * 50,
        "[ \n" * 100 + "]" * 100,
    ],
)
def test_a_hundred_levels_of_pure_nesting_are_refused(nest: str) -> None:
    with pytest.raises(BadRequest, match="nests"):
        read(f'[{{"data":{nest}}}]')


@pytest.mark.parametrize("depth", [10, 150, 400])
def test_a_deep_page_is_accepted(depth: int) -> None:
    assert read(json.dumps([dom(depth)])) == 1


@pytest.mark.parametrize("depth", [600, 5_000, 100_000])
def test_a_page_deeper_than_any_decoder_is_refused_not_crashed_on(depth: int) -> None:
    level = '{"attributes":{},"childNodes":['
    with pytest.raises(BadRequest, match="levels"):
        read(f'[{{"data":{level * depth}{"]}" * depth}}}]')


def test_hiding_brackets_behind_strings_cannot_crash_the_decoder() -> None:
    with pytest.raises(BadRequest):
        read('[{"data":' + '["]",' * 50_000 + "1" + "]" * 50_000 + "}]")


def test_brackets_in_text_are_not_nesting() -> None:
    text = json.dumps("[{" * 2_000 + '\\"[' * 100 + "\\")
    assert read(f'[{{"data":{text}}}]') == 1


def test_levels_and_items_are_counted_outside_strings() -> None:
    assert is_nested_deeper(b'[[["]]]"]]]', 2)
    assert not is_nested_deeper(b'["[[[[\\"[["]', 1)
    assert not is_nested_deeper(b"5", 0)
    assert count_items(b'[{"a":[{}]}, {"b":"{\\\\"}, []]') == 3
    assert count_items(b"[]") == 0
