"""What the author of a page promised with the element that was clicked."""

from typing import Any

from retrospec.analysis.facts import Target
from retrospec.analysis.looks import (
    BUTTON_INPUTS,
    NATIVE_POPUPS,
    acts_outside,
    is_disabled,
    is_handle,
    is_player,
    is_stepper_name,
    is_text_field,
    looks_clickable,
)
from retrospec.analysis.mirror import ancestors, attributes_of
from retrospec.analysis.naming import Namer, control_around, is_control, markup_of
from retrospec.analysis.shapes import Node


def read_target(namer: Namer, clicked: Node, page_url: str) -> Target:
    """The control around ``clicked``, named, and what pressing it should do."""
    node = control_around(clicked)
    attributes = attributes_of(node)
    control = namer.control(node)
    form = next((above for above in ancestors(node) if above.tag_name == "form"), None)
    named = control.name or control.text
    return Target(
        control=control,
        promise=_promise(node.tag_name, attributes),
        disabled=is_disabled(attributes) or _in_disabled_set(node),
        chosen=_is_chosen(attributes) or _leads_here(attributes, page_url),
        leaves=_leaves(attributes),
        silent=_is_silent(node.tag_name, attributes, named),
        handle=is_handle(attributes),
        stepper=is_stepper_name(named),
        player=any(is_player(above.tag_name, attributes_of(above)) for above in ancestors(clicked, 6)),
        submits=_submits(node.tag_name, attributes, form is not None),
        form_id=form.id if form else 0,
        markup=markup_of(node.tag_name, attributes),
        frame=node.tag_name == "iframe",
    )


def _promise(tag: str, attributes: dict[str, Any]) -> str:
    if tag == "label" or is_text_field(tag, attributes):
        return "field"
    if is_control(tag, attributes):
        return "control"
    return "lookalike" if looks_clickable(attributes) else "inert"


def _in_disabled_set(node: Node) -> bool:
    return any(above.tag_name == "fieldset" and is_disabled(attributes_of(above)) for above in ancestors(node, 12))


def _is_chosen(attributes: dict[str, Any]) -> bool:
    if attributes.get("aria-selected") == "true" or attributes.get("aria-current") not in (None, "false"):
        return True
    return bool({"active", "selected", "current", "is-active", "is-selected"} & set(str(attributes.get("class", "")).split()))


def _leads_here(attributes: dict[str, Any], page_url: str) -> bool:
    href = attributes.get("href")
    return isinstance(href, str) and bool(href) and href.split("#")[0] == page_url.split("#")[0]


def _leaves(attributes: dict[str, Any]) -> bool:
    if attributes.get("target") == "_blank" or "download" in attributes:
        return True
    href = attributes.get("href")
    if not isinstance(href, str):
        return False
    scheme = href.split(":", 1)[0].lower() if ":" in href else ""
    return scheme in ("mailto", "tel", "sms", "blob", "data", "intent") or "#" in href[:-1]


def _is_silent(tag: str, attributes: dict[str, Any], name: str) -> bool:
    if tag == "input" and str(attributes.get("type", "")).lower() in NATIVE_POPUPS:
        return True
    return acts_outside(name)


def _submits(tag: str, attributes: dict[str, Any], in_form: bool) -> bool:
    kind = str(attributes.get("type", "submit" if tag == "button" else "")).lower()
    return in_form and ((tag == "button" and kind == "submit") or (tag == "input" and kind in BUTTON_INPUTS and kind in ("submit", "image")))
