"""Ways to find a control again on a live page, the most lasting first, each with how sure it is.

The order is Playwright's own advice (docs "Locators", 1.49): what a person sees before how a page is built.
"""

import re

import msgspec

from retrospec.domain.marker import Control

TEST_ID_ATTRIBUTES = ("data-testid", "data-test-id", "data-test", "data-cy", "data-qa")
_FIELD_ROLES = frozenset({"textbox", "searchbox", "combobox", "spinbutton", "checkbox", "radio", "switch", "slider", "listbox"})
_MASKED = re.compile(r"^[*•●\s]*$")
_DIGITS = re.compile(r"\d")
_LONGEST_NAME = 120
_OWN_PATH = re.compile(r"^/(?!/)[^?#*]*$")


class Locator(msgspec.Struct, frozen=True):
    """One way to find a control."""

    how: str
    """``test_id``, ``role``, ``label``, ``link``, ``css`` or ``text``."""
    value: str
    confidence: float
    role: str = ""


def locators_of(control: Control) -> list[Locator]:
    """All ways that the recording offers, best first; none for what has neither name nor address."""
    ways = [_by_test_id(control), _by_label(control), _by_role(control), _by_link(control), _by_css(control), _by_text(control)]
    return sorted((way for way in ways if way is not None), key=lambda way: -way.confidence)


def combined(ways: list[Locator]) -> float:
    """How sure it is that one of the ways finds the control; never certain."""
    missed = 1.0
    for way in ways:
        missed *= 1 - way.confidence
    return round(min(0.98, 1 - missed), 2)


def is_readable(text: str) -> bool:
    """Whether there is anything to go by: not empty, not masked, not a paragraph."""
    return bool(text) and not _MASKED.match(text) and "**" not in text and len(text) <= _LONGEST_NAME


def _by_test_id(control: Control) -> Locator | None:
    return Locator("test_id", control.test_id, 0.95) if is_readable(control.test_id) else None


def _by_label(control: Control) -> Locator | None:
    return Locator("label", control.label, 0.9) if is_readable(control.label) else None


def _by_role(control: Control) -> Locator | None:
    """A name with a number in it (a price, a count) may read otherwise next time."""
    name = control.name or control.text
    if not control.role or not is_readable(name):
        return None
    return Locator("role", name, 0.6 if _DIGITS.search(name) else 0.92, role=control.role)


def _by_link(control: Control) -> Locator | None:
    if control.tag != "a" or not _OWN_PATH.match(control.href):
        return None
    return Locator("link", control.href, 0.8)


def _by_css(control: Control) -> Locator | None:
    """An id is meant to last; classes are for looks, and change with them."""
    selector = control.selector
    if "#" in selector:
        return Locator("css", selector, 0.75)
    return Locator("css", selector, 0.35) if "." in selector and control.role not in _FIELD_ROLES else None


def _by_text(control: Control) -> Locator | None:
    if control.role or not is_readable(control.text):
        return None
    return Locator("text", control.text, 0.6)
