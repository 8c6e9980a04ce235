import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retrospec.capture.body import inflate, read_chunk, read_ingest, read_upload
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.errors import BadRequest, Refused, TooLarge
from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import LimitSettings

LIMITS = LimitSettings()
NOW_MS = to_epoch_ms(utc_now())


def upload(**changes: Any) -> dict[str, Any]:
    events = [{"type": 4, "data": {}, "timestamp": NOW_MS}, {"type": 2, "data": {}, "timestamp": NOW_MS + 5}]
    return {"sessionId": "s-1", "site": "shop.example", "events": events} | changes


def marker(**changes: Any) -> dict[str, Any]:
    return {"id": "m-1", "clusterKey": "x", "label": "Boom", "replayOffsetMs": 10, "kind": "js_exception"} | changes


def ingest(markers: Any = None, **changes: Any) -> dict[str, Any]:
    session = {
        "id": "s-1",
        "site": "shop.example",
        "route": "/cart",
        "startedAt": utc_now().isoformat(),
        "durationMs": 1000,
        "eventsObjectKey": "session-events/p/2026/01/01/shop-example/s-1.json",
    }
    return {"session": session | changes, "markers": [marker()] if markers is None else markers}


def chunk(**changes: Any) -> dict[str, Any]:
    return {
        "v": 2,
        "sessionId": "s-1",
        "tabId": "t-1",
        "visitorId": "v-1",
        "seq": 0,
        "segment": 0,
        "site": "shop.example",
        "route": "/cart",
        "url": "https://shop.example/cart?x=1",
        "startedAt": NOW_MS - 1000,
        "sentAt": NOW_MS,
        "events": [{"type": 3, "timestamp": NOW_MS - 500, "data": {"source": 1}}],
        "markers": [{"id": "m-1", "at": NOW_MS - 400, "kind": "api_error", "label": "GET /x 500", "evidence": {"status": 500}}],
        "client": {"userAgent": "UA", "language": "de", "viewport": {"width": 800, "height": 600}, "sdk": "1.0"},
    } | changes


def refusal(read: Any, body: Any) -> Refused:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises((BadRequest, TooLarge)) as caught:
        read(raw, LIMITS)
    assert "\n" not in caught.value.message
    assert "msgspec" not in caught.value.message
    return caught.value


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


# --- inflating


def test_plain_bodies_pass_and_gzip_is_inflated() -> None:
    assert inflate(b"{}", max_bytes=10) == b"{}"
    assert inflate(gzip.compress(b"hello" * 100, mtime=0), max_bytes=1_000) == b"hello" * 100


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"x" * 11, TooLarge),
        (gzip.compress(b"x" * 5_000_000, mtime=0), TooLarge),
        (gzip.compress(b"hello", mtime=0)[:-3], BadRequest),
        (gzip.compress(b"hello", mtime=0) + b"x", BadRequest),
        (b"\x1f\x8b", BadRequest),
        (b"\x1f\x8bnot gzip", BadRequest),
    ],
)
def test_bad_bodies_are_refused_before_they_grow(body: bytes, error: type[Refused]) -> None:
    with pytest.raises(error):
        inflate(body, max_bytes=10 if error is TooLarge else 10_000)


def test_a_bomb_within_the_size_is_refused_by_its_ratio() -> None:
    with pytest.raises(TooLarge, match="500 times"):
        inflate(gzip.compress(b"\0" * 10_000_000, mtime=0), max_bytes=20_000_000)


# --- upload


def test_an_upload_keeps_its_events_as_text_and_knows_their_span() -> None:
    body = json.dumps(upload()).encode()
    read = read_upload(gzip.compress(body), LIMITS)
    assert (read.session_id, read.site, read.event_count) == ("s-1", "shop.example", 2)
    assert (read.first_event_ms, read.last_event_ms) == (NOW_MS, NOW_MS + 5)
    assert json.loads(read.events) == upload()["events"]
    assert read.events in body


