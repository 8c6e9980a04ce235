"""Addresses are swapped where a browser would load them, and nowhere else."""

import json
from typing import Any

import pytest

from retrospec.capture.redaction import redact_events, redact_text
from retrospec.capture.rules import RedactionRules, RuleChanges, rules_of
from retrospec.vault.css import own_stylesheet
from retrospec.vault.dressing import Dresser

LOGO, FONT, ODD = "https://shop.example/logo.png", "https://shop.example/f.woff2", "https://shop.example/x,y (1).png"
NAMES = {LOGO: "L0", FONT: "F0", ODD: "O0"}
RULES = RedactionRules()


def dressed(events: Any, names: dict[str, str] = NAMES, **json_form: Any) -> Any:
    form = {"separators": (",", ":")} | json_form
    return json.loads(Dresser(names, prefix="/v/").dress(json.dumps(events, **form).encode()))


def element(tag: str, children: list[Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": children or [], "id": 5}


def snapshot(*nodes: Any) -> list[Any]:
    return [{"type": 2, "data": {"node": {"type": 0, "childNodes": list(nodes), "id": 1}}, "timestamp": 1}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (element("img", src=LOGO), element("img", src="/v/L0")),
        (element("video", poster=LOGO + "#t"), element("video", poster="/v/L0#t")),
        (element("img", srcset=f"{LOGO} 1x, {ODD.replace(' ', '%20')} 2x"), element("img", srcset=f"/v/L0 1x, {ODD.replace(' ', '%20')} 2x")),
        (element("p", style=f'background: url("{ODD}")'), element("p", style='background: url("/v/O0")')),
        (element("link", _cssText=f"a{{b:url({LOGO})}} c{{d:URL('{FONT}#x')}}"), element("link", _cssText="a{b:url(/v/L0)} c{d:URL('/v/F0#x')}")),
        (element("link", href=LOGO, integrity="sha384-abc"), element("link", href="/v/L0", integrity="")),
        (element("style", [{"type": 3, "textContent": f"a{{b:url({LOGO})}}", "id": 6}]), element("style", [{"type": 3, "textContent": "a{b:url(/v/L0)}", "id": 6}])),
        (element("use", **{"xlink:href": f"{LOGO}#cart"}), element("use", **{"xlink:href": "/v/L0#cart"})),
    ],
)  # fmt: skip
def test_what_an_element_loads_comes_from_the_vault(before: Any, after: Any) -> None:
    assert dressed(snapshot(before)) == snapshot(after)
    assert dressed(snapshot(before), indent=2, separators=(", ", " : ")) == snapshot(after), "however it is laid out"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"source": 0, "attributes": [{"id": 3, "attributes": {"src": LOGO}}]}, {"source": 0, "attributes": [{"id": 3, "attributes": {"src": "/v/L0"}}]}),
        (
            {"source": 0, "attributes": [{"id": 3, "attributes": {"style": {"background": [f'url("{LOGO}")', "important"]}}}]},
            {"source": 0, "attributes": [{"id": 3, "attributes": {"style": {"background": ['url("/v/L0")', "important"]}}}]},
        ),
        ({"source": 8, "adds": [{"rule": f"a{{b:url({LOGO})}}", "index": 0}]}, {"source": 8, "adds": [{"rule": "a{b:url(/v/L0)}", "index": 0}]}),
        ({"source": 13, "id": 2, "set": {"property": "cursor", "value": f"url({LOGO})"}}, {"source": 13, "id": 2, "set": {"property": "cursor", "value": "url(/v/L0)"}}),
        ({"source": 10, "family": "F", "fontSource": f"url({FONT})"}, {"source": 10, "family": "F", "fontSource": "url(/v/F0)"}),
    ],
)  # fmt: skip
def test_what_changes_later_comes_from_the_vault_too(before: Any, after: Any) -> None:
    assert dressed([{"type": 3, "data": before, "timestamp": 2}]) == [{"type": 3, "data": after, "timestamp": 2}]


@pytest.mark.parametrize(
    "event",
    [
        {"type": 3, "data": {"source": 5, "text": f"url({LOGO})", "id": 3}},
        {"type": 3, "data": {"source": 5, "text": f'","src":"{LOGO}"', "id": 3}},
        {"type": 2, "data": {"node": {"type": 3, "textContent": f'see {LOGO}, "src":"{LOGO}" and url({LOGO})', "id": 9}}},
        {"type": 2, "data": {"node": element("p", [{"type": 3, "textContent": f"a{{b:url({LOGO})}}", "id": 9}])}},
        {"type": 2, "data": {"node": element("input", value=LOGO, title=f"url({LOGO})")}},
        {"type": 4, "data": {"href": LOGO, "width": 800, "height": 600}},
        {"type": 6, "data": {"plugin": "rrweb/console@1", "payload": {"payload": [f'{{"src":"{LOGO}"}}']}}},
        {"type": 2, "data": {"node": element("img", src=LOGO + "2", srcset=f"{LOGO}.bak 2x", style=f"x:url({LOGO}?v=2)")}},
        {"type": 2, "data": {"node": element("img", src="data:image/png;base64,AAAA", style="x:url(data:image/png;base64,AAAA)")}},
    ],
)
def test_what_was_typed_read_or_logged_stays_as_it_was(event: dict[str, Any]) -> None:
    text = json.dumps([event]).encode()
    assert Dresser(NAMES, prefix="/v/").dress(text) == text


