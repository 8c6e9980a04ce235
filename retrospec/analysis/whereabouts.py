"""Where a developer begins: stack frame, endpoint, element and form rule, with the page and the markup the recording has of them."""

from collections.abc import Iterator

import msgspec

from retrospec.analysis.facts import Action, Story, Target
from retrospec.analysis.presses import Press, presses_of
from retrospec.analysis.sources import missing_map, own_scripts, place_of, sender_of
from retrospec.analysis.wording import BEHAVIOUR, host_of, named, plain_label, quoted, unstopped, without_host
from retrospec.domain.finding import Finding
from retrospec.domain.marker import SIGNAL_KINDS, Control, MarkerKind, Signal

_MOST = 3
_MOST_SCRIPTS = 4


class Place(msgspec.Struct, frozen=True):
    """One place to look, and the rows beyond the finding's own that show it."""

    text: str
    refs: tuple[str, ...] = ()
    t_ms: int = -1
    """Its own moment; -1 where the finding's is meant."""
    names: tuple[str, ...] = ()
    """What it points at, the first above all: a stack frame, a request, an element."""


def places_of(story: Story, lead: Finding, symptoms: list[Finding]) -> list[Place]:
    """At most three, the lead's own first; a symptom's only where it names another place."""
    host = host_of(story)
    places = _of_finding(story, lead, host)
    for symptom in symptoms:
        for place in _of_finding(story, symptom, host, is_alone=not places):
            fuller = next((index for index, known in enumerate(places) if place.text.startswith(known.text)), -1)
            if fuller >= 0:
                places[fuller] = place
            elif not any(_is_named(place.names[:1], known) for known in places):
                places.append(place)
    return list({place.text: place for place in reversed(places)}.values())[::-1][:_MOST]


def _is_named(names: tuple[str, ...], known: Place) -> bool:
    """``#pay`` and ``button#pay`` are one element."""
    pairs = [sorted((one, other), key=len) for one in names for other in known.names if one and other]
    return any(short == long or (short.startswith(("#", "[")) and long.endswith(short)) for short, long in pairs)


def _of_finding(story: Story, finding: Finding, host: str, *, is_alone: bool = True) -> list[Place]:
    """``is_alone`` where nothing else is known: what shows an error is seldom what is wrong."""
    evidence = finding.evidence
    used = _used(story, finding)
    places: list[Place] = []
    is_request = bool(evidence.url) and finding.kind == MarkerKind.API_ERROR
    if not is_request:
        places.extend(_in_source(finding, used))
    if evidence.url:
        places.append(_endpoint(story, finding, used, sender_of(evidence) if is_request else ""))
    if SIGNAL_KINDS.get(finding.signal) == MarkerKind.VALIDATION_FAILED:
        places.append(_rule(finding, used))
    elif finding.signal in BEHAVIOUR and finding.signal != Signal.ERROR_CLICK:
        places.extend(_deaf(story, finding, used))
    elif not places and evidence.control is not None and (control := _fuller(used, evidence.control)) and _address(control):
        places.append(Place(f"Check the code behind {_address(control)}{_on(finding)}.", _refs(used), names=(_address(control),)))
    if not places and is_alone and finding.label and finding.signal in _WHERE:
        places.append(Place(_WHERE[finding.signal].format(unstopped(plain_label(finding, host)))))
    return places


def _used(story: Story, finding: Finding) -> Action | None:
    """The row in which the finding's control was last used up to then: one the finding rests on, else the same element of the page."""
    control = finding.evidence.control
    own = [action for action in story.actions if action.row.ref in finding.refs and action.target is not None]
    rows = [action for action in own if control is None or _is_control(action, control)]
    if not rows and control is not None and own:
        segments = {action.row.segment for action in own}
        rows = [a for a in story.actions if a.row.segment in segments and a.t_ms <= finding.t_ms and _is_control(a, control)]
    return rows[-1] if rows else None


def _is_control(action: Action, control: Control) -> bool:
    """Node ids begin anew on every page, so one alone does not tell."""
    known = action.target.control if action.target is not None else None
    if known is None or (known.tag and control.tag and known.tag != control.tag):
        return False
    return known.node_id == control.node_id != 0 or (bool(control.name) and known.name == control.name)


def _in_source(finding: Finding, used: Action | None) -> Iterator[Place]:
    evidence = finding.evidence
    if frame := place_of(evidence):
        control = _fuller(used, evidence.control) if evidence.control is not None else None
        pressed = f", which runs on a press of {_called(control)}{_on(finding)}" if control is not None and (control.name or _address(control)) else ""
        yield Place(f"Start at {frame}{pressed}.", _refs(used) if pressed else (), names=(frame, _address(control) if control is not None else ""))
    if missing := missing_map(evidence):
        yield Place(f"No source map is known for {missing}, so its names are the minifier's.")


def _endpoint(story: Story, finding: Finding, used: Action | None, function: str) -> Place:
    evidence = finding.evidence
    request = f"{evidence.method} {without_host(evidence.url, host_of(story))}".strip()
    control = used.target.control if used is not None and used.target is not None and used.row.action == "click" else None
    by = [f"by {function}"] if function else []
    by += [f"from {finding.page}"] if finding.page else []
    by += [f"on a press of {_called(control)}"] if control is not None and by else []
    chosen = _chosen(story, used) if control is not None and by else None
    by += [f"with {named(chosen.target.control)} chosen"] if chosen is not None and chosen.target is not None else []
    sent = f" It is sent {' '.join(by)}." if by else ""
    return Place(f"Check the server's side of {request}.{sent}", (*_refs(chosen), *_refs(used)), names=(request, _address(control) if control is not None else ""))