def test_bare_two_event_recordings_of_older_clients_are_legal() -> None:
    read = read_upload(json.dumps(upload(events=[{"type": 2}, {"type": 3}])).encode(), LIMITS)
    assert (read.event_count, read.first_event_ms, read.last_event_ms) == (2, None, None)


def test_events_out_of_order_still_give_the_right_span() -> None:
    events = [{"timestamp": NOW_MS + 9}, {"timestamp": NOW_MS + 0.5}, {"timestamp": -4}, {"timestamp": 1e300}]
    read = read_upload(json.dumps(upload(events=events)).encode(), LIMITS)
    assert (read.first_event_ms, read.last_event_ms) == (NOW_MS, NOW_MS + 9)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON: it ends too early"),
        (b"nonsense", "the body is not JSON"),
        (b'{"sessionId": "s\xff"}', "the body is not UTF-8 text"),
        (b"[]", "the body is an array; send an object"),
        (b"{}", "sessionId is missing"),
        (upload(events=None), "events is null; send an array of rrweb events"),
        (upload(events={}), "events is an object; send an array of rrweb events"),
        (upload(events="x"), "events is text; send an array of rrweb events"),
        (upload(events=7), "events is a number; send an array of rrweb events"),
        (upload(events=[1]), "events[0] is a whole number; send an object"),
        (upload(events=[{}, []]), "events[1] is an array; send an object"),
        (upload(events=[{"timestamp": "now"}]), "events[0].timestamp is text; send a number"),
        (without(upload(), "events"), "events is missing"),
        (upload(sessionId=7), "sessionId is a whole number; send text"),
        (upload(sessionId="../etc"), "sessionId must be"),
        (upload(sessionId="a b"), "sessionId must be"),
        (upload(sessionId="a\0b"), "sessionId must be"),
        (upload(site=""), "site is empty"),
        (upload(site="a\0b"), "site holds a control character"),
        (upload(site="a" * 300), "site is 300 characters long"),
    ],
)
def test_a_bad_upload_gets_one_sentence_naming_the_field(body: Any, said: str) -> None:
    assert refusal(read_upload, body).message.startswith(said)


def test_a_client_may_cut_an_emoji_in_half() -> None:
    body = b'{"sessionId":"s","site":"x","events":[{"a":"\\ud83d","b":"\\\\ud83d","c":"\\ud83d\\ude00","d":"\\ude00\\n"}]}'
    read = read_upload(body, LIMITS)
    assert json.loads(read.events) == [{"a": "\ufffd", "b": "\\ud83d", "c": "\U0001f600", "d": "\ufffd\n"}]


def test_too_many_events_are_refused_but_braces_inside_them_do_not_count() -> None:
    limits = LimitSettings(max_events=3)
    nested = upload(events=[{"a": {"b": {}}, "text": "{{{{"}, {}, {}])
    assert read_upload(json.dumps(nested).encode(), limits).event_count == 3
    with pytest.raises(BadRequest, match="events holds 4 entries; at most 3 are accepted"):
        read_upload(json.dumps(upload(events=[{}] * 4)).encode(), limits)


# --- ingest


def test_an_ingest_is_read() -> None:
    read = read_ingest(json.dumps(ingest()).encode(), LIMITS)
    assert (read.session.id, read.session.route, read.session.duration_ms) == ("s-1", "/cart", 1000)
    assert read.session.started_at.tzinfo is UTC
    [only] = read.markers
    assert (only.id, only.kind, only.label, only.replay_offset_ms) == ("m-1", MarkerKind.JS_EXCEPTION, "Boom", 10)


