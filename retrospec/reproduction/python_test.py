"""A reproduction as a Playwright test in Python (pytest-playwright).

Whatever was recorded goes in as a Python literal or as one printable line of a comment: a page can put nothing
into the program but text.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from retrospec.domain.web_address import address_parts
from retrospec.reproduction.expectations import Expectation
from retrospec.reproduction.locators import TEST_ID_ATTRIBUTES, Locator
from retrospec.reproduction.plan import Reproduction, Step
from retrospec.reproduction.values import address_value

WAIT_S = 4
"""How long after the last step the failure may take to show, or the answer to come."""
_VARYING = re.compile(r"^(?:\d+|[0-9a-f]{8,}|[0-9a-f-]{32,}|(?=[^/]*\d)[\w-]{16,})$", re.I)

_HEAD = '''import os
import re
import time
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from playwright.sync_api import Locator, Page

BASE_URL = os.environ.get("BASE_URL", {origin})
VALUES = {values}


def find(*candidates: Locator) -> Locator:
    """The first way to name a control that finds exactly one; the most lasting way comes first."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for candidate in candidates:
            if candidate.count() == 1:
                return candidate
        candidates[0].page.wait_for_timeout(100)
    raise AssertionError(f"No way finds exactly one control: {{', '.join(map(str, candidates))}}")


