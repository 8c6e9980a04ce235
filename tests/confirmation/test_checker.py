"""Verdicts from footage drawn by hand: one screen, one change, one rule."""

from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from retrospec.confirmation.checker import check, draw_frame
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.footage import Act, Facts, Footage, Line, Look, Point, Shot, Thing
from retrospec.domain.marker import SIGNAL_KINDS, MarkerKind, Signal
from retrospec.domain.visual import Box, FindingVerdict, VerdictWord

BUTTON = Box(100, 100, 120, 40)
TOAST = Box(100, 200, 300, 30)
PAY = Point(found=True, node_id=20, tag="button", text="Pay", box=BUTTON, control=True)
CLICK = Act(kind="click", start_ms=2_920, end_ms=3_000, node_id=20, x=150, y=120)
CONFIRMED, REFUTED, CANT_TELL = VerdictWord.CONFIRMED, VerdictWord.REFUTED, VerdictWord.CANT_TELL


def picture(*boxes: Box, blank: bool = False) -> bytes:
    image = Image.new("RGB", (800, 600), "white")
    brush = ImageDraw.Draw(image)
    for box in () if blank else (BUTTON, Box(0, 0, 800, 60), *boxes):
        brush.rectangle((box.x, box.y, box.x + box.width, box.y + box.height), fill="navy")
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def facts(*lines: Line, things: tuple[Thing, ...] = ()) -> Facts:
    return Facts(visible_elements=20, text_chars=200, lines=[Line(1, "Cart", Box(0, 0, 50, 20)), *lines], things=list(things))


def shot(t_ms: int, *boxes: Box, told: Facts | None = None, page: int = 1, blank: bool = False) -> Shot:
    return Shot(t_ms, picture(*boxes, blank=blank), 1.0, 800, 600, page, told or facts())


def footage(*after: Shot, before: tuple[Shot, ...] = (), act: Act | None = CLICK, point: Point = PAY, **look: object) -> Footage:
    shots = [*(before or (shot(2_300), shot(2_919))), *after]
    first = len(shots) - len(after)
    plan = {"t_ms": 3_000, "until_ms": after[-1].t_ms, "until": "window", **look}
    seen = Look(finding_id="f", act=act, point=point, before=list(range(first)), after=list(range(first, len(shots))), **plan)  # type: ignore[arg-type]
    return Footage(status="ready", shots=shots, looks=[seen])


def suspicion(signal: Signal) -> Finding:
    kind = SIGNAL_KINDS.get(signal, MarkerKind.UI_NO_EFFECT)
    return Finding(id="f", signal=signal, kind=kind, t_ms=3_000, standing=Standing.UNSEEN, confidence=0.7)


def verdict(signal: Signal, seen: Footage) -> FindingVerdict:
    return check(seen, [suspicion(signal)], min_confidence=0.65)[0]


FAILED = Line(40, "Payment failed. Try again.", TOAST, red=True)
LOADING = Thing("spinner", 50, Box(300, 300, 40, 40))


def test_a_click_after_which_nothing_changed_is_confirmed() -> None:
    found = verdict(Signal.DEAD_CLICK, footage(shot(3_000), shot(11_000)))
    assert found.verdict == CONFIRMED
    assert found.sentence == "The view did not change in the 8.0 s after the click on “Pay”."
    assert [frame.role for frame in found.frames] == ["before", "at", "after"]


def test_the_last_picture_of_nothing_is_from_before_the_person_went_on() -> None:
    seen = footage(shot(3_000), shot(5_999), shot(9_000, TOAST, page=2), until_ms=6_000, until="click")
    found = verdict(Signal.DEAD_CLICK, seen)
    assert found.verdict == CONFIRMED
    assert [(frame.role, frame.t_ms) for frame in found.frames] == [("before", 2_919), ("at", 3_000), ("after", 5_999)]
    assert found.frames[-1].changed == [BUTTON]


def test_a_late_effect_refutes_a_dead_click() -> None:
    found = verdict(Signal.DEAD_CLICK, footage(shot(3_000), shot(7_500, TOAST), shot(11_000, TOAST)))
    assert (found.verdict, "seen after 4.5 s" in found.sentence) == (REFUTED, True)
    assert found.frames[-1].changed == [Box(96, 200, 312, 32)]


def test_what_moved_before_the_click_is_no_effect_of_it() -> None:
    moving = (shot(1_500, TOAST), shot(2_919))
    found = verdict(Signal.DEAD_CLICK, footage(shot(3_000, TOAST), shot(11_000, TOAST), before=moving))
    assert found.verdict == CONFIRMED


def test_a_button_that_only_blinked_did_nothing() -> None:
    found = verdict(Signal.HTTP_ERROR, footage(shot(3_100, Box(98, 98, 126, 44)), shot(11_000)))
    assert (found.verdict, "came back to what it was" in found.sentence) == (CONFIRMED, True)