@pytest.mark.parametrize("ending", ["Z", "+00:00", ".123456789Z", ".5+00:00"])
def test_start_times_of_every_rfc_3339_form(ending: str) -> None:
    moment = (utc_now() - timedelta(hours=1)).replace(microsecond=0)
    read = read_ingest(json.dumps(ingest(startedAt=moment.strftime("%Y-%m-%dT%H:%M:%S") + ending)).encode(), LIMITS)
    assert timedelta(0) <= read.session.started_at - moment < timedelta(seconds=1)
    assert read.session.started_at.microsecond % 1000 == 0


def test_an_offset_is_counted() -> None:
    read = read_ingest(json.dumps(ingest(startedAt=_at(hours=-1).replace("Z", "+05:30"))).encode(), LIMITS)
    assert abs(read.session.started_at - (utc_now() - timedelta(hours=6.5))) < timedelta(minutes=1)


def _at(**ago: float) -> str:
    return (datetime.now(UTC) + timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "session is missing"),
        ({"session": None, "markers": []}, "session is null; send an object"),
        (without(ingest(), "markers"), "markers is missing"),
        (ingest() | {"markers": None}, "markers is null; send an array"),
        (ingest([None]), "markers[0] is null; send an object"),
        (ingest([marker(id=5)]), "markers[0].id is a whole number; send text"),
        (ingest([marker(), marker(id="")]), "markers[1].id must be"),
        (ingest([marker(label="a\0b")]), "markers[0].label holds a control character"),
        (ingest([marker(replayOffsetMs=-1)]), "markers[0].replayOffsetMs is -1; send 0 to 2,147,483,647"),
        (ingest([marker(replayOffsetMs=1.5)]), "markers[0].replayOffsetMs is 1.5; send a whole number"),
        (ingest(id="x/y"), "session.id must be"),
        (ingest(route="/a\x07"), "session.route holds a control character"),
        (ingest(startedAt="0001-01-01T00:00:00Z"), "session.startedAt is the year 1; send when the session began"),
        (ingest(startedAt="9999-12-31T23:59:59-12:00"), "session.startedAt is the year 9999; send when"),
        (ingest(startedAt=_at(days=2)), "session.startedAt is more than a day in the future"),
        (ingest(startedAt=_at(days=-401)), "session.startedAt is more than 400 days ago"),
        (ingest(startedAt="2026-01-01T00:00:00"), "session.startedAt has no time zone"),
        (ingest(startedAt="yesterday"), "session.startedAt is not an RFC 3339 time"),
        (ingest(startedAt=-1), "session.startedAt is -1; send milliseconds since 1970"),
        (ingest(startedAt=0), "session.startedAt is the year 1970"),
        (ingest(startedAt=10**30), "session.startedAt is 1e+30; send milliseconds"),
        (ingest(startedAt=None), "session.startedAt is null; send a number or text"),
        (ingest(durationMs=2**31), "session.durationMs is 2147483648; send 0 to 2,147,483,647"),
        (ingest(durationMs=-1), "session.durationMs is -1"),
        (ingest(durationMs="5"), "session.durationMs is text; send a number"),
        (ingest(durationMs=True), "session.durationMs is true or false; send a number"),
    ],
)
def test_a_bad_ingest_gets_one_sentence_naming_the_field(body: Any, said: str) -> None:
    error = refusal(read_ingest, body)
    assert error.message.startswith(said)
    assert error.field.removeprefix("the ") in said


def test_unknown_kinds_are_no_effect_and_of_equal_ids_the_first_is_kept() -> None:
    read = read_ingest(json.dumps(ingest([marker(kind="odd"), marker(label="again"), marker(id="m-2")])).encode(), LIMITS)
    assert [(one.id, one.label, one.kind) for one in read.markers] == [
        ("m-1", "Boom", MarkerKind.UI_NO_EFFECT),
        ("m-2", "Boom", MarkerKind.JS_EXCEPTION),
    ]


def test_labels_may_have_lines_and_long_ones_are_cut() -> None:
    read = read_ingest(json.dumps(ingest([marker(label="a\nb" + "x" * 5_000)])).encode(), LIMITS)
    assert read.markers[0].label.startswith("a\nb")
    assert len(read.markers[0].label) == 2_000