def _chosen(story: Story, used: Action | None) -> Action | None:
    """The radio button that was chosen last on that page before ``used``: what is sent differs by it."""
    def is_choice(action: Action) -> bool:
        is_before = used is not None and action.row.segment == used.row.segment and action.t_ms < used.t_ms
        return is_before and action.target is not None and action.target.control.role == "radio" and bool(action.target.control.name)

    return next(filter(is_choice, reversed(story.actions)), None)


def _called(control: Control) -> str:
    """``“Pay now” (button#pay)``."""
    return f"{named(control)} ({control.selector})" if control.selector else named(control)


def _rule(finding: Finding, used: Action | None) -> Place:
    evidence = finding.evidence
    control = evidence.control or (used.target.control if used is not None and used.target is not None else None)
    field = named(control) if control else "the form"
    markup = used.target.markup if used is not None and used.target is not None else ""
    shown = f": {markup}{_in_form(evidence.form)}{_on(finding)}" if markup else f"{_in_form(evidence.form)}{_on(finding)}" if control else _on(finding)
    return Place(f"Check the {_rule_words(evidence.rule)} of {field} against what people enter{shown}.", _refs(used), names=(_address(control),) if control is not None else ())


def _in_form(form: str) -> str:
    return f" in the form {quoted(form)}" if form else ""


def _deaf(story: Story, finding: Finding, used: Action | None) -> Iterator[Place]:
    """A control that nothing answers has no line of code to name: its markup says what a listener would have to name."""
    target = used.target if used is not None else None
    control = finding.evidence.control or (target.control if target is not None else None)
    if control is None or not (_address(control) or (target is not None and target.markup)):
        return
    shown = target.markup if target is not None and target.markup else _address(control)
    why = " No form and no link stands behind it, so a script has to listen." if target is not None and _needs_listener(target) else ""
    yield Place(f"Look for the script that should answer a click on {shown}{_on(finding)}.{why}{_scripts(finding)}", _refs(used), names=(_address(control),))
    if used is not None and (other := _answered(story, used)) is not None and other.target is not None:
        yield Place(f"On the same page {_called(other.target.control)} did answer, so scripts run there.", tuple(other.refs), other.start_ms)


def _scripts(finding: Finding) -> str:
    names = own_scripts(finding.evidence)
    if not names:
        return ""
    if len(names) == 1:
        return f" The page's own script is {names[0]}."
    listed = ", ".join(names[:_MOST_SCRIPTS])
    return f" The page's own scripts are {listed}{f' and {len(names) - _MOST_SCRIPTS} more' if len(names) > _MOST_SCRIPTS else ''}."


def _needs_listener(target: Target) -> bool:
    return target.promise == "control" and not target.submits and not target.control.href and target.control.tag in ("button", "input")


def _answered(story: Story, used: Action) -> Press | None:
    """The last press on that page load, of something else, that the page itself answered."""
    def is_witness(press: Press) -> bool:
        target = press.target
        own = used.target.control.node_id if used.target is not None else 0
        is_scripted = target is not None and target.control.node_id != own and _needs_listener(target)
        return is_scripted and press.segment == used.row.segment and press.start_ms < used.t_ms and press.succeeded

    return next(filter(is_witness, reversed(presses_of(story))), None)


def _refs(used: Action | None) -> tuple[str, ...]:
    return (used.row.ref,) if used is not None else ()


def _fuller(used: Action | None, control: Control) -> Control:
    """The control as the recording names it, which is with its tag, where it has an address there."""
    known = used.target.control if used is not None and used.target is not None else None
    return known if known is not None and _address(known) else control


def _address(control: Control) -> str:
    return control.selector or control.test_id


def _on(finding: Finding) -> str:
    return f" on {finding.page}" if finding.page else ""


def _rule_words(rule: str) -> str:
    """The attribute that sets the rule, as a developer finds it in the markup."""
    attribute = _ATTRIBUTES.get(rule)
    return f"{attribute} attribute ({rule})" if attribute else f"rule {rule}".rstrip()


_ATTRIBUTES = {
    "valueMissing": "required", "typeMismatch": "type", "badInput": "type", "patternMismatch": "pattern", "tooLong": "maxlength",
    "tooShort": "minlength", "rangeUnderflow": "min", "rangeOverflow": "max", "stepMismatch": "step",
}  # fmt: skip
"""HTML attributes by the ``ValidityState`` flag that tells of them (HTML standard, constraint validation)."""
_WHERE = {
    Signal.ERROR_SHOWN: "Look for what shows “{}”.",
    Signal.BLANK_PAGE: "Check what should be drawn there ({}).",
    Signal.ENDLESS_SPINNER: "Check what the page was waiting for ({}).",
    Signal.RELOAD_LOOP: "Check what makes the page load again ({}).",
    Signal.QUICK_BACK: "Check where the link leads ({}).",
}
