"""Encoding: pictures with true time stamps into one WebM file that plays and seeks in a browser."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.video.frame import PictureType
from av.video.stream import VideoStream

from retrospec.replay.planes import Pixels
from retrospec.replay.timeline import Size

CODEC = "libvpx"
OPTIONS = {"deadline": "realtime", "cpu-used": "16", "crf": "14", "static-thresh": "100", "error-resilient": "0", "lag-in-frames": "0"}
"""VP8 at its fastest: pages are flat and mostly still, so quality costs few bytes."""
THREADS = 1
"""A second encoder thread waits by spinning: on two busy cores a frame took 47 ms with it, 10 ms without."""
BITS_PER_S = 2_000_000
KEYFRAME_MS = 5_000
"""A seek lands at most so far before its mark."""
_MS = Fraction(1, 1_000)


class Reel:
    """An open video file. Frames must come in order of time; equal neighbours cost nothing, for they are not written."""

    def __init__(self, path: Path, size: Size) -> None:
        self._container = av.open(str(path), "w", format="webm")
        stream = cast(VideoStream, self._container.add_stream(CODEC, rate=25, options=OPTIONS))
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.time_base, stream.codec_context.time_base = _MS, _MS
        stream.bit_rate = BITS_PER_S
        stream.thread_count = THREADS
        self._stream = stream
        self._last_ms = -1
        self._key_ms = -KEYFRAME_MS
        self.frames = 0

    def add(self, t_ms: int, pixels: Pixels) -> None:
        """One frame shown from ``t_ms`` (from the video's start) on."""
        t_ms = max(t_ms, self._last_ms + 1)
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts, frame.time_base = t_ms, _MS
        if t_ms - self._key_ms >= KEYFRAME_MS:
            frame.pict_type, self._key_ms = PictureType.I, t_ms
        self._container.mux(self._stream.encode(frame))
        self._last_ms = t_ms
        self.frames += 1

    def hold(self, t_ms: int, pixels: Pixels) -> None:
        """Let the last picture stand until ``t_ms``: the file's length is told by its last frame."""
        if t_ms > self._last_ms:
            self.add(t_ms, pixels)

    def close(self) -> None:
        """Write what is still held back, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        """Let go of the file without making it whole."""
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()


@contextlib.contextmanager
def reel_at(path: Path, size: Size) -> Iterator[Reel]:
    """A reel that appears at ``path`` whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        reel = Reel(part, size)
        try:
            yield reel
            reel.close()
        except BaseException:
            reel.abandon()
            raise
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
