"""A generated test fails on the page that failed and passes on the mended one; hostile pages put nothing but text into it."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route

from retrospec.analysis import Analysis, analyse
from retrospec.analysis.stage import lead_of
from retrospec.demo.recorded import RecordedVisit, recorded_visits
from retrospec.demo.shop import running_shop
from retrospec.domain.clock import utc_now
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Control, Evidence, Marker, MarkerKind, Signal
from retrospec.domain.recording import Recording
from retrospec.domain.trace import Segment, Trace, TraceRow
from retrospec.reproduction import Reproduction, python_test, reproduce
from tests.web.browsing import chromium


def _analysis(fault: str) -> Analysis:
    visit = next(each for each in recorded_visits() if each.fault == fault)
    recording = Recording([msgspec.json.encode(visit.events)], [""])
    return analyse(recording, [_marker(visit, number) for number in range(len(visit.markers))], None, min_confidence=0.6)


def _marker(visit: RecordedVisit, number: int) -> Marker:
    sent = visit.markers[number]
    return Marker(
        id=f"m{number}", project_id="p", session_id="s", kind=MarkerKind(sent.kind), label=sent.label, cluster_key="",
        replay_offset_ms=sent.replay_offset_ms, observed_at=utc_now(), evidence=sent.evidence,
    )  # fmt: skip


def _plan(fault: str) -> Reproduction:
    analysis = _analysis(fault)
    lead = lead_of(analysis.findings)
    assert lead is not None
    plan = reproduce(analysis.trace, lead)
    assert plan is not None
    return plan


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with running_shop("") as url:
        yield url


def _rewritten(old: str, new: str) -> Callable[[Route], None]:
    def serve(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        assert old in text
        route.fulfill(response=answer, body=text.replace(old, new))

    return serve


def _paid(route: Route) -> None:
    route.fulfill(status=200, json={"order": "KL-1"})


MENDED: dict[str, tuple[str, Callable[[Route], None]]] = {
    "dead-button": ("**/shop/shop.js", _rewritten("sample-btn", "sample-button")),
    "pay-500": ("**/api/pay", _paid),
    "refused-postcode": ("**/checkout", _rewritten('pattern="[0-9]{5}"', 'pattern="[A-Z0-9 ]{4,9}"')),
    "coupon-crash": ("**/shop/shop.js", _rewritten("WELCOME:", "SPRING: { percent: 10 }, WELCOME:")),
}
TYPED = {"Postcode": "SW1A 2AA", "coupon (in the address)": "SPRING"}
"""What a developer would put in where the recording has asterisks."""


def _run(plan: Reproduction, page: Page, url: str, values: dict[str, str]) -> None:
    scope: dict[str, Any] = {}
    exec(compile(python_test(plan, session_id="ses_1", base_url=url, values=values), "generated", "exec"), scope)
    test = next(each for name, each in scope.items() if name.startswith("test_"))
    test(page)


@pytest.mark.browser
@pytest.mark.parametrize("fault", MENDED)
def test_it_fails_on_the_fault_and_passes_once_that_is_mended(fault: str, browser: Browser, page: Page, shop_url: str) -> None:
    plan = _plan(fault)
    typed = TYPED if fault in ("refused-postcode", "coupon-crash") else {}

    with pytest.raises(AssertionError) as failed:
        _run(plan, page, shop_url, typed)
    assert failed.traceback[-1].name.startswith("test_"), "it must be the last line that fails, not a step"

    mended = browser.new_context()
    mended.route(*MENDED[fault])
    _run(plan, mended.new_page(), shop_url, typed)
    mended.close()


def test_steps_say_what_to_do_and_how_sure_that_is() -> None:
    plan = _plan("refused-postcode")

    sentences = [step.sentence for step in plan.steps]
    assert sentences[0] == "Open /"
    assert "Click the button “Go to checkout”" in sentences
    assert sentences[-2:] == ["Type into the textbox “Postcode”", "Click the button “Pay now”"]
    assert plan.values == {"Full name": "Alex Example", "Email": "person@example.com", "Postcode": "10115"}
    typed = plan.steps[-2]
    assert typed.doubts == ["what was typed is masked in the recording"]
    assert 0.5 < typed.confidence < plan.steps[0].confidence
    assert 0 < plan.confidence < min(step.confidence for step in plan.steps)


def test_only_the_first_of_many_presses_is_repeated() -> None:
    plan = _plan("dead-button")

    assert [step.sentence for step in plan.steps][-2:] == ["You come to /tea/gyokuro", "Click the button “Send me a sample”"]
    assert plan.expectation is not None and plan.expectation.kind == "some_effect"


def _hostile_plan(text: str) -> Reproduction | None:
    control = Control(tag="button", role="button", name=text, selector=f"button#{text}", text=text, test_id=text, href=text)
    trace = Trace(
        segments=[Segment(index=0, url="https://shop.test/", start_ms=0, end_ms=9, seen="exact")],
        rows=[
            TraceRow(ref="n1", t_ms=0, action="navigation", detail=f"https://shop.test/{text}?{text}={text}*#{text}", flags=["load"]),
            TraceRow(ref="a1", t_ms=1, action="input", target=msgspec.structs.replace(control, role="textbox", label=text)),
            TraceRow(ref="a2", t_ms=2, action="click", target=control),
        ],
    )
    finding = Finding(
        id=text, signal=Signal.EXCEPTION, kind=MarkerKind.JS_EXCEPTION, t_ms=2, standing=Standing.CONFIRMED, confidence=0.9,
        label=text, refs=["a2"], evidence=Evidence(message=text),
    )  # fmt: skip
    return reproduce(trace, finding)


@pytest.mark.parametrize(
    "text",
    ['"""\nimport os; os.abort()\n"""', "'); os.abort() #", "a\\", "{0}{name}", "x\u2028os.abort()", "x\r\n    os.abort()", "\x00\x0c", "é“”"],
)
def test_what_a_page_says_stays_text(text: str) -> None:
    plan = _hostile_plan(text)
    assert plan is not None
    program = ast.parse(python_test(plan, session_id=text, symptom=text, base_url=text))
    called = {node.func.attr for node in ast.walk(program) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert "abort" not in called


@pytest.mark.parametrize("address", ["http://[", "https://[::1/pay?a=*", "http://a\u2100b/", "https://", "http:///x"])
def test_an_address_that_is_none_begins_no_page_and_is_not_waited_for(address: str) -> None:
    control = Control(tag="button", role="button", name="Pay", selector="button", text="Pay")
    rows = [
        TraceRow(ref="n1", t_ms=0, action="navigation", detail=address, flags=["load"]),
        TraceRow(ref="n2", t_ms=1, action="navigation", detail="https://shop.test/basket", flags=["load"]),
        TraceRow(ref="n3", t_ms=2, action="navigation", detail=address, flags=["route"]),
        TraceRow(ref="a1", t_ms=3, action="click", target=control),
    ]
    finding = Finding(
        id="f", signal=Signal.HTTP_ERROR, kind=MarkerKind.API_ERROR, t_ms=4, standing=Standing.CONFIRMED, confidence=0.9,
        label="POST failed", refs=["a1"], evidence=Evidence(url=address, method="POST"),
    )  # fmt: skip
    plan = reproduce(Trace(segments=[], rows=rows), finding)

    assert plan is not None
    assert [step.sentence for step in plan.steps] == ["Open /basket", "Click the button “Pay”"]
    assert plan.origin == "https://shop.test"
    ast.parse(python_test(plan, session_id="s"))


def test_failures_that_only_a_person_can_judge_have_steps_and_no_test() -> None:
    analysis = _analysis("dead-button")
    finding = Finding(id="l", signal=Signal.LONG_TASK, kind=MarkerKind.UI_NO_EFFECT, t_ms=6_000, standing=Standing.UNSEEN, confidence=0.7)
    plan = reproduce(analysis.trace, finding)
    assert plan is not None and plan.steps
    assert plan.expectation is None
    assert python_test(plan, session_id="s") == ""


def test_a_recording_without_a_page_gives_no_steps() -> None:
    finding = Finding(id="l", signal=Signal.EXCEPTION, kind=MarkerKind.JS_EXCEPTION, t_ms=5, standing=Standing.UNSEEN, confidence=0.7)
    assert reproduce(Trace(), finding) is None


def test_a_long_visit_is_begun_at_a_later_page() -> None:
    button = Control(tag="button", role="button", name="Next")
    rows = [
        row
        for number in range(200)
        for row in (
            TraceRow(ref=f"n{number}", t_ms=number * 10, action="navigation", detail=f"https://shop.test/{number}", flags=["load"]),
            TraceRow(ref=f"a{number}", t_ms=number * 10 + 1, action="click", target=button),
        )
    ]
    finding = Finding(
        id="l", signal=Signal.DEAD_CLICK, kind=MarkerKind.UI_NO_EFFECT, t_ms=1_991, standing=Standing.CONFIRMED, confidence=0.7, refs=["a199"]
    )
    plan = reproduce(Trace(rows=rows, segments=[Segment(index=0, url="", start_ms=0, end_ms=1, seen="exact")]), finding)
    assert plan is not None
    assert plan.steps[0].sentence == "Open /140"
    assert "What was done before the first step is left out: the visit was long." in plan.doubts
