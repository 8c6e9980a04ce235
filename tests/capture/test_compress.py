import pytest
import zstandard

from retrospec.capture.compress import compress, decompress
from retrospec.domain.errors import CorruptRecording

RECORDING = b'[{"type":4,"timestamp":1}]' * 1_000


@pytest.mark.parametrize("recording", [b"", b"[]", RECORDING])
def test_what_was_compressed_comes_back(recording: bytes) -> None:
    assert decompress(compress(recording), max_bytes=100_000) == recording


def test_recordings_shrink() -> None:
    assert len(compress(RECORDING)) < len(RECORDING) / 50


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"not zstd at all",
        compress(RECORDING)[:-1],
        compress(RECORDING)[:8],
        compress(RECORDING) + b"x",
        compress(RECORDING)[:-4] + b"\0\0\0\0",
        compress(RECORDING).replace(b"timestamp", b"timestomp"),
        zstandard.ZstdCompressor(write_content_size=False).compress(RECORDING),
    ],
)
def test_damage_is_told_never_returned(stored: bytes) -> None:
    with pytest.raises(CorruptRecording):
        decompress(stored, max_bytes=100_000)


def test_a_recording_past_the_bound_is_not_inflated() -> None:
    with pytest.raises(CorruptRecording, match="at most 1,000"):
        decompress(compress(RECORDING), max_bytes=1_000)
