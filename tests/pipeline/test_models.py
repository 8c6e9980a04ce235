"""Models in the walk of a session, on a real server."""

from pathlib import Path

from retrospec.app import RunningServer
from retrospec.domain.settings import Settings
from tests.conftest import Client, make_key, marker, serving, settings_for
from tests.model_server import modelling

WORDS = {"symptom": "The cart broke.", "cause": "A function is missing.", "fix": "Define it.", "summary": "It ended there.", "confidence": 0.85}


def with_text_model(folder: Path, url: str) -> Settings:
    settings = settings_for(folder)
    settings.analysis.provider = "remote_text"
    settings.analysis.model_url = url
    return settings


def judged(server: RunningServer, settings: Settings, name: str) -> tuple[dict[str, object], dict[str, object]]:
    client = Client(server, make_key(settings))
    client.send(name, marker())
    session = client.judged(name)
    analysis = client.http.get(f"/v1/sessions/{name}/artifacts/analysis_json").json()
    client.http.close()
    return session, analysis


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
