"""Models in the walk of a session, on a real server."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.domain.errors import Unavailable
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.lookout import Seen, why_not
from retrospec.model_line import ModelAnswerRefused
from retrospec.serving import RunningServer
from tests.conftest import Client, make_key, marker, serving, settings_for
from tests.model_server import chat, modelling
from tests.replay.recordings import Tape, button, el, text

WORDS = {"symptom": "The cart broke.", "cause": "A function is missing.", "fix": "Define it.", "summary": "It ended there.", "confidence": 0.85}


def with_text_model(folder: Path, url: str) -> Settings:
    settings = settings_for(folder)
    settings.analysis.provider = "remote_text"
    settings.analysis.model_url = url
    return settings


def judged(server: RunningServer, settings: Settings, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    client = Client(server, make_key(settings))
    client.send(name, marker())
    session = client.judged(name)
    analysis = client.http.get(f"/v1/sessions/{name}/artifacts/analysis_json").json()
    client.http.close()
    return session, analysis


def test_a_server_without_models_does_not_carry_them() -> None:
    look = "import sys, retrospec.app; print([name for name in sys.modules if name == 'httpx' or name.endswith('.models')])"
    shown = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"


def test_the_models_words_are_on_the_card(tmp_path: Path) -> None:
    with modelling((200, WORDS)) as model, serving(settings := with_text_model(tmp_path, model.url)) as server:
        session, analysis = judged(server, settings, "worded")
    card = session["reportCard"]
    assert (card["status"], card["symptom"], card["confidence"]) == ("ready", "The cart broke.", 0.85)
    assert analysis["card"]["reader"] == "the text model 127.0.0.1"


def test_a_passing_failure_of_the_model_is_tried_again(tmp_path: Path) -> None:
    with modelling((503, b""), (200, WORDS)) as model:
        settings = with_text_model(tmp_path, model.url)
        settings.analysis.fallback = False
        with serving(settings) as server:
            session, _ = judged(server, settings, "again")
    assert session["reportCard"]["symptom"] == "The cart broke."
    assert len(model.asked) == 2


def test_without_a_fallback_the_session_fails_with_the_models_reason(tmp_path: Path) -> None:
    with modelling((500, b"")) as model:
        settings = with_text_model(tmp_path, model.url)
        settings.analysis.fallback = False
        with serving(settings) as server:
            client = Client(server, make_key(settings))
            client.send("lost", marker())
            session = client.judged("lost")
            client.http.close()
    assert session["stage"] == "dead"
    assert session["reportCard"]["reason"] == "the text model at 127.0.0.1 answered 500"


@pytest.mark.parametrize("error", [Unavailable("the visual model answered 503"), ModelAnswerRefused("outside the contract")])
def test_a_visual_model_that_never_answers_leaves_the_text_standing(tmp_path: Path, error: Exception) -> None:
    tries: list[int] = []

    async def look(*_: Any) -> Seen:
        tries.append(1)
        raise error

    settings = settings_for(tmp_path)
    with serving(settings) as server:
        server.app.state.pipeline._look = look
        session, _ = judged(server, settings, "unseen")
    card = session["reportCard"]
    assert (card["status"], card["basis"], session["stage"]) == ("ready", "text", "done")
    assert str(error) in card["reason"]
    assert len(tries) == settings.worker.max_attempts


VERDICT = {"confirmed": True, "confidence": 0.9, "summary": "The red alert is in view.", "symptom": "s", "technicalRootCause": "c", "suggestedFix": "f"}
ALERT = el("div", {"role": "alert", "style": "color:#b00020;position:absolute;top:200px;left:100px"}, text("Payment failed.", 41), id=40)
TAPE = Tape(button("Pay", id=20)).click(3_000, 20, 150, 120).append(3_600, 6, ALERT).move(9_000, 300, 300)
FAILED = {"kind": "api_error", "label": "POST /api/pay failed with 500", "replayOffsetMs": 3_300}


def look_with(client: Client, name: str) -> dict[str, Any]:
    key = client.upload(name, events=TAPE.events).json()["eventsObjectKey"]
    client.ingest(name, marker(**FAILED), key=key, durationMs=9_000)
    return client.judged(name)


@pytest.mark.browser
def test_a_visual_model_watches_the_film_or_sees_the_frames_and_its_word_counts(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.confirmation.checker = "remote_visual"
    settings.confirmation.model_name = "eyes"
    if why_not(settings):
        pytest.skip(why_not(settings))
    if not (built_dir() / "replay.js").is_file():
        pytest.skip("the replayer is not built: python hatch_build.py")
    watched: list[httpx.Response] = []

    def watch(body: Any) -> tuple[int, Any]:
        watched.append(httpx.get(body["videoArtifact"]["url"], headers={"Range": "bytes=0-3"}))
        return 200, VERDICT

    refuting = chat({**VERDICT, "confirmed": False, "summary": "The page looks well."})
    unsure = chat({**VERDICT, "confidence": 0.4})
    with modelling(watch) as films, modelling((200, refuting), (200, unsure)) as frames, serving(settings) as server:
        client = Client(server, make_key(settings))
        with client.http:
            settings.confirmation.model_url = films.url
            filmed = look_with(client, "filmed")
            settings.confirmation.checker, settings.confirmation.model_url = "openai", frames.url
            refuted, open_ = look_with(client, "refuted"), look_with(client, "open")
    assert watched[0].status_code == 206 and watched[0].content == b"\x1a\x45\xdf\xa3"  # WebM's first bytes
    assert "replay_video" in [artifact["artifactType"] for artifact in filmed["artifacts"]]
    assert films.asked[0]["markerOffsetsMs"] and films.asked[0]["markerWindows"]
    assert (filmed["reportCard"]["status"], filmed["reportCard"]["basis"]) == ("ready", "visual")
    assert "The red alert is in view." in filmed["reportCard"]["visualSummary"]
    pictures = [part for part in frames.asked[0]["messages"][1]["content"] if part["type"] == "image_url"]
    assert len(pictures) >= 2 and pictures[0]["image_url"]["url"].startswith("data:image/webp;base64,UklGR")
    assert refuted["reportCard"]["status"] == "discarded"
    assert "The page looks well." in refuted["reportCard"]["reason"]
    assert (open_["reportCard"]["status"], open_["reportCard"]["basis"]) == ("ready", "text")