def test_an_address_that_arrival_redacted_is_still_found() -> None:
    """Attributes are stored redacted, styles as they came: both must meet the address as the map has it."""
    secret = "https://shop.example/me.png?token=Zk3mq0Tn8xW2LcV5&mail=a%40b.example"
    events = snapshot(element("img", src=secret, srcset=f"{secret} 2x", style=f'x:url("{secret}")'), element("link", _cssText=f"a{{b:url({secret})}}"))
    stored = redact_events(json.dumps(events, separators=(",", ":")).encode(), RULES).events_json
    assert secret.encode() in stored
    address = redact_text(secret, RULES)[0]
    assert "Zk3mq" not in address
    shown = json.loads(Dresser({address: "M0"}, prefix="/v/").dress(stored))
    assert shown == snapshot(element("img", src="/v/M0", srcset="/v/M0 2x", style='x:url("/v/M0")'), element("link", _cssText="a{b:url(/v/M0)}"))


OTHER_RULES = rules_of(RuleChanges(patterns=("team-[0-9]+",), without=("secret",)))


@pytest.mark.parametrize("recorded_by", [RULES, OTHER_RULES, None])
@pytest.mark.parametrize("mapped_by", [RULES, OTHER_RULES, None])
def test_rules_that_changed_since_lose_no_picture(recorded_by: RedactionRules | None, mapped_by: RedactionRules | None) -> None:
    """The vault's map and the recording were redacted by different rules, and today's are others again."""
    secret = "https://shop.example/team-77/me.png?token=Zk3mq0Tn8xW2LcV5&mail=ann%40b.example"
    other = "https://shop.example/team-77/you.png?token=Pq7mq0Tn8xW2LcV9&mail=ann%40b.example"
    events = json.dumps(snapshot(element("img", src=secret, srcset=f"{other} 2x", style=f'x:url("{secret}")')), separators=(",", ":")).encode()
    if recorded_by is not None:
        events = redact_events(events, recorded_by).events_json
    names = {url if mapped_by is None else redact_text(url, mapped_by)[0]: name for url, name in ((secret, "M0"), (other, "M1"))}
    shown = json.loads(Dresser(names, prefix="/v/").dress(events))
    assert shown == snapshot(element("img", src="/v/M0", srcset="/v/M1 2x", style='x:url("/v/M0")'))


def test_an_address_of_another_page_is_not_taken_for_a_redacted_one() -> None:
    stored = json.dumps(snapshot(element("img", src="https://shop.example/a/[email]/other.png")), separators=(",", ":")).encode()
    names = {"https://shop.example/a/[email]/face.png": "M0", "https://evil.example/a/x/other.png": "M1"}
    assert Dresser(names, prefix="/v/").dress(stored) == stored


def test_what_the_vault_lacks_is_counted_once_each_by_sort() -> None:
    dresser = Dresser(NAMES, prefix="/v/")
    dresser.dress(
        json.dumps(
            snapshot(
                element("img", src=LOGO), element("img", src="https://shop.example/photo?id=3"), element("img", src="https://shop.example/photo?id=3"),
                element("link", rel="stylesheet", href="https://shop.example/site.css"), element("link", rel="icon", href="https://shop.example/icon.png"),
                element("a", href="https://shop.example/big.png"), element("script", src="https://shop.example/app.js"),
                element("link", _cssText="@font-face{src:url(https://shop.example/a.woff2)}"),
            ),
            separators=(",", ":"),
        ).encode()
    )  # fmt: skip
    assert {sort: len(urls) for sort, urls in dresser.missing.items()} == {"image": 1, "font": 1, "style": 1}


def test_a_stylesheet_of_the_vault_names_only_contents_of_the_vault() -> None:
    sheet = b'@import url(b.css); @import "c.css" screen; a{b:url( img/x.png ),url(data:image/png;base64,AA),url(#id)} c{d:URL(https://evil.example/p?x)} e{f:url("//cdn.example/q.png#f")}'
    base = "https://s.example/css/a.css"
    known = {f"https://s.example/css/{name}": name[0].upper() for name in ("b.css", "c.css")} | {"https://s.example/css/img/x.png": "X", "https://cdn.example/q.png": "Q"}
    assert own_stylesheet(sheet, [base], known) == (
        b'@import url(B); @import "C" screen; a{b:url( X ),url(data:image/png;base64,AA),url(#id)} c{d:URL(about:invalid)} e{f:url("Q#f")}'
    )


@pytest.mark.parametrize("unit", ["url('", ',"src":"http', ',"style":{', ',"style":"\\', ',"tagName":"style","attributes":{', "url(", 'url(\\"http://a', '"src" '])
def test_hostile_text_ends_and_is_left_alone(unit: str) -> None:
    """Half a megabyte each: what is not linear would not end within the suite's time limit."""
    for before in ('[{"x":1', '[{"x":1,"style":"'):
        text = (before + unit * (500_000 // len(unit))).encode()
        assert Dresser(NAMES, prefix="/v/").dress(text) == text
