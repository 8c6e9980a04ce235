"""Maps are opened in a process of their own: what it answers, and what cannot bring the server down."""

from collections.abc import Iterator

import pytest

from retrospec.domain.errors import BadRequest
from retrospec.symbols.packing import pack
from retrospec.symbols.reader import MapReader
from retrospec.symbols.talk import Spot
from tests.symbols.built import as_json, build


@pytest.fixture
def reader() -> Iterator[MapReader]:
    made = MapReader()
    yield made
    made.close()


def unread() -> bytes:
    raise AssertionError("the content was asked for again")


def test_a_spot_is_named_with_its_code(reader: MapReader) -> None:
    made = build()
    packed = pack(made.minified.encode(), as_json(made))
    spots = [Spot(1, made.throw_column), Spot(1, made.call_column), Spot(9, 1)]
    thrown, called, nowhere = reader.origins("one", spots, lambda: packed, within_s=20)
    assert thrown is not None and called is not None
    assert (thrown.file, thrown.function, thrown.line) == ("../src/cart.js", "applyDiscount", 3)
    assert thrown.code == "  return item.price - item.discount.percent;"
    assert thrown.before[-1] == "  // a missing discount is a bug" and thrown.after[0] == "}"
    assert called.line == 7
    assert nowhere is None


def test_an_opened_map_is_not_fetched_again(reader: MapReader) -> None:
    made = build()
    packed = pack(made.minified.encode(), as_json(made))
    reader.origins("one", [Spot(1, 1)], lambda: packed, within_s=20)
    assert len(reader.origins("one", [Spot(1, made.throw_column)], unread, within_s=20)) == 1


@pytest.mark.parametrize(
    ("minified", "source_map"),
    [
        (b"", b"{"),
        (b"", b"[]"),
        (b"x", b'{"version":3,"sources":[],"names":[],"mappings":"AAAA"}'),
        (b"x", b'{"version":3,"sources":["a"],"names":[],"mappings":"\xc3\xa9"}'),
        (b"[" * 300_000, b'{"version":3,"sources":["a"],"names":[],"mappings":"AAAA"}'),
    ],
    ids=["cut off", "no map", "no source", "no digits", "nested past any stack"],
)
def test_a_map_that_cannot_be_read_is_refused_and_the_next_one_is_read(
    reader: MapReader, minified: bytes, source_map: bytes
) -> None:
    with pytest.raises(BadRequest):
        reader.check(pack(minified, source_map))
    made = build()
    reader.check(pack(made.minified.encode(), as_json(made)))


def test_each_check_reads_what_it_is_given(reader: MapReader) -> None:
    reader.check(pack(build().minified.encode(), as_json(build())))
    with pytest.raises(BadRequest, match="cannot be read"):
        reader.check(pack(b"x", b'{"version":3,"sources":[],"names":[],"mappings":"AAAA"}'))


def test_a_reader_that_is_too_slow_is_ended(reader: MapReader) -> None:
    functions = b"function a(){b()};" * 300_000
    with pytest.raises(BadRequest, match="within"):
        reader.origins("slow", [Spot(1, 1)], lambda: pack(functions, as_json(build())), within_s=0.3)
    reader.check(pack(build().minified.encode(), as_json(build())))
