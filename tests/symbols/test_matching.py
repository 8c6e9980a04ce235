"""Which map belongs to which file."""

from pathlib import Path

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.storage.source_maps import StoredMap
from retrospec.symbols.folder import built_files, debug_id_of, read_text
from retrospec.symbols.matching import MapIndex, debug_ids_of, tail_of
from retrospec.symbols.naming import source_name
from tests.symbols.built import as_json, build

ID = "85314830-023f-4cf1-a267-535f4e37bb17"


def stored(name: str) -> StoredMap:
    return StoredMap(
        project_id="p", release="1", name=name, debug_id="", object_key=name, size_bytes=1, inflated_bytes=1,
        has_sources=True, created_at=utc_now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://shop.example/js/app-1a.js?v=3#x", "js/app-1a.js"),
        ("https://cdn.example/other/app-1a.js", "js/app-1a.js"),
        ("https://a.example/main.js", "a.example/main.js"),
        ("https://b.example/x/main.js", "x/main.js"),
        ("https://c.example/main.js", None),
        ("https://shop.example/js/xapp-1a.js", None),
        ("<anonymous>", None),
    ],
)
def test_a_file_is_known_by_the_end_of_its_address(address: str, found: str | None) -> None:
    index = MapIndex(map(stored, ("js/app-1a.js", "a.example/main.js", "x/main.js")))
    chosen = index.find(address)
    assert (chosen.name if chosen else None) == found


def test_addresses_are_compared_without_scheme_and_query() -> None:
    assert tail_of("https://shop.example/js/app.js?x#y") == tail_of("//shop.example/js/app.js") == "shop.example/js/app.js"
    assert tail_of("~/js/app.js") == tail_of("/js/app.js") == tail_of("./js/app.js") == tail_of("..\\js\\app.js") == "js/app.js"


def test_a_folder_is_paired_by_pointer_name_and_debug_id(tmp_path: Path) -> None:
    made = build()
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "app-1a.js").write_text(f"{made.minified}\n//# sourceMappingURL=maps-of-app.map\n")
    (tmp_path / "js" / "maps-of-app.map").write_bytes(as_json(made))
    (tmp_path / "hidden.mjs").write_text(f"{made.minified}\n//# debugId={ID.upper()}\n")
    (tmp_path / "hidden.mjs.map").write_bytes(as_json(made))
    (tmp_path / "alone.js.map").write_bytes(as_json(build(debug_id=ID)))
    (tmp_path / "plain.js").write_text("let x")
    found = built_files(tmp_path, url_prefix="https://shop.example/static/")
    assert [each.name.removeprefix("shop.example/static/") for each in found] == ["alone.js", "hidden.mjs", "js/app-1a.js"]
    assert [read_text(each).debug_id for each in found] == [ID, ID, ""]


def test_a_folder_without_maps_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no source maps"):
        built_files(tmp_path, url_prefix="")
    with pytest.raises(NotFound, match="no folder"):
        built_files(tmp_path / "dist", url_prefix="")


def test_only_maps_of_version_3_are_taken() -> None:
    assert debug_id_of(b"", as_json(build(debugId=ID))) == ID
    for wrong in (b"{}", b'{"version": 2}', b"[1]", b"no"):
        with pytest.raises(BadRequest):
            debug_id_of(b"", wrong)


def test_debug_ids_come_with_the_marker() -> None:
    evidence = {"debugId": ID, "extra": {"debugIds": {"https://a.example/b.js": ID, "c": 3}}}
    assert debug_ids_of(evidence, ["https://a.example/a.js"]) == {"https://a.example/b.js": ID, "https://a.example/a.js": ID}
    assert debug_ids_of({"debugId": 7, "extra": [1]}, ["x"]) == {}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("../src/cart.js", "src/cart.js"),
        ("webpack://shop/./src/cart.ts?4a1b", "src/cart.ts"),
        ("webpack:///src/cart.ts", "src/cart.ts"),
        ("/src/cart.ts", "src/cart.ts"),
        ("..", ".."),
    ],
)
def test_sources_are_named_as_developers_know_them(written: str, shown: str) -> None:
    assert source_name(written) == shown
