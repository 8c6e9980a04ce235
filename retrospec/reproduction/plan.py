"""The plan: which rows of a trace a person must repeat to meet a failure again, and what should then not happen."""

from urllib.parse import parse_qsl

import msgspec

from retrospec.domain.finding import Finding
from retrospec.domain.marker import Control
from retrospec.domain.trace import Segment, Trace, TraceRow
from retrospec.domain.web_address import address_parts
from retrospec.reproduction.expectations import Expectation, expectation_of
from retrospec.reproduction.locators import Locator, combined, locators_of
from retrospec.reproduction.values import address_value, guess_for, value_name

MOST_STEPS = 60
"""A longer way is begun at a later page load: nobody follows more, and each step adds a doubt."""
_CLEARNESS = {"exact": 1.0, "stale": 0.85, "blind": 0.4}
"""By how well the recording shows the page a step was taken on."""
_DONE = frozenset({"click", "input"})


class Step(msgspec.Struct, kw_only=True):
    """One thing to do."""

    action: str
    """``open``, ``click``, ``fill``, ``choose``, ``check``, ``uncheck`` or ``arrive``."""
    sentence: str
    ref: str
    """The trace row it stems from."""
    t_ms: int
    confidence: float
    """0…1, that doing this by the test does what the person did."""
    locators: list[Locator] = []
    url: str = ""
    """Where to go, or where one must have come."""
    value: str = ""
    """Name of what to type, in ``Reproduction.values``."""
    doubts: list[str] = []


class Reproduction(msgspec.Struct, kw_only=True):
    """How to meet a failure again."""

    finding_id: str
    failure: str
    origin: str
    """Scheme, host and port of the site as recorded."""
    steps: list[Step]
    expectation: Expectation | None
    """What a mended page does; None where no test could tell."""
    values: dict[str, str]
    """Guesses for what was typed: recordings have it masked."""
    confidence: float
    doubts: list[str]


def reproduce(trace: Trace, finding: Finding) -> Reproduction | None:
    """Steps from a page load to the failure; None where the recording shows no page to begin on."""
    rows = _up_to_trigger(trace, finding)
    start = _start_of(rows)
    if start is None:
        return None
    taken = _Taker(trace)
    for row in rows[start:]:
        taken.take(row)
    expectation = expectation_of(finding)
    confidence = expectation.confidence if expectation else 1.0
    for step in taken.steps:
        confidence *= step.confidence
    return Reproduction(
        finding_id=finding.id,
        failure=finding.label or finding.signal.value.replace("_", " "),
        origin=_origin(rows[start].detail),
        steps=taken.steps,
        expectation=expectation,
        values=taken.values,
        confidence=round(confidence, 2),
        doubts=_doubts(trace, taken, start, rows),
    )


def _up_to_trigger(trace: Trace, finding: Finding) -> list[TraceRow]:
    """Rows up to the first cited action; a failure that no action caused ends the way at its own moment."""
    cited = set(finding.refs)
    for place, row in enumerate(trace.rows):
        if row.ref in cited and row.action in _DONE:
            return trace.rows[: place + 1]
    return [row for row in trace.rows if row.t_ms <= finding.t_ms]


def _start_of(rows: list[TraceRow]) -> int | None:
    """The first page load, or the earliest from which no more than ``MOST_STEPS`` actions follow."""
    loads = [place for place, row in enumerate(rows) if row.action == "navigation" and _is_web(row.detail)]
    near = [place for place in loads if sum(row.action in _DONE for row in rows[place:]) <= MOST_STEPS]
    return near[0] if near else (loads[-1] if loads else None)


