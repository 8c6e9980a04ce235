"""Frames as the encoder takes them: a plane of brightness and two of colour at half the size.

The browser's JPEG pictures hold such planes already. Drawing on them, without a way through RGB, costs
3 ms of a picture instead of 14, and 4 ms of an encoded frame instead of 7.
"""

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane

Pixels = npt.NDArray[np.uint8]
"""YUV 4:2:0 of limited range (ITU-R BT.601): ``height * 3 // 2`` rows of ``width``, both even."""

_FULL, _LIMITED = 2, 1
"""FFmpeg's AVCOL_RANGE_JPEG and AVCOL_RANGE_MPEG."""
_FROM_RGB = np.array([[65.738, 129.057, 25.064], [-37.945, -74.494, 112.439], [112.439, -94.154, -18.285]]) / 256
_ZERO = np.array([16, 128, 128])


def blank(width: int, height: int, rgb: tuple[int, int, int]) -> Pixels:
    """A frame of one colour."""
    frame: Pixels = np.empty((height * 3 // 2, width), dtype=np.uint8)
    for plane, value in zip(planes(frame), to_yuv(np.array(rgb)), strict=True):
        plane[:] = value
    return frame


def planes(frame: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Brightness and the two of colour: views, so that drawing on them draws on ``frame``."""
    width, height = frame.shape[1], frame.shape[0] * 2 // 3
    flat, luma = frame.reshape(-1), width * height
    half = (height // 2, width // 2)
    return (
        flat[:luma].reshape(height, width),
        flat[luma : luma + luma // 4].reshape(half),
        flat[luma + luma // 4 :].reshape(half),
    )


def to_yuv(rgb: npt.NDArray[np.uint8]) -> Pixels:
    """The last axis from red, green, blue to Y, U, V."""
    yuv: Pixels = np.rint(rgb @ _FROM_RGB.T + _ZERO).astype(np.uint8)
    return yuv


def halved(full: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Means of squares of four; sides must be even."""
    rows, columns = full.shape
    means: npt.NDArray[np.float64] = full.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return means


class PhotoReader:
    """Reads the browser's JPEG pictures."""

    def __init__(self) -> None:
        decoder = av.CodecContext.create("mjpeg", "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.thread_count = 1
        self._decoder = decoder

    def read(self, photo: bytes) -> tuple[Pixels, Pixels, Pixels]:
        """Its planes. Raises ValueError for what is no picture."""
        (picture,) = self._decoder.decode(av.Packet(photo))
        limited = picture.reformat(format="yuv420p", src_color_range=_FULL, dst_color_range=_LIMITED)
        luma, u, v = (_array(plane) for plane in limited.planes)
        return luma, u, v


def _array(plane: VideoPlane) -> Pixels:
    whole: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return whole[:, : plane.width]
