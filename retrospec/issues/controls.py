"""Who a page element is, from visit to visit. Part of fingerprint v1: frozen once shipped.

Strongest first: test id, hand-written id, role with accessible name, selector. Names that tools make
anew on every build or visit (``css-1x2y3z``, ``:r4:``, ``Button_root__3xY2z``) never count.
"""

import re
from typing import Any

from msgspec import Struct

from retrospec.domain.marker import Control
from retrospec.issues.templates import MASK, message_template, path_template

_MAX_NAME_CHARS = 80
_TEST_ID = re.compile(r"\[data-(?:test-?id|test|cy|qa|e2e)=['\"]?([^'\"\]]+)['\"]?\]")
_ID = re.compile(r"#((?:[\w-]|\\.)+)")
_NAME_ATTRIBUTE = re.compile(r"\[name=['\"]?([^'\"\]]+)['\"]?\]")
_CLASS = re.compile(r"\.((?:[\w-]|\\.)+)")
_TAG = re.compile(r"^[a-z][a-z0-9-]*", re.I)
_ATTRIBUTE = re.compile(r"\[[^\]]*\]|:{1,2}[a-z-]+(?:\([^)]*\))?")
_COMPOUNDS = re.compile(r"\s*[>+~]\s*|\s+")
_STATE_CLASS = re.compile(r"(?:is-|has-)?(?:active|hover|focus(?:ed|-visible)?|disabled|loading|selected|open|hidden|visible|show|pressed|current)")
_SELECTOR = re.compile(r"(?:[a-z][\w-]*)?(?:[#.\[][^\s].*[^.!?\s]|\s*>\s*\S.*)")
_ROLE_OF_TAG = {"a": "link", "button": "button", "select": "combobox", "textarea": "textbox", "summary": "button", "img": "img"}
_ROLE_OF_INPUT = {"checkbox": "checkbox", "radio": "radio", "submit": "button", "button": "button", "reset": "button",
                  "image": "button", "range": "slider", "number": "spinbutton", "search": "searchbox"}  # fmt: skip


class Identity(Struct, frozen=True):
    """What names a control: ``parts`` for the key and ``shown`` for people."""

    parts: tuple[tuple[str, str], ...]
    strong: bool
    """Names it in the whole site; a weak one needs its page beside it."""
    shown: str


def identify(control: Control) -> Identity | None:
    """The stable identity of ``control``; None when nothing of it is stable."""
    role = _role(control)
    test_id = stable_name(control.test_id) or _found(_TEST_ID, control.selector)
    shown = f"{role or 'element'} “{_shown_name(control) or test_id or control.selector}”"
    if test_id:
        return Identity((("test id", test_id),), True, shown)
    if own_id := _found(_ID, _last_compound(control.selector)):
        return Identity((("id", own_id),), True, shown)
    if name := _named(control):
        landmark = message_template(control.landmark)
        parts = [("role", role), ("name", name), ("landmark", landmark)]
        return Identity(tuple(part for part in parts if part[1]), bool(landmark), shown)
    return _by_selector(control, role, shown)


def _by_selector(control: Control, role: str, shown: str) -> Identity | None:
    href = path_template(control.href) if control.href.startswith(("/", "http")) else ""
    parts = [("role", role), ("leads to", href), ("landmark", message_template(control.landmark))]
    parts.append(("selector", stable_selector(control.selector)))
    kept = tuple(part for part in parts if part[1])
    return Identity(kept, False, shown) if kept else None


def _role(control: Control) -> str:
    tag = control.tag.lower() or _tag_of(_last_compound(control.selector))
    if tag == "input":
        return control.role or _ROLE_OF_INPUT.get(control.input_type.lower(), "textbox")
    return control.role or _ROLE_OF_TAG.get(tag, "")


def _shown_name(control: Control) -> str:
    return " ".join((control.name or control.label or control.text).split())[:_MAX_NAME_CHARS]


def _named(control: Control) -> str:
    name = message_template(_shown_name(control))
    return "" if name == MASK else name.casefold()


def _found(pattern: re.Pattern[str], selector: str) -> str:
    match = pattern.search(selector)
    return stable_name(match[1].replace("\\", "")) if match else ""


def _last_compound(selector: str) -> str:
    return _COMPOUNDS.split(selector.strip())[-1] if selector else ""


def _tag_of(compound: str) -> str:
    match = _TAG.match(compound)
    return match[0].lower() if match else ""


def stable_name(name: str) -> str:
    """An id or test id without its counted part; empty when a tool made it (``:r4:``, ``mui-12``, ``x9f3a2``)."""
    if ":" in name or not name:
        return ""
    words = [word for word in re.split(r"[-_.]+", message_template(name, keep_quoted=True)) if word != MASK]
    words = [word for word in words if MASK not in word and len(word) > 1]
    return "-".join(words) if any(len(word) >= 3 for word in words) else ""


def stable_selector(selector: str) -> str:
    """The last three compounds of a CSS selector without generated names, positions and states."""
    kept = [_stable_compound(compound) for compound in _COMPOUNDS.split(selector.strip()) if compound]
    return ">".join([compound for compound in kept if compound][-3:])


def _stable_compound(compound: str) -> str:
    own_id, name = _found(_ID, compound), _found(_NAME_ATTRIBUTE, compound)
    bare = _ATTRIBUTE.sub("", compound)
    classes = [] if own_id else [c for c in _CLASS.findall(_ID.sub("", bare)) if _is_written(c)]
    return "".join((_tag_of(bare), f"#{own_id}" if own_id else "", f"[{name}]" if name else "",
                    *(f".{c}" for c in sorted(classes))))  # fmt: skip


def _is_written(class_name: str) -> bool:
    """Whether a person wrote this class: no digits or hashes in it, and no passing state."""
    if _STATE_CLASS.fullmatch(class_name) or re.search(r"\d|__[\w-]*[A-Z]|^(?:css|sc|jss|svelte|ng|_)-?\w{5,7}$", class_name):
        return False
    return re.search(r"[a-z][A-Z]{2,}|[A-Z]{2,}[a-z]{1,2}[A-Z]", class_name) is None


_TARGET = re.compile(r"(?:\bon|\bfor|:|\bof|\bin)\s+(?P<target>\S.*)$", re.I)


def control_of(control: Control | None, raw: Any, label: str) -> Control:
    """The control of a marker: the evidence's own, else a selector in the evidence, else what the label points at."""
    if control is not None:
        return control
    source: dict[str, Any] = raw if isinstance(raw, dict) else {}
    for key in ("selector", "target", "element", "field", "fieldName", "control", "inputName"):
        value = source.get(key)
        if isinstance(value, str) and value.strip():
            return pointed_at(value.strip()[:500])
    match = _TARGET.search(label)
    return pointed_at(match["target"].strip()[:500]) if match else Control()


def pointed_at(text: str) -> Control:
    """``#pay``, ``button.buy`` as a selector; ``"Pay now" button`` as a name."""
    bare = text.strip().strip("\"'`<>")
    if _SELECTOR.fullmatch(bare):
        return Control(selector=bare)
    return Control(name=bare)