class _Taker:
    """Turns rows into steps; ``take`` each in order."""

    def __init__(self, trace: Trace) -> None:
        self.segments = {segment.index: segment for segment in trace.segments}
        self.steps: list[Step] = []
        self.values: dict[str, str] = {}
        self.set_by_code = 0
        self._led_to: set[str] = set()
        """Rows of navigations that an action caused."""

    def take(self, row: TraceRow) -> None:
        """Adds what ``row`` asks to be done; nothing for what only happened."""
        self._led_to |= {effect.ref for effect in row.effects if effect.kind == "navigation" and effect.ref}
        self.set_by_code += sum(effect.detail == "a field's value" for effect in row.effects)
        if row.action == "navigation" and _is_web(row.detail):
            self._go(row)
        elif row.action == "click" and row.target is not None:
            self._click(row, row.target)
        elif row.action == "input" and row.target is not None:
            self._enter(row, row.target)

    def _go(self, row: TraceRow) -> None:
        path = _path(row.detail)
        if row.ref in self._led_to:
            self.steps.append(Step(action="arrive", sentence=f"You come to {path}", ref=row.ref, t_ms=row.t_ms, confidence=0.97, url=row.detail))
            return
        if self.steps and "route" in row.flags:
            self.steps.append(Step(action="arrive", sentence=f"The page moves on to {path}", ref=row.ref, t_ms=row.t_ms, confidence=0.9, url=row.detail))
            return
        step = Step(action="open", sentence=f"Open {path}", ref=row.ref, t_ms=row.t_ms, confidence=0.97, url=row.detail)
        for name, value in parse_qsl(address_parts(row.detail).query, keep_blank_values=True):
            if "*" in value:
                self.values[address_value(name)] = guess_for(name, "")
                step.doubts.append(f"the value of “{name}” in the address is masked in the recording")
                step.confidence = 0.6
        self.steps.append(step)

    def _click(self, row: TraceRow, target: Control) -> None:
        if not locators_of(target) and not row.effects:
            return  # somewhere on the page, and nothing came of it
        self._add(row, target, "click", f"Click {_named(target)}")

    def _enter(self, row: TraceRow, target: Control) -> None:
        self._drop_click_into(target)
        if target.input_type in ("checkbox", "radio") or target.role in ("checkbox", "radio", "switch"):
            ticked = row.detail == "checked"
            self._add(row, target, "check" if ticked else "uncheck", f"{'Tick' if ticked else 'Untick'} {_named(target)}")
            return
        name = value_name(target)
        step = self._add(row, target, "choose" if target.tag == "select" else "fill", f"Type into {_named(target)}")
        if target.tag == "select":
            step.sentence = f"Choose in {_named(target)}"
        step.value = name
        self.values.setdefault(name, "" if row.detail == "emptied" else guess_for(name, target.input_type))
        if row.detail != "emptied":
            step.confidence = round(step.confidence * 0.9, 2)
            step.doubts.append("what was typed is masked in the recording")

    def _drop_click_into(self, target: Control) -> None:
        """Who types into a field clicked it first: one step."""
        last = self.steps[-1] if self.steps else None
        if last is not None and last.action == "click" and last.locators == locators_of(target):
            self.steps.pop()

    def _add(self, row: TraceRow, target: Control, action: str, sentence: str) -> Step:
        ways = locators_of(target)
        segment = self.segments.get(row.segment)
        step = Step(
            action=action, sentence=sentence, ref=row.ref, t_ms=row.t_ms, locators=ways,
            confidence=round(combined(ways) * _CLEARNESS.get(segment.seen if segment else "blind", 0.4), 2),
        )  # fmt: skip
        step.doubts += _target_doubts(ways, segment, row)
        self.steps.append(step)
        return step


def _target_doubts(ways: list[Locator], segment: Segment | None, row: TraceRow) -> list[str]:
    doubts = []
    if not ways:
        doubts.append("the recording names nothing to find it by")
    elif ways[0].confidence < 0.7:
        doubts.append("its name may read otherwise next time")
    if segment is not None and segment.seen != "exact":
        doubts.append("the recording has gaps on this page")
    if "iframe not recorded" in row.flags:
        doubts.append("it is inside a frame that was not recorded")
    return doubts


def _doubts(trace: Trace, taken: _Taker, start: int, rows: list[TraceRow]) -> list[str]:
    doubts = []
    if any(row.action in _DONE for row in rows[:start]):
        doubts.append("What was done before the first step is left out: the visit was long.")
    if taken.set_by_code:
        doubts.append("Some field was set without a click that the recording shows (a menu, a program): set it by hand if it matters.")
    if trace.cut:
        doubts.append(f"The story was cut short: {trace.cut}.")
    return doubts


def _named(target: Control) -> str:
    name = next((text for text in (target.label, target.name, target.text, target.test_id) if text), "")
    sort = {"a": "link", "input": target.role or "field"}.get(target.tag, target.role or target.tag or "something")
    return f"the {sort} “{name}”" if name else f"the {sort} {target.selector}".rstrip()


def _is_web(url: str) -> bool:
    split = address_parts(url)
    return split.scheme in ("http", "https") and bool(split.netloc)


def _origin(url: str) -> str:
    split = address_parts(url)
    return f"{split.scheme}://{split.netloc}"


def _path(url: str) -> str:
    split = address_parts(url)
    return (split.path or "/") + (f"?{split.query}" if split.query else "") + (f"#{split.fragment}" if split.fragment else "")
