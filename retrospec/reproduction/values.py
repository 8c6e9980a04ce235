"""What to type where the recording has asterisks: names of the blanks, and guesses that most forms accept."""

import re

from retrospec.domain.marker import Control
from retrospec.reproduction.locators import is_readable

_BY_TYPE = {
    "email": "person@example.com", "tel": "+1 202 555 0143", "url": "https://example.com/", "number": "1", "date": "2026-01-15",
    "time": "10:30", "month": "2026-01", "week": "2026-W03", "password": "Correct-horse-7", "color": "#336699", "range": "5",
}  # fmt: skip
_BY_NAME = (
    (re.compile(r"e-?mail", re.I), "person@example.com"),
    (re.compile(r"phone|mobile|\btel", re.I), "+1 202 555 0143"),
    (re.compile(r"post-?\s?code|\bzip|postal|\bplz\b", re.I), "10115"),
    (re.compile(r"first name|given", re.I), "Alex"),
    (re.compile(r"last name|surname|family", re.I), "Example"),
    (re.compile(r"name", re.I), "Alex Example"),
    (re.compile(r"street|address", re.I), "Example Street 1"),
    (re.compile(r"city|town", re.I), "Berlin"),
    (re.compile(r"password", re.I), "Correct-horse-7"),
    (re.compile(r"number|amount|quantity|how many", re.I), "1"),
)


def value_name(control: Control) -> str:
    """The name a person knows the field by; its selector where it has none."""
    named = (control.label, control.name, control.test_id)
    return next((text for text in named if is_readable(text)), control.selector or control.tag)


def address_value(parameter: str) -> str:
    """The name of a blank in a page's address."""
    return f"{parameter} (in the address)"


def guess_for(name: str, input_type: str) -> str:
    """Something a field of this type or name would take. Never what the person typed: nobody kept that."""
    if input_type in _BY_TYPE:
        return _BY_TYPE[input_type]
    return next((value for pattern, value in _BY_NAME if pattern.search(name)), "example")
