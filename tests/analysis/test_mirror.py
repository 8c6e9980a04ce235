import gc

from retrospec.analysis.compiler import compile_story
from retrospec.analysis.mirror import Mirror, restyle
from retrospec.analysis.shapes import Added, Mutation, Node, Removed, Retexted
from tests.analysis.recordings import (
    added,
    click,
    element,
    event,
    idle,
    mutation,
    page,
    recording,
    text,
    typed,
)


def node(node_id: int, tag: str = "div", *children: Node) -> Node:
    return Node(id=node_id, tag_name=tag, child_nodes=list(children))


def test_a_moved_node_takes_its_new_place() -> None:
    mirror = Mirror()
    mirror.load(node(1, "body", node(2, "ul", node(3, "li"), node(4, "li")), node(5, "ol")))
    mirror.apply(Mutation(removes=[Removed(4)], adds=[Added(5, node(4, "li"))]))
    assert [child.id for child in mirror.nodes[5].child_nodes] == [4]
    assert [child.id for child in mirror.nodes[2].child_nodes] == [3]


def test_adds_may_come_before_their_parents() -> None:
    mirror = Mirror()
    mirror.load(node(1, "body"))
    delta = mirror.apply(Mutation(adds=[Added(11, node(12, "b")), Added(10, node(11, "p")), Added(1, node(10, "div"))]))
    assert sorted(mirror.nodes) == [1, 10, 11, 12]
    assert [root.id for root in delta.roots] == [10]
    assert delta.missing == 0


def test_unknown_nodes_are_counted_and_left_alone() -> None:
    mirror = Mirror()
    mirror.load(node(1, "body"))
    delta = mirror.apply(Mutation(adds=[Added(99, node(2))], removes=[Removed(98)], texts=[Retexted(97, "x")]))
    assert (delta.missing, list(mirror.nodes)) == (3, [1])


def test_inline_styles_change_piece_by_piece() -> None:
    assert restyle("color: red; display:none", {"display": False, "margin": ["0", "important"]}) == "color:red;margin:0"


def test_a_checkpoint_is_not_a_new_page() -> None:
    story = compile_story(
        recording(
            page(0, element(10, "p", {}, text(11, "a"))),
            mutation(100, adds=[added(4, element(30, "p", {}, text(31, "b")))]),
            event(4, 200, {"href": "https://shop.test/checkout"}),
            event(2, 200, {"node": page(0, element(10, "p", {}, text(11, "a")), element(30, "p", {}, text(31, "b")))[2]["data"]["node"]}),
            idle(300),
        )
    )
    assert [segment.url for segment in story.segments] == ["https://shop.test/checkout"]


def test_a_reload_is_a_new_page() -> None:
    again = page(900, element(10, "p", {}, text(11, "a")))
    assert len(compile_story(recording(page(0, element(10, "p", {}, text(11, "a"))), again)).segments) == 2


def test_inside_an_iframe_and_a_shadow_root_things_have_names() -> None:
    frame_document = {"type": 0, "id": 40, "childNodes": [element(41, "html", {}, element(42, "body", {}, element(43, "button", {}, text(44, "Buy"))))]}
    host = {**element(20, "x-menu", {}, {**element(21, "button", {"aria-label": "Open menu"}), "isShadow": True}), "isShadowHost": True}
    story = compile_story(
        recording(
            page(0, element(10, "iframe"), host),
            mutation(50, adds=[added(10, frame_document)], isAttachIframe=True),
            click(100, 44),
            click(200, 21),
        )
    )
    assert [action.target.control.name for action in story.actions if action.target] == ["Buy", "Open menu"]


def test_a_field_is_named_by_its_label_and_never_by_its_value() -> None:
    form = element(
        10, "form", {"name": "signup"}, element(11, "h2", {}, text(12, "Join us")), element(13, "label", {"for": "m"}, text(14, "Email *")),
        element(15, "input", {"id": "m", "type": "email", "value": "ann@example.org"}),
    )  # fmt: skip
    story = compile_story(recording(page(0, form), typed(100, 15), typed(200, 15)))
    rows = [action for action in story.actions if action.row.action == "input"]
    assert len(rows) == 1
    control = rows[0].row.target
    assert control is not None
    assert (control.name, control.role, control.landmark) == ("Email", "textbox", "Join us")


def test_events_before_any_snapshot_are_a_blind_page() -> None:
    story = compile_story(recording(click(0, 5), click(100, 5)))
    assert [segment.seen for segment in story.segments] == ["blind"]


def test_a_view_with_many_missing_nodes_is_stale() -> None:
    lost = [mutation(100 + n, texts=[{"id": 900 + n, "value": "x"}]) for n in range(20)]
    assert compile_story(recording(page(0), lost)).segments[0].seen == "stale"


def test_what_was_read_leaves_no_cycles_to_search_for() -> None:
    """Of a page that is checked and left, of a part that was removed with all below it, and of the page at the end."""
    part = element(10, "main", {}, element(11, "ul", {}, element(12, "li", {}, text(13, "tea"))))
    read = recording(
        page(0, part), page(100, part)[1:], mutation(200, removes=[{"id": 11, "parentId": 10}]), page(900, part), click(950, 12), idle(1_000)
    )  # fmt: skip
    gc.collect()
    gc.disable()
    try:
        assert len(compile_story(read).segments) == 2
        assert [one for one in gc.get_objects() if isinstance(one, Node)] == []
    finally:
        gc.enable()
