"""The blob store on a real S3 server, and what it says when that cannot be reached."""

import asyncio
from contextlib import suppress

import pytest

from retrospec.domain.errors import NotFound, SettingsError, Unavailable
from retrospec.storage.blobs import Blobs
from tests.servers.programs import s3


async def test_a_blob_comes_back_whole_in_part_and_in_listings_until_deleted() -> None:
    blobs = Blobs.open(s3().new_store())
    await blobs.put("a/one.json", b"first")
    await blobs.put("a/one.json", b"0123456789")
    assert await blobs.get("a/one.json") == b"0123456789"
    assert await blobs.get_range("a/one.json", 3, 6) == b"345"
    assert [(each.key, each.size_bytes) async for each in blobs.list("a")] == [("a/one.json", 10)]
    await blobs.delete("a/one.json")
    await blobs.delete("a/one.json")
    with pytest.raises(NotFound):
        await blobs.get("a/one.json")


async def test_stores_with_different_prefixes_do_not_see_each_other() -> None:
    one, other = Blobs.open(s3().new_store()), Blobs.open(s3().new_store())
    await one.put("key", b"mine")
    with pytest.raises(NotFound):
        await other.get("key")
    assert [each async for each in other.list("")] == []


async def test_a_large_blob_goes_in_parts() -> None:
    blobs, content = Blobs.open(s3().new_store()), bytes(range(256)) * 60_000
    await blobs.put("large", content)
    assert await blobs.get("large") == content
    with blobs.open_writer("streamed") as sink:
        sink.write(content)
    assert await blobs.get("streamed") == content


async def test_a_missing_bucket_is_an_outage_and_never_a_missing_blob() -> None:
    blobs = Blobs.open(s3().url("nobody-made-this"))
    with pytest.raises(Unavailable, match="no such bucket"):
        await blobs.get("key")
    with pytest.raises(Unavailable, match="no such bucket"):
        await blobs.put("key", b"")


async def test_wrong_credentials_are_named_as_such() -> None:
    with pytest.raises(Unavailable, match=r"refuses us \(SignatureDoesNotMatch\)") as refused:
        await Blobs.open(s3().url("recordings", secret="not-the-right-secret")).put("key", b"")
    assert "secret_access_key" in refused.value.hint


def test_a_mistyped_option_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="endpint"):
        Blobs.open("s3://recordings?endpint=http://127.0.0.1")


async def test_a_stopped_server_is_an_outage_in_one_line_and_is_found_again() -> None:
    server = s3()
    blobs = Blobs.open(server.new_store())
    await blobs.put("key", b"kept")
    server.stop()
    try:
        with pytest.raises(Unavailable) as failed:
            await blobs.put("other", b"")
        assert "\n" not in str(failed.value)
    finally:
        server.start()
    with pytest.raises(Unavailable, match="A moment ago: The blob store failed on other"):  # asked again at once, it is not troubled
        await blobs.get("key")
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                assert await blobs.get("key") == b"kept"
                return
            await asyncio.sleep(0.1)