@pytest.mark.parametrize("signal", [Signal.HTTP_ERROR, Signal.EXCEPTION, Signal.DEAD_CLICK, Signal.VALIDATION_REFUSED])
def test_an_error_text_in_view_is_confirmed_and_outlined(signal: Signal) -> None:
    seen = footage(shot(3_000), shot(3_600, TOAST, told=facts(FAILED)), shot(11_000, TOAST, told=facts(FAILED)))
    found = verdict(signal, seen)
    assert (found.verdict, found.frames[-1].changed) == (CONFIRMED, [TOAST])
    assert "“Payment failed. Try again.” 0.6 s after the click" in found.sentence
    drawn = Image.open(BytesIO(draw_frame(seen, found.frames[-1]))).convert("RGB")
    red, green, blue = drawn.getpixel((TOAST.x - 3, TOAST.y + 15))  # type: ignore[misc]
    assert red > 150 and red - blue > 90, (red, green, blue)


def test_a_covered_error_is_not_seen() -> None:
    hidden = facts(Line(40, FAILED.text, TOAST, red=True, covered=True))
    assert verdict(Signal.EXCEPTION, footage(shot(3_600, TOAST, told=hidden), shot(9_000, TOAST, told=hidden))).verdict == REFUTED


def test_an_error_that_gave_way_to_the_result_is_refuted() -> None:
    done = facts(Line(41, "Order 7 is on its way", TOAST))
    seen = footage(shot(3_500, TOAST, told=facts(FAILED)), shot(6_000, TOAST, told=done), shot(11_000, TOAST, told=done))
    assert verdict(Signal.HTTP_ERROR, seen).verdict == REFUTED


def test_an_article_about_failures_is_no_failure() -> None:
    story = [Line(60 + i, f"Paragraph {i} on rockets", Box(0, 100 + 20 * i, 500, 18)) for i in range(14)]
    told = facts(*story, Line(90, "The engine failed in 1961", TOAST))
    assert verdict(Signal.EXCEPTION, footage(shot(3_400, TOAST, told=told), shot(9_000, TOAST, told=told))).verdict == REFUTED


def test_a_page_gone_blank_is_confirmed() -> None:
    empty = Facts(visible_elements=2)
    found = verdict(Signal.EXCEPTION, footage(shot(3_100, told=empty, blank=True), shot(9_000, told=empty, blank=True)))
    assert (found.verdict, "went blank" in found.sentence) == (CONFIRMED, True)


def test_a_blank_moment_between_two_pages_is_refuted() -> None:
    empty = Facts(visible_elements=2)
    seen = footage(shot(3_100, told=empty, blank=True), shot(4_000, TOAST, page=2), shot(9_000, TOAST, page=2))
    assert verdict(Signal.BLANK_PAGE, seen).verdict == REFUTED


@pytest.mark.parametrize(("last_ms", "expected"), [(11_000, CONFIRMED), (5_000, CANT_TELL)])
def test_a_spinner_must_stay_to_count(last_ms: int, expected: VerdictWord) -> None:
    waiting = facts(things=(LOADING,))
    seen = footage(shot(3_200, LOADING.box, told=waiting), shot(last_ms, LOADING.box, told=waiting))
    assert verdict(Signal.HTTP_ERROR, seen).verdict == expected


def test_a_refused_field_is_confirmed() -> None:
    field = Thing("invalid", 70, TOAST)
    found = verdict(Signal.VALIDATION_REFUSED, footage(shot(3_100, TOAST, told=facts(things=(field,))), shot(9_000, TOAST, told=facts(things=(field,)))))
    assert (found.verdict, found.frames[-1].changed) == (CONFIRMED, [TOAST])


def test_an_exception_nobody_could_notice_is_refuted() -> None:
    assert verdict(Signal.EXCEPTION, footage(shot(3_000), shot(6_000), shot(11_000), act=None, point=Point())).verdict == REFUTED


@pytest.mark.parametrize(
    "point",
    [
        Point(found=True, tag="canvas", box=BUTTON, control=True, blind="canvas"),
        Point(found=True, tag="a", text="Manual", box=BUTTON, control=True, leads_away=True),
        Point(found=True, tag="button", text="Pay", box=BUTTON, control=True, disabled=True),
    ],
)
def test_what_a_replay_cannot_show_is_left_open(point: Point) -> None:
    assert verdict(Signal.DEAD_CLICK, footage(shot(3_000), shot(11_000), point=point)).verdict == CANT_TELL


def test_a_change_inside_a_picture_the_recording_lacks_is_left_open() -> None:
    gallery = facts(things=(Thing("image", 80, Box(200, 100, 300, 300)),))
    seen = footage(shot(3_000, told=gallery), shot(11_000, told=gallery), before=(shot(2_919, told=gallery),), stirs=1)
    assert verdict(Signal.DEAD_CLICK, seen).verdict == CANT_TELL


