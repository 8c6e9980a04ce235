"""Recordings named on a command line: read from a file or from stdin."""

import sys
from pathlib import Path

from retrospec.analysis.formats import read_recording
from retrospec.domain.errors import BadRequest
from retrospec.domain.recording import Recording

STDIN = "-"


def recording_at(name: str) -> Recording:
    """The recording in the file called ``name``, or on stdin for ``-``.

    Raises RetroSpecError where there is none.
    """
    return read_recording(content_of(name), "stdin" if name == STDIN else Path(name).name)


def content_of(name: str) -> bytes:
    """The bytes of the file called ``name``, or of stdin for ``-``. Raises BadRequest where they can't be had."""
    if name == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadRequest(f"{name} cannot be read: {error.strerror or error}.") from error
