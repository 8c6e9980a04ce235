"""What must not happen once the failure is mended, in a form that a browser test can watch for."""

import re
from collections.abc import Callable

import msgspec

from retrospec.domain.finding import Finding
from retrospec.domain.marker import Signal
from retrospec.domain.web_address import address_parts
from retrospec.reproduction.locators import is_readable

_MASK = re.compile(r"\*{2,}|\[[a-z_ -]+\]|…|\d{3,}")


class Expectation(msgspec.Struct, kw_only=True):
    """One thing to watch for after the last step."""

    kind: str
    """``no_exception``, ``no_failed_request``, ``no_refusal``, ``no_text`` or ``some_effect``."""
    sentence: str
    confidence: float
    """0…1, that watching for this tells the mended page from the broken one."""
    text: str = ""
    """Part of the message or of what was shown; the field's name for a refusal."""
    method: str = ""
    path: str = ""
    rule: str = ""


def expectation_of(finding: Finding) -> Expectation | None:
    """None for failures that only a person can judge."""
    read = _BY_SIGNAL.get(finding.signal)
    return read(finding) if read else None


def longest_plain_part(message: str) -> str:
    """The longest stretch without masks and long numbers: those differ the next time."""
    return max((part.strip() for part in _MASK.split(message)), key=len, default="")[:160]


def _exception(finding: Finding) -> Expectation | None:
    text = longest_plain_part(finding.evidence.message or finding.label.partition(": ")[2])
    if not text:
        return None
    return Expectation(kind="no_exception", sentence=f"The page raises no error with “{text}”", confidence=0.9, text=text)


def _request(finding: Finding) -> Expectation | None:
    evidence = finding.evidence
    path = address_parts(evidence.url).path
    if not path:
        return None
    method = evidence.method.upper() or "GET"
    return Expectation(
        kind="no_failed_request", sentence=f"{method} {path} is answered without an error", confidence=0.95, method=method, path=path
    )


def _refusal(finding: Finding) -> Expectation | None:
    control = finding.evidence.control
    name = next((text for text in (control.label, control.name) if is_readable(text)), "") if control else ""
    if not name:
        return None
    sentence = f"The field “{name}” is not refused" + (f" ({finding.evidence.rule})" if finding.evidence.rule else "")
    return Expectation(kind="no_refusal", sentence=sentence, confidence=0.85, text=name, rule=finding.evidence.rule)


def _text(finding: Finding) -> Expectation | None:
    text = longest_plain_part(finding.label)
    if len(text) < 4:
        return None
    return Expectation(kind="no_text", sentence=f"“{text}” is not shown", confidence=0.8, text=text)


def _effect(finding: Finding) -> Expectation:
    return Expectation(kind="some_effect", sentence="The page answers the last click: something changes, is asked for or opens", confidence=0.85)


_BY_SIGNAL: dict[Signal, Callable[[Finding], Expectation | None]] = {
    Signal.EXCEPTION: _exception,
    Signal.UNHANDLED_REJECTION: _exception,
    Signal.HTTP_ERROR: _request,
    Signal.NETWORK_ERROR: _request,
    Signal.RESOURCE_ERROR: _request,
    Signal.VALIDATION_REFUSED: _refusal,
    Signal.FORM_ABANDONED: _refusal,
    Signal.ERROR_SHOWN: _text,
    Signal.RAGE_CLICK: _effect,
    Signal.DEAD_CLICK: _effect,
    Signal.UNRESPONSIVE: _effect,
}