def test_a_screen_watched_too_briefly_is_left_open() -> None:
    assert verdict(Signal.DEAD_CLICK, footage(shot(3_000), shot(3_500))).verdict == CANT_TELL


def test_footage_that_failed_says_why() -> None:
    found = verdict(Signal.DEAD_CLICK, Footage(status="failed", reason="the browser crashed"))
    assert (found.verdict, found.sentence) == (CANT_TELL, "The screen could not be looked at: the browser crashed.")


def test_an_answer_below_the_wanted_confidence_is_left_open() -> None:
    seen = footage(shot(3_000), shot(11_000))
    assert check(seen, [suspicion(Signal.DEAD_CLICK)], min_confidence=0.95)[0].verdict == CANT_TELL


def test_one_line_by_itself_after_a_failure_is_about_it() -> None:
    note = facts(Line(40, "That address is not valid", TOAST))
    assert verdict(Signal.HTTP_ERROR, footage(shot(3_400, TOAST, told=note), shot(9_000, TOAST, told=note))).verdict == CONFIRMED


def test_a_log_full_of_errors_is_what_was_asked_for() -> None:
    rows = [Line(60 + i, f"ERROR failed to connect {i}", Box(0, 100 + 20 * i, 500, 18), red=True) for i in range(14)]
    assert verdict(Signal.EXCEPTION, footage(shot(3_400, TOAST, told=facts(*rows)), shot(9_000, TOAST, told=facts(*rows)))).verdict == REFUTED


def test_content_that_vanished_with_an_exception_is_confirmed() -> None:
    bare = Facts(visible_elements=4, text_chars=40, lines=[Line(1, "Cart", Box(0, 0, 50, 20))])
    found = verdict(Signal.EXCEPTION, footage(shot(3_100, TOAST, told=bare), shot(9_000, TOAST, told=bare)))
    assert (found.verdict, "Most of the content vanished" in found.sentence) == (CONFIRMED, True)


def button_says(words: str) -> Facts:
    return facts(Line(20, words, BUTTON))


def test_a_button_that_goes_on_saying_what_it_does_after_a_failed_request_is_stuck() -> None:
    before = tuple(shot(t_ms, told=button_says("Place order")) for t_ms in (2_300, 2_919))
    grey = Box(98, 98, 126, 44)
    after = tuple(shot(t_ms, grey, told=button_says("Placing order")) for t_ms in (3_000, 5_000, 9_000))
    stuck = verdict(Signal.NETWORK_ERROR, footage(*after, before=before))
    assert (stuck.verdict, stuck.sentence) == (CONFIRMED, "The page was still waiting after 6.0 s.")
    followed = verdict(Signal.RAGE_CLICK, footage(*after, before=before))
    assert followed.verdict is not CONFIRMED, "“Following” is what following looks like"


def test_a_list_that_empties_after_a_failed_request_is_seen() -> None:
    rows = Facts(visible_elements=40, text_chars=600, lines=[Line(9, "Lamp, brass", TOAST)])
    gone = Facts(visible_elements=12, text_chars=60, lines=[Line(8, "0 results", TOAST)])
    before = (shot(2_300, TOAST, told=rows), shot(2_919, TOAST, told=rows))
    seen = footage(shot(3_400, told=gone), shot(9_000, told=gone), before=before)
    assert verdict(Signal.HTTP_ERROR, seen).verdict is CONFIRMED
    assert verdict(Signal.DEAD_CLICK, seen).verdict is REFUTED


def test_the_persons_own_scrolling_is_no_motion_of_the_page() -> None:
    scrolled = Facts(visible_elements=20, text_chars=200, lines=[Line(1, "Cart", BUTTON)], scroll_y=400)
    before = (shot(1_420, Box(0, 60, 800, 540)), shot(2_919, told=scrolled))
    after = (shot(3_000, told=scrolled), shot(9_000, told=scrolled))
    assert verdict(Signal.DEAD_CLICK, footage(*after, before=before)).verdict is CONFIRMED


def test_every_picture_says_in_words_what_is_seen_and_how_large_it_is() -> None:
    seen = footage(shot(3_500, TOAST, told=facts(FAILED)), shot(9_000, TOAST, told=facts(FAILED)))
    judged = verdict(Signal.HTTP_ERROR, seen)
    for frame in judged.frames:
        draw_frame(seen, frame)
    assert judged.frames[0].words == "The page, right before the click on “Pay”"
    assert "Payment failed. Try again." in judged.frames[-1].words
    assert {(frame.width, frame.height, frame.scale) for frame in judged.frames} == {(800, 600, 1.0)}
