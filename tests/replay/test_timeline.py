"""Reading a recording's order, and choosing the instants to look at."""

from retrospec.domain.marker import Control, Signal
from retrospec.domain.recording import Recording
from retrospec.domain.window import Window, windows_around
from retrospec.replay.plan import find_act, plan_look, thin
from retrospec.replay.timeline import Size, read_timeline
from tests.replay.recordings import Tape, button, finding

WHOLE = Window(0, 60_000)


def test_times_count_from_the_earliest_event_whatever_their_order() -> None:
    tape = Tape(button("a", id=20)).click(3_000, 20, 1, 2)
    tape.events.reverse()
    line = read_timeline(tape.recording())
    assert (line.times[0], line.end_ms) == (0, 3_000)
    assert [touch.kind for touch in line.touches] == ["press", "click"]


def test_a_checkpoint_is_no_page_load() -> None:
    tape = Tape(button("a", id=20)).load(2_000, href="https://shop.test/next")
    tape.add(4_000, 4, {"href": "https://shop.test/next", "width": 800, "height": 600})
    tape.add(4_001, 2, {"node": {"id": 77, "type": 0, "childNodes": []}})
    assert [address for _, address in read_timeline(tape.recording()).loads] == ["https://shop.test/", "https://shop.test/next"]


def test_hostile_sizes_and_events_are_bounded() -> None:
    junk = b'[{"type":4,"timestamp":5,"data":{"width":1e12,"height":-3}},{"type":3,"timestamp":"x"},7,{"type":4,"timestamp":6,"data":{"width":1e12,"height":9}}]'
    line = read_timeline(Recording([junk]))
    assert line.unreadable == 2
    assert line.size_at(0) == Size(4_096, 100)


def test_events_for_a_window_start_at_its_last_snapshot() -> None:
    tape = Tape(button("a", id=20)).move(100, 1, 1).load(5_000).move(6_000, 2, 2).move(9_000, 3, 3)
    assert [t for t, _ in read_timeline(tape.recording()).slice(6_500, 8_000)] == [5_000, 5_000, 6_000]


def test_rage_clicks_are_one_deed_from_first_press_to_last_click() -> None:
    tape = Tape(button("a", id=20))
    for t in (3_000, 3_400, 3_800):
        tape.click(t, 20, 150, 120)
    act = find_act(read_timeline(tape.move(9_000, 1, 1).recording()), finding(3_400, Signal.RAGE_CLICK))
    assert act is not None
    assert (act.start_ms, act.end_ms, act.count) == (2_920, 3_800, 3)


def test_the_click_named_by_the_evidence_is_the_deed() -> None:
    tape = Tape(button("a", id=20)).click(3_000, 20, 150, 120).click(3_900, 6, 700, 500)
    named = finding(4_000, Signal.DEAD_CLICK, control=Control(node_id=20))
    act = find_act(read_timeline(tape.recording()), named)
    assert act is not None and act.node_id == 20


def test_what_follows_another_click_is_not_this_ones_effect() -> None:
    tape = Tape(button("a", id=20)).click(3_000, 20, 150, 120).click(5_000, 6, 700, 500).move(20_000, 1, 1)
    plan = plan_look(read_timeline(tape.recording()), finding(3_000), windows_around([3_000])[0])
    assert (plan.until, plan.until_ms) == ("click", 4_919)


def test_a_scroll_right_after_a_click_belongs_to_it_a_later_one_does_not() -> None:
    tape = Tape(button("a", id=20)).click(3_000, 20, 150, 120)
    for t in (3_300, 6_000):
        tape.add(t, 3, {"source": 3, "id": 1, "x": 0, "y": t})
    plan = plan_look(read_timeline(tape.move(20_000, 1, 1).recording()), finding(3_000), WHOLE)
    assert (plan.until, plan.until_ms) == ("scroll", 5_999)


def test_a_page_that_never_rests_is_thinned_out() -> None:
    tape = Tape(button("a", id=20)).click(3_000, 20, 150, 120)
    for t in range(3_100, 11_000, 200):
        tape.attribute(t, 20, title=str(t))
    plan = plan_look(read_timeline(tape.recording()), finding(3_000), windows_around([3_000])[0])
    assert len(plan.after_ms) <= 9
    assert plan.after_ms[-1] == 10_900


def test_thinning_keeps_the_ends() -> None:
    assert thin([1, 2, 3, 4, 5], 3) == [1, 3, 5]
    assert thin([1, 2, 3], 1) == [3]
    assert thin([], 4) == []


def test_what_fails_while_the_button_is_down_follows_from_it() -> None:
    tape = Tape(button("Map", id=20))
    for t_ms, kind, x in ((1_000, 1, 150), (1_890, 0, 300), (1_900, 2, 300)):
        tape.add(t_ms, 3, {"source": 2, "type": kind, "id": 20, "x": x, "y": 120, "pointerType": 0})
    tape.move(9_000, 1, 1)
    act = find_act(read_timeline(tape.recording()), finding(1_300, Signal.EXCEPTION))
    assert act is not None and act.kind == "click"


def test_what_the_person_did_shortly_before_is_no_motion_of_the_page() -> None:
    tape = Tape(button("Open", id=20), button("Close", id=21)).click(3_000, 20, 50, 50).click(3_900, 21, 300, 300)
    line = read_timeline(tape.move(12_000, 1, 1).recording())
    plan = plan_look(line, finding(3_900, Signal.DEAD_CLICK), Window(1_900, 11_900))
    assert min(plan.before_ms) > 3_000
    assert len(plan.before_ms) == 3