def within(page: Page, seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in that time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return holds()


def test_{name}(page: Page) -> None:
'''

_WATCHES = {
    "no_exception": """    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
""",
    "no_failed_request": """    answers: list[tuple[str, str, int]] = []
    page.on("response", lambda answer: answers.append((answer.request.method, urlsplit(answer.url).path, answer.status)))
    page.on("requestfailed", lambda request: answers.append((request.method, urlsplit(request.url).path, 0)))
""",
    "no_refusal": '''    refusals: list[tuple[str, list[str]]] = []
    page.expose_function("noteRefusal", lambda name, rules: refusals.append((name, rules)))
    page.add_init_script("""
      addEventListener("invalid", ({ target }) => {
        const rules = [];
        for (const rule in target.validity) if (target.validity[rule] === true) rules.push(rule);
        noteRefusal(target.labels?.[0]?.innerText || target.getAttribute("aria-label") || target.name || "", rules);
      }, true);
    """)
''',
    "no_text": "",
    "some_effect": '''    effects: list[str] = []
    page.expose_function("noteEffect", lambda what: effects.append(what))
    page.add_init_script("""
      new MutationObserver(() => noteEffect("change")).observe(document, {
        subtree: true, childList: true, attributes: true, characterData: true,
      });
    """)
    page.on("request", lambda request: effects.append("request"))
    page.on("popup", lambda popup: effects.append("window"))
    page.on("download", lambda download: effects.append("download"))
    page.on("dialog", lambda dialog: (effects.append("dialog"), dialog.dismiss()))
''',
}


def python_test(plan: Reproduction, *, session_id: str, symptom: str = "", base_url: str = "", values: dict[str, str] | None = None) -> str:
    """The test's text; empty where nothing can be asserted. ``values`` replaces guesses by their name."""
    expectation = plan.expectation
    if expectation is None:
        return ""
    known = plan.values | {name: text for name, text in (values or {}).items() if name in plan.values}
    lines = [*_opening(plan, session_id, symptom), _head(plan, base_url, known), _WATCHES[expectation.kind]]
    steps = [_step(number, step) for number, step in enumerate(plan.steps, 1)]
    if expectation.kind == "some_effect" and steps:
        steps.insert(len(steps) - 1, "    page.wait_for_timeout(500)  # what the page does by itself, it may do now\n    effects.clear()\n")
    return "\n".join(lines[:-2]) + "\n" + lines[-2] + lines[-1] + "".join(steps) + _ASSERTIONS[expectation.kind](expectation)


def _opening(plan: Reproduction, session_id: str, symptom: str) -> list[str]:
    said = [
        symptom or plan.failure,
        f"Made from session {session_id}. It fails while the failure is there, and passes once it is mended.",
        f"Confidence {plan.confidence:.2f}: that of all steps together and of the last line.",
        *([f"What people type is masked in recordings: the {len(plan.values)} in VALUES are guesses. Put in what fits."] if plan.values else []),
        *plan.doubts,
        "To run: pip install pytest-playwright; BASE_URL=… pytest this_file.py",
    ]
    return [f"# {_line(sentence)}" for sentence in said]


def _head(plan: Reproduction, base_url: str, values: dict[str, str]) -> str:
    inside = "".join(f"    {name!r}: {value!r},\n" for name, value in values.items())
    name = re.sub(r"[^a-z0-9]+", "_", plan.failure.lower()).strip("_")[:60] or "failure"
    return _HEAD.format(origin=repr(base_url or plan.origin), values="{\n" + inside + "}" if inside else "{}", name=name)


def _step(number: int, step: Step) -> str:
    doubts = f" — {'; '.join(step.doubts)}" if step.doubts else ""
    comment = f"    # {number}. {_line(step.sentence)} [{step.ref}, confidence {step.confidence:.2f}]{_line(doubts)}\n"
    return f"{comment}    {_statement(step)}\n"


def _statement(step: Step) -> str:
    if step.action == "open":
        return f"page.goto(BASE_URL + {_address(step.url)})"
    if step.action == "arrive":
        return f"page.wait_for_url(re.compile({_path_pattern(step.url)!r}))"
    if not step.locators:
        return f'raise AssertionError("Step {step.ref} must be done by hand: the recording names nothing to find it by.")'
    found = f"find({', '.join(_locator(way) for way in step.locators)})"
    if step.action == "fill":
        return f"{found}.fill(VALUES[{step.value!r}])"
    if step.action == "choose":
        return f"{found}.select_option(VALUES[{step.value!r}])"
    return f"{found}.{step.action}()"


def _address(url: str) -> str:
    """The path and query as an expression; what was masked comes from VALUES."""
    split = address_parts(url)
    parts, text = [], split.path or "/"
    for place, (name, value) in enumerate(parse_qsl(split.query, keep_blank_values=True)):
        text += f"{'&' if place else '?'}{name}="
        if "*" in value:
            parts += [repr(text), f"quote(VALUES[{address_value(name)!r}])"]
            text = ""
        else:
            text += value
    text += f"#{split.fragment}" if split.fragment and "*" not in split.fragment else ""
    return " + ".join([*parts, *([repr(text)] if text else [])])


def _path_pattern(url: str) -> str:
    """The path, with ids that will be others next time left open."""
    parts = ["[^/?#]+" if _VARYING.match(part) or "*" in part else re.escape(part) for part in (address_parts(url).path or "/").split("/")]
    return r"^[a-z]+://[^/]+" + "/".join(parts) + r"(?:[?#]|$)"


def _locator(way: Locator) -> str:
    if way.how == "role":
        return f"page.get_by_role({way.role!r}, name={way.value!r}, exact=True)"
    if way.how == "label":
        return f"page.get_by_label({way.value!r})"
    if way.how == "text":
        return f"page.get_by_text({way.value!r})"
    return f"page.locator({_css(way)!r})"


def _css(way: Locator) -> str:
    quoted = way.value.replace("\\", "\\\\").replace('"', '\\"')
    if way.how == "test_id":
        return ", ".join(f'[{attribute}="{quoted}"]' for attribute in TEST_ID_ATTRIBUTES)
    return f'a[href="{quoted}"]' if way.how == "link" else way.value


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300].rstrip()


def _no_exception(expected: Expectation) -> str:
    return f"    assert not within(page, {WAIT_S}, lambda: any({expected.text!r} in error for error in errors)), errors\n"


def _no_failed_request(expected: Expectation) -> str:
    asked = f"(method, path) == ({expected.method!r}, {expected.path!r})"
    return (
        f"    def statuses() -> list[int]:\n        return [status for method, path, status in answers if {asked}]\n\n"
        f'    assert within(page, {WAIT_S}, lambda: bool(statuses())), "the page did not ask for it"\n'
        "    assert all(0 < status < 400 for status in statuses()), statuses()\n"
    )


def _no_refusal(expected: Expectation) -> str:
    rule = f" and {expected.rule!r} in rules" if expected.rule else ""
    return f"    assert not within(page, {WAIT_S}, lambda: any({expected.text!r} in name{rule} for name, rules in refusals)), refusals\n"


def _no_text(expected: Expectation) -> str:
    return f"    assert not within(page, {WAIT_S}, lambda: page.get_by_text({expected.text!r}).first.is_visible())\n"


def _some_effect(expected: Expectation) -> str:
    return f'    assert within(page, {WAIT_S}, lambda: bool(effects)), "the last click had no effect"\n'


_ASSERTIONS: dict[str, Callable[[Expectation], str]] = {
    "no_exception": _no_exception,
    "no_failed_request": _no_failed_request,
    "no_refusal": _no_refusal,
    "no_text": _no_text,
    "some_effect": _some_effect,
}
