"""The Health page of a real server, and the plots behind it."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from retrospec.admission import Room
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.storage.blobs import Blobs
from retrospec.storage.health import Figures, Sample
from retrospec.web.pages.health import plots_of
from tests.conftest import Client, make_key, marker, serving, settings_for
from tests.governor.test_governor import stop_looking
from tests.web.conftest import Visitor

NOW = utc_now()
PASSWORD = "three quiet ferns"


def test_a_counter_is_shown_as_what_it_grew_by_and_a_restart_is_no_fall() -> None:
    at = [NOW - timedelta(minutes=minutes) for minutes in (12, 11, 10, 9)]
    samples = [Sample(to_epoch_ms(moment), Figures(ingested=value)) for moment, value in zip(at, (5, 9, 2, 3), strict=True)]
    (taken_in, *_) = plots_of(samples, NOW)
    assert (taken_in.label, taken_in.peak) == ("Sessions taken in", "7")
    assert len(taken_in.bars) == 1
    assert plots_of([], NOW)[0].bars == []


def test_a_level_is_shown_at_its_highest_of_each_quarter_of_an_hour() -> None:
    samples = [Sample(to_epoch_ms(NOW - timedelta(minutes=minutes)), Figures(waiting=value)) for minutes, value in ((40, 3), (12, 5), (11, 9), (10, 0))]
    plot = next(each for each in plots_of(samples, NOW) if each.label == "Waiting")
    assert (plot.peak, [bar.title[-1] for bar in plot.bars]) == ("9", ["3", "9"])
    assert [bar.height for bar in plot.bars] == [21.3, 64]


def administrator(url: str, link: str) -> Visitor:
    visitor = Visitor(url)
    path = link.removeprefix(url)
    visitor.send(path, path, email="mara@fern.example", name="Mara", password=PASSWORD, again=PASSWORD)
    return visitor


def test_health_shows_dead_letters_a_full_disk_and_settings_without_secrets(tmp_path: Path) -> None:
    from retrospec.accounts.links import new_setup_link

    settings = settings_for(tmp_path)
    settings.server.internal_key = "a secret of ours"
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        key = client.upload("broken").json()["eventsObjectKey"]
        Blobs.open(settings.blobs_url).put_here(f"{key}.zst", b"damaged")
        client.ingest("broken", marker(), key=key)
        client.judged("broken")
        metrics = httpx.get(f"{server.url}/metrics").text
        assert "retrospec_dead_letters 1.0" in metrics and 'retrospec_disk_bytes{what="free"}' in metrics
        import asyncio

        from retrospec.storage.database import Database

        async def link() -> str:
            database = Database.open(settings.database_url)
            made = await new_setup_link(database, now=utc_now())
            await database.close()
            return made

        visitor = administrator(server.url, asyncio.run(link()))
        page = visitor.get("/p/proj_default/health").text
        assert "broken.json" in page and "Last backup" in page and "Renders today" in page and "server-notice" not in page

        stop_looking(server)
        server.app.state.admission.room = Room.FULL
        for path in ("health", "issues", "sessions"):
            assert "The disk is full" in visitor.get(f"/p/proj_default/{path}").text

        shown = visitor.get("/p/proj_default/settings").text
        assert "a secret of ours" not in shown and "(hidden)" in shown and "worker.max_attempts" in shown

        visitor.send("/p/proj_default/health/dead", "/p/proj_default/health", act="drop", session_id="broken")
        assert "No session was given up" in visitor.get("/p/proj_default/health").text
        assert client.http.get("/v1/sessions/broken").status_code == 404
        visitor.client.close()
        client.http.close()


@pytest.mark.parametrize("path", ["health", "settings"])
def test_a_stranger_sees_none_of_it(stranger: Visitor, path: str) -> None:
    assert "/sign-in" in str(stranger.get(f"/p/any/{path}").url)
