"""Films and pictures over S3: whole and by range, in pieces, to clients that go away, and when the store lost them."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.serving import RunningServer
from retrospec.storage import reports
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from tests.conftest import Client, make_key, marker, serving, wait_for
from tests.servers.between import Gate, gate_before
from tests.servers.choice import in_full_run_only
from tests.servers.programs import s3
from tests.servers.test_many_processes import ROOT, large_settings

FILM = bytes(range(256)) * 12_000
"""3 MB: more than is handed on at once."""
FILM_KEY = "artifacts/proj_default/film.webm"


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    s3()
    with gate_before(s3().port) as between:
        yield between


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("films")
    settings = large_settings(folder, folder)
    settings.blobs.url = s3().url(settings.blobs.url.removeprefix("s3://").partition("?")[0], port=gate.port)
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    speaking = Client(server, make_key(server.app.state.settings))
    assert speaking.send("s1", marker()).status_code == 202
    speaking.judged("s1")
    settings, now = server.app.state.settings, utc_now()
    film = Artifact(
        id="film", project_id="proj_default", session_id="s1", artifact_type="replay_video", artifact_key=FILM_KEY, trigger_kind="js_exception",
        status="ready", content_type="video/webm", size_bytes=len(FILM), generated_at=now, created_at=now, updated_at=now,
    )  # fmt: skip

    async def keep() -> None:
        await Blobs.open(settings.blobs.url).put(FILM_KEY, FILM)
        database = Database.open(settings.database_url)
        async with database.write() as connection:
            await reports.save_artifact(connection, film)
        await database.close()

    asyncio.run(keep())
    return speaking


PATH = "/v1/sessions/s1/artifacts/replay_video"


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("", 200, 0, len(FILM)),
        ("bytes=0-", 206, 0, len(FILM)),
        ("bytes=1000-", 206, 1_000, len(FILM)),
        ("bytes=1000-1999999", 206, 1_000, 2_000_000),
        ("bytes=2999000-2999099", 206, 2_999_000, 2_999_100),
        ("bytes=-100", 206, len(FILM) - 100, len(FILM)),
    ],
)
def test_a_film_comes_whole_and_in_part_and_is_never_packed(client: Client, asked: str, status: int, start: int, end: int) -> None:
    answer = client.http.get(PATH, headers={"Accept-Encoding": "gzip"} | ({"Range": asked} if asked else {}))
    assert answer.status_code == status
    assert answer.content == FILM[start:end]
    assert answer.headers["content-length"] == str(end - start)
    assert "content-encoding" not in answer.headers and answer.headers["accept-ranges"] == "bytes"
    assert answer.headers.get("content-range") == (f"bytes {start}-{end - 1}/{len(FILM)}" if asked else None)


def test_past_its_end_there_is_nothing(client: Client) -> None:
    assert client.http.get(PATH, headers={"Range": f"bytes={len(FILM)}-"}).status_code == 416


def test_its_head_says_how_large_it_is(client: Client) -> None:
    answer = client.http.head(PATH)
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(FILM)))


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_open_behind(client: Client, server: RunningServer, gate: Gate) -> None:
    process = psutil.Process()
    client.http.get(PATH)
    before = len(process.net_connections("tcp"))
    for _ in range(20):
        begin_and_leave(server.url, str(client.http.headers["X-Retrospec-Key"]))
    wait_for(lambda: len(process.net_connections("tcp")) <= before + 4)  # the gate is of this process: its ends count, too
    assert client.http.get(PATH).content == FILM


def begin_and_leave(url: str, key: str) -> None:
    """Read the beginning of the film, and hang up."""
    address = urlsplit(url)
    with socket.create_connection((str(address.hostname), address.port or 80)) as visiting:
        visiting.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-Retrospec-Key: {key}\r\n\r\n".encode())
        assert visiting.recv(100).startswith(b"HTTP/1.1 200")


def test_a_film_that_vanished_from_the_store_is_a_404_in_a_sentence(client: Client, server: RunningServer) -> None:
    blobs: Blobs = server.app.state.blobs
    asyncio.run(blobs.delete(FILM_KEY))
    try:
        for asked in ({}, {"Range": "bytes=5-"}, {"Range": "bytes=5-10"}):
            answer = client.http.get(PATH, headers=asked)
            assert answer.status_code == 404 and "is not in the blob store" in answer.json()["error"]
    finally:
        asyncio.run(Blobs.open(s3().url(server.app.state.settings.blobs.url.removeprefix("s3://").partition("?")[0])).put(FILM_KEY, FILM))


UPLOAD = """
import sys, psutil
from contextlib import closing
from retrospec.storage.blobs import Blobs
blobs, me = Blobs.open(sys.argv[1]), psutil.Process()
blobs.put_here("warm", b"x" * 12_000_000)
before, most = me.memory_info().rss, 0
with closing(blobs.open_writer("large")) as sink:
    for number in range(200):
        sink.write(bytes([number]) * 1_000_000)
        most = max(most, me.memory_info().rss)
print((most - before) // 1_000_000)
"""


@in_full_run_only
def test_a_blob_of_200_mb_goes_up_in_parts_and_little_of_it_is_ever_in_memory(gate: Gate, tmp_path: Path) -> None:
    prefix = s3().new_store().removeprefix("s3://").partition("?")[0]
    with gate.recorded() as heard:
        ran = subprocess.run(
            [sys.executable, "-c", UPLOAD, s3().url(prefix, port=gate.port)], capture_output=True, text=True, check=True, timeout=200, cwd=ROOT
        )
    assert int(ran.stdout) < 80, "MB more than before"
    assert sum("partNumber=" in line for line in heard) >= 10
    assert sum(line.startswith("POST") and "uploads" in line for line in heard) >= 1
    stored = s3().folder / prefix / "large"
    assert stored.stat().st_size == 200_000_000
    with stored.open("rb") as file:
        file.seek(123_456_789)
        assert file.read(1) == bytes([123])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("server_side_encryption=AES256", ["x-amz-server-side-encryption: AES256"]),
        ("server_side_encryption=aws:kms&sse_kms_key_id=key-1", ["x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: key-1"]),
    ],
)
def test_encryption_at_rest_is_asked_for_with_everything_that_is_stored(gate: Gate, options: str, said: list[str]) -> None:
    prefix = s3().new_store().removeprefix("s3://").partition("?")[0]
    blobs = Blobs.open(f"{s3().url(prefix, port=gate.port)}&{options}")
    with gate.recorded() as heard:
        blobs.put_here("small", b"one")
        with blobs.open_writer("large") as sink:
            sink.write(bytes(12_000_000))
    begun = [line for line in heard if line.startswith(("PUT", "POST")) and "partNumber" not in line and "uploadId" not in line]
    assert len(begun) == 2  # the small one, and the begin of the large one
    for line in said:
        assert sum(each.lower() == line.lower() for each in heard) == 2