def test_too_many_markers_are_refused() -> None:
    many = [marker(id=f"m{index}") for index in range(1_001)]
    assert refusal(read_ingest, ingest(many)).message == "markers holds 1,001 entries; at most 1,000 are accepted"


@pytest.mark.parametrize("evidence", [None, "text", 5, ["a", {"b": [1.5, True, None]}], {"stack": "x" * 60_000}])
def test_evidence_is_any_json(evidence: Any) -> None:
    assert read_ingest(json.dumps(ingest([marker(evidence=evidence)])).encode(), LIMITS).markers[0].evidence == evidence


def test_evidence_is_bounded() -> None:
    assert isinstance(refusal(read_ingest, ingest([marker(evidence="x" * 70_000)])), TooLarge)
    deep: Any = "x"
    for _ in range(33):
        deep = {"a": deep}
    assert "markers[0].evidence nests more than 32 levels" in refusal(read_ingest, ingest([marker(evidence=deep)])).message


def test_a_nul_in_evidence_does_not_reach_the_database() -> None:
    read = read_ingest(json.dumps(ingest([marker(evidence={"a": ["x\0y"]})])).encode(), LIMITS)
    assert read.markers[0].evidence == {"a": ["x\ufffdy"]}


# --- chunk


def test_a_chunk_is_read() -> None:
    read = read_chunk(json.dumps(chunk(user={"id": "u1"}, tags={"plan": "pro"}, final=True, dropped=[{"reason": "size", "count": 3}])).encode(), LIMITS)
    assert (read.session_id, read.tab_id, read.visitor_id, read.seq, read.segment) == ("s-1", "t-1", "v-1", 0, 0)
    assert (read.started_at_ms, read.sent_at_ms, read.first_event_ms) == (NOW_MS - 1000, NOW_MS, NOW_MS - 500)
    assert (read.markers[0].kind, read.markers[0].at_ms) == (MarkerKind.API_ERROR, NOW_MS - 400)
    assert read.markers[0].evidence == {"status": 500}
    assert read.user is not None
    assert (read.user.id, read.user.traits, read.tags, read.final) == ("u1", {}, {"plan": "pro"}, True)
    assert (read.dropped[0].reason, read.dropped[0].count, read.client.viewport.width) == ("size", 3, 800)


def test_a_chunk_needs_no_more_than_the_required_fields() -> None:
    read = read_chunk(json.dumps(without(without(chunk(events=[]), "markers"), "client")).encode(), LIMITS)
    assert (read.event_count, read.markers, read.user, read.release, read.tags, read.final) == (0, [], None, "", {}, False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (chunk(v=1), "v is 1; this server speaks version 2"),
        (chunk(seq=-1), "seq is -1"),
        (chunk(tabId=None), "tabId is null; send text"),
        (chunk(visitorId="a b"), "visitorId must be"),
        (chunk(startedAt=-1), "startedAt is -1; send milliseconds since 1970"),
        (chunk(events=None), "events is null"),
        (chunk(markers=[{"id": "m"}]), "markers[0].at is missing"),
        (chunk(user={}), "user.id is missing"),
        (chunk(user={"id": " "}), "user.id is empty"),
        (chunk(user={"id": "u", "traits": {"x": "y" * 9_000}}), "user.traits is 9,008 bytes"),
        (chunk(tags={"a": 1}), "tags"),
        (chunk(tags={str(n): "" for n in range(33)}), "tags has 33 entries"),
        (chunk(release="a\0"), "release holds a control character"),
        (chunk(route="/\r\n"), "route holds a control character"),
        (chunk(dropped=[{"reason": "x", "count": -1}]), "dropped[0].count is -1"),
    ],
)
def test_a_bad_chunk_gets_one_sentence_naming_the_field(body: Any, said: str) -> None:
    assert refusal(read_chunk, body).message.startswith(said)
