import msgspec
import pytest
import zstandard

from retrospec.bench.recordings import bare_recording, duration_ms, recording
from retrospec.domain.rrweb import EventType, Source

START_MS = 1_732_366_000_000


@pytest.mark.parametrize("size_bytes", [50_000, 1_000_000])
def test_a_recording_is_of_the_asked_size_and_compresses_like_a_page(size_bytes: int) -> None:
    events = recording(7, size_bytes, START_MS)
    assert size_bytes <= len(events) <= size_bytes * 1.03
    assert 4 < len(events) / len(zstandard.compress(events, 3)) < 15


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    assert recording(7, 50_000, START_MS) == recording(7, 50_000, START_MS)
    assert recording(7, 50_000, START_MS) != recording(8, 50_000, START_MS)


def test_events_come_in_order_of_time_and_only_touch_nodes_that_exist() -> None:
    events = msgspec.json.decode(recording(3, 200_000, START_MS))
    assert [event["type"] for event in events[:2]] == [EventType.META, EventType.FULL_SNAPSHOT]
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)

    known = set(_ids(events[1]["data"]["node"]))
    for event in events[2:]:
        for added in event["data"].get("adds", []):
            assert added["parentId"] in known
            known.add(added["node"]["id"])
        touched = [
            part["id"]
            for name in ("texts", "attributes", "positions")
            for part in event["data"].get(name, [])
        ]
        assert known.issuperset(touched)


def test_a_recording_has_every_common_kind_of_event() -> None:
    events = msgspec.json.decode(recording(3, 300_000, START_MS))
    sources = {event["data"]["source"] for event in events[2:]}
    assert sources == {
        Source.MUTATION,
        Source.MOUSE_MOVE,
        Source.MOUSE_INTERACTION,
        Source.SCROLL,
        Source.INPUT,
    }


def test_duration_is_from_the_first_event_to_the_last() -> None:
    assert duration_ms(bare_recording(START_MS)) == 1_000


def _ids(node: dict[str, object]) -> list[int]:
    children = node.get("childNodes", [])
    return [node["id"], *(deep for child in children for deep in _ids(child))]
