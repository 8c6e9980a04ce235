"""A disk that fills up while a film is written: a real one, of a few hundred KB."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrospec.domain.settings import ReplaySettings
from retrospec.replay.browser import Renderer
from tests.replay.recordings import Tape, button

pytestmark = pytest.mark.browser


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """64 KB of space; skipped where it cannot be mounted."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True, timeout=20, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], timeout=20, check=True)


async def test_the_film_fails_in_a_sentence_leaves_nothing_and_the_next_is_made(
    replay_settings: ReplaySettings, small_disk: Path, tmp_path: Path
) -> None:
    tape = Tape(button("Pay", id=20))
    for step in range(60):  # stripes compress badly
        tape.attribute(200 + step * 200, 20, style=f"background:repeating-linear-gradient({step * 7}deg,#{step:02d}f 0 3px,#0{step:02d} 3px 5px);width:780px;height:560px")
    settings = ReplaySettings(width=800, height=628)
    async with Renderer(settings) as renderer:
        made = await renderer.film(tape.recording(), None, small_disk / "film.webm")
        assert made.status == "failed"
        assert made.reason.startswith("the video could not be written: No space left"), made.reason
        assert await asyncio.to_thread(os.listdir, small_disk) == []
        again = await renderer.film(tape.recording(), None, tmp_path / "film.webm")
        assert again.status == "ready" and again.size_bytes > 64_000
