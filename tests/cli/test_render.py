import json
from pathlib import Path

import av
import pytest

from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import find_browser

from .conftest import Run
from .test_analyze import BROKEN, recorded

needs_browser = pytest.mark.skipif(
    find_browser(ReplaySettings()) is None or not (built_dir() / "replay.js").is_file(),
    reason="needs a Chromium and the built replayer",
)


@needs_browser
@pytest.mark.browser
def test_a_recording_becomes_a_video_of_its_length(retrospec_process: Run, tmp_path: Path) -> None:
    done = retrospec_process("render", BROKEN, "-o", "out.webm", "--width", "640", "--height", "360", "--max-seconds", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["durationMs"] == 5_000
    with av.open(str(tmp_path / "out.webm")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        times = [float(frame.time or 0) for frame in video.decode(stream)]
    assert times[0] == 0
    assert times[-1] == pytest.approx(5, abs=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["out.webm"]


@needs_browser
@pytest.mark.browser
def test_a_recording_without_a_page_is_one_sentence_and_no_file(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "bare.json").write_text(json.dumps(recorded(title="x")[2:]))
    done = retrospec("render", "bare.json", "-o", "out.webm")
    assert done.returncode == 1
    assert done.stderr == (
        "retrospec: bare.json was not filmed: the recording has no full snapshot, so there is no page to rebuild.\n"
    )
    assert not (tmp_path / "out.webm").exists()


def test_without_a_browser_it_says_how_to_get_one(retrospec: Run, tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = retrospec("render", BROKEN, "-o", "out.webm", environ=environ)
    assert done.returncode == 1
    assert "install chromium-headless-shell or run: playwright install chromium --only-shell" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.json", "-o", "out.webm"], "gone.json cannot be read"),
        (["notes.txt", "-o", "out.webm"], "notes.txt: neither JSON nor JSON lines"),
        (["notes.txt", "-o", "notes.txt"], "notes.txt is the recording itself"),
        (["notes.txt", "-o", "no/where.webm"], "There is no folder no for the video"),
    ],
)
def test_what_cannot_be_filmed_is_one_sentence(
    retrospec: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "notes.txt").write_text("not a recording")
    browser = tmp_path / "chromium"
    browser.write_text("never run")
    browser.chmod(0o700)
    done = retrospec("render", *arguments, environ={"RETROSPEC_REPLAY_BROWSER": str(browser)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "notes.txt").read_text() == "not a recording"


@needs_browser
@pytest.mark.browser
def test_it_prints_what_it_made_beside_the_file_called_after_the_recording(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "visit.json").write_text(json.dumps(recorded(title="Pay")))
    done = retrospec("render", "visit.json", "--max-seconds", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("visit.webm: 2.0 s, ")
    assert done.stderr == "It ends before the session does: videos are at most 2 s long (replay.max_seconds).\n"
    assert (tmp_path / "visit.webm").stat().st_size > 0
