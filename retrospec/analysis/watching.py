"""Reads a mutation's effect on the page as a person would see it: text that came, dialogs, errors, spinners, states."""

from collections.abc import Iterator
from typing import Any

from retrospec.analysis.limits import MAX_ROOTS_PER_MUTATION
from retrospec.analysis.looks import (
    ALERT,
    DIALOG,
    ERROR_PLACE,
    HIDDEN,
    SPINNER,
    class_change,
    class_toggle,
    class_tokens,
    clean_text,
    is_apology,
    is_error_text,
    is_hidden,
    is_plain_apology,
    is_spinner,
    is_spinner_text,
)
from retrospec.analysis.mirror import Delta, ancestors, look
from retrospec.analysis.naming import read_subtree, subtree_text
from retrospec.analysis.shapes import Node
from retrospec.domain.rrweb import NodeType

_SHORT_DIALOG = 80
"""Characters; a longer dialog that speaks of problems may be a help page or a form to report them."""

Seen = tuple[str, str, Node, bool]
"""Effect kind, detail, node, whether it is merely cosmetic."""

_STATE_ATTRIBUTES = frozenset(
    {"aria-expanded", "aria-pressed", "aria-selected", "aria-checked", "aria-current", "aria-valuenow", "checked", "selected", "open", "value", "src",
     "href", "data-state", "aria-sort", "aria-label", "d", "points", "transform", "x", "y", "cx", "cy", "r", "fill"}
)  # fmt: skip
"""Attributes whose change a person sees as the page's answer."""
_NOT_SHOWN = (NodeType.COMMENT, NodeType.DOCUMENT_TYPE)
_UNSEEN_TAGS = frozenset({"style", "script", "link", "meta", "head", "title", "noscript", "template", "base"})


def what_was_seen(delta: Delta) -> Iterator[Seen]:
    """Everything in ``delta`` a person could have noticed, bounded."""
    hidden: dict[int, bool] = {}
    for root in delta.roots[:MAX_ROOTS_PER_MUTATION]:
        yield from _came(root, hidden)
    for node, before in delta.texts[:MAX_ROOTS_PER_MUTATION]:
        yield from _retexted(node, before, hidden)
    for node, old, new in delta.attributes[: MAX_ROOTS_PER_MUTATION * 4]:
        yield from _altered(node, old, new)
    for _, parent in delta.removed[:MAX_ROOTS_PER_MUTATION]:
        if parent is not None and parent.tag_name not in _UNSEEN_TAGS:
            yield "dom_change", "", parent, False


def _is_in_hidden(node: Node, known: dict[int, bool]) -> bool:
    """Whether the node or an ancestor near enough is written as hidden; a mutation's nodes mostly share theirs."""
    found = known.get(node.id)
    if found is not None:
        return found
    climbed: list[int] = []
    above: Node | None = node
    found = False
    while above is not None and len(climbed) < 12:
        if (earlier := known.get(above.id)) is not None:
            found = earlier
            break
        climbed.append(above.id)
        if look(above) & HIDDEN:
            found = True
            break
        above = above.parent
    known.update(dict.fromkeys(climbed, found))
    return found


def _came(root: Node, hidden: dict[int, bool]) -> Iterator[Seen]:
    if root.tag_name in _UNSEEN_TAGS or root.type in _NOT_SHOWN:
        return
    parent = root.parent
    if look(root) & HIDDEN or (parent is not None and _is_in_hidden(parent, hidden)):
        return
    if root.type == NodeType.TEXT:
        text = clean_text((root.text_content or "")[:400])
        if parent is None or parent.tag_name in _UNSEEN_TAGS or not text:
            return
        yield _said(parent, text)
        return
    yield appeared(root)


