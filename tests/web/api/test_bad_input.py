"""What cannot be accepted gets a 4xx with one clear sentence, and nothing is stored."""

import gzip
import json
from typing import Any

import pytest

from tests.conftest import Client, marker

UPLOAD, INGEST, CHUNK = "/v1/artifacts/session-events", "/v1/ingest/session", "/v2/chunks"


def upload_of(events: str) -> bytes:
    return f'{{"sessionId": "bad", "site": "s", "events": {events}}}'.encode()


def ingest_of(**changes: Any) -> bytes:
    session = {"id": "bad", "site": "s", "route": "/", "startedAt": "2026-11-23T10:00:00Z", "durationMs": 1, "eventsObjectKey": ""}
    body = {"session": session | changes.pop("session", {}), "markers": [marker(**changes)]}
    return json.dumps(body).encode()


DEEP = "[" * 100 + "]" * 100
NESTED = '{"a":' * 100 + "1" + "}" * 100

BAD = {
    "not JSON": (UPLOAD, b"not json", 400),
    "empty object": (UPLOAD, b"{}", 400),
    "empty object ingest": (INGEST, b"{}", 400),
    "empty object chunk": (CHUNK, b"{}", 400),
    "an array": (UPLOAD, b"[]", 400),
    "events null": (UPLOAD, upload_of("null"), 400),
    "events an object": (UPLOAD, upload_of("{}"), 400),
    "events of numbers": (UPLOAD, upload_of("[1, 2]"), 400),
    "100 arrays deep": (UPLOAD, upload_of(DEEP), 400),
    "100 objects deep": (UPLOAD, upload_of(f'[{{"type": 3, "data": {NESTED}}}]'), 400),
    "100,000 arrays deep": (UPLOAD, upload_of("[" * 100_000), 400),
    "invalid UTF-8": (UPLOAD, upload_of('[{"type": 3, "data": "\xff"}]').decode().encode("latin-1"), 400),
    "corrupt gzip": (UPLOAD, gzip.compress(upload_of("[]"))[:-9] + b"nonsense!", 400),
    "too large": (UPLOAD, b'{"sessionId": "bad", "events": ["' + b"x" * 21_000_000 + b'"]}', 413),
    "a gzip bomb": (UPLOAD, gzip.compress(upload_of("[" + " " * 40_000_000 + "]")), 413),
    "wrong types": (INGEST, ingest_of(session={"durationMs": "long"}), 400),
    "NUL in a label": (INGEST, ingest_of(label="a\0b"), 400),
    "NUL in a route": (INGEST, ingest_of(session={"route": "/\0"}), 400),
    "duration past 32 bits": (INGEST, ingest_of(session={"durationMs": 2**31}), 400),
    "the year 1": (INGEST, ingest_of(session={"startedAt": "0001-01-01T00:00:00Z"}), 400),
    "the year 9999": (INGEST, ingest_of(session={"startedAt": "9999-12-31T23:59:59Z"}), 400),
    "a path as id": (INGEST, ingest_of(session={"id": "../../etc/passwd"}), 400),
    "another's object key": (
        INGEST,
        ingest_of(session={"eventsObjectKey": "session-events/proj_default/2026/11/23/s/other.json"}),
        400,
    ),
    "another project's object key": (
        INGEST,
        ingest_of(session={"eventsObjectKey": "session-events/proj_x/2026/11/23/s/bad.json"}),
        400,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_in_one_sentence_and_leaves_nothing(client: Client, name: str) -> None:
    path, body, status = BAD[name]
    answer = client.http.post(path, content=body)
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]
    assert 10 < len(sentence) < 300
    assert "Traceback" not in sentence
    assert "msgspec" not in sentence
    assert client.http.get("/v1/sessions/bad").status_code == 404


@pytest.mark.parametrize("key", ["", "rs_unknown", "k" * 4_000])
def test_a_bad_key_is_refused(client: Client, key: str) -> None:
    answer = client.http.post(UPLOAD, content=upload_of("[]"), headers={"X-Retrospec-Key": key})
    assert answer.status_code == 401
    assert answer.json()["error"]