def appeared(top: Node) -> Seen:
    """An element that came or was shown: the most telling thing about it."""
    text, marked = read_subtree(top, marks=ERROR_PLACE | ALERT)
    if error := next(filter(None, map(_error_in, marked)), ""):
        return "error_text", error, top, False
    bits = look(top)
    if bits & SPINNER or is_spinner_text(text):
        return "spinner", text, top, False
    if bits & DIALOG:
        sorry = is_plain_apology(text) or (len(text) <= _SHORT_DIALOG and is_apology(text))
        return "error_text" if sorry else "dialog", text, top, False
    if text and any(look(above) & ERROR_PLACE for above in ancestors(top, 3)) and is_error_text(text):
        return "error_text", text, top, False
    if is_plain_apology(text):
        return "error_text", text, top, False
    return ("text_change", text, top, False) if text else ("dom_change", "", top, not _is_shown_thing(top))


def _is_shown_thing(top: Node) -> bool:
    """An element without text that still is something; a lone ``span`` in a button is a ripple."""
    return top.tag_name != "span"


def _error_in(node: Node) -> str:
    """What an alert or error place says, if it speaks of an error."""
    text = subtree_text(node)
    return text if text and (look(node) & ERROR_PLACE or is_error_text(text)) else ""


def _said(parent: Node, text: str) -> Seen:
    """New text in an element: an error where the place or the words say so."""
    around = 0
    for above in ancestors(parent, 3):
        around |= look(above)
    if around & ERROR_PLACE:
        return "error_text", text, parent, False
    if around & ALERT and is_error_text(text):
        return "error_text", text, parent, False
    if is_plain_apology(text):
        return "error_text", text, parent, False
    return ("spinner" if is_spinner_text(text) else "text_change"), text, parent, False


def _retexted(node: Node, before: str, hidden: dict[int, bool]) -> Iterator[Seen]:
    text = clean_text((node.text_content or "")[:400])
    parent = node.parent
    if parent is None or parent.tag_name in _UNSEEN_TAGS or text == clean_text(before[:400]) or _is_in_hidden(parent, hidden):
        return
    yield _said(parent, text)


def _altered(node: Node, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Seen]:
    before, after = old.get("class"), new.get("class")
    if len(new) == 1 and isinstance(before, str) and isinstance(after, str):
        yield _reclassed(node, before, after)
    else:
        yield from _changed(node, old, new)


def _reclassed(node: Node, before: str, after: str) -> Seen:
    """An element whose class changed and nothing else: what most changes of attributes are."""
    change, was_hidden, is_hidden_now, is_busy = class_toggle(before, after)
    if (was_hidden and not is_hidden_now) or change == "shown":
        return appeared(node)
    if was_hidden != is_hidden_now or change == "hidden":
        return "dom_change", "", node, False
    if change == "changed":
        return "spinner" if is_busy else "dom_change", subtree_text(node, 60) if is_busy else "", node, False
    return "dom_change", "", node, True


def _changed(node: Node, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Seen]:
    if "disabled" in new or "aria-disabled" in new:
        off = new.get("disabled", False) not in (None, False) or new.get("aria-disabled") == "true"
        yield "disabled" if off else "enabled", subtree_text(node, 60), node, False
    if new.get("aria-busy") == "true":
        yield "spinner", subtree_text(node, 60), node, False
    if new.get("aria-invalid") == "true":
        yield "validation", "", node, False
    hidden_before, hidden_now = is_hidden(old, ""), is_hidden(new, "")
    classes = class_change(class_tokens(old), class_tokens(new)) if "class" in new else ""
    opened = node.tag_name == "dialog" and new.get("open") not in (None, False)
    if (hidden_before and not hidden_now) or classes == "shown" or opened:
        yield appeared(node)
    elif hidden_now != hidden_before or classes == "hidden":
        yield "dom_change", "", node, False
    elif classes == "changed":
        busy = is_spinner("", {"class": new.get("class")}) and not is_spinner("", {"class": old.get("class")})
        yield "spinner" if busy else "dom_change", subtree_text(node, 60) if busy else "", node, False
    elif not _STATE_ATTRIBUTES.isdisjoint(new):
        yield "dom_change", "", node, False
    elif classes or "style" in new:
        yield "dom_change", "", node, True
