"""The visitor's country: as a trusted proxy names it, and from nobody else."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from retrospec.domain.session import Session, Stage
from retrospec.domain.settings import CaptureSettings, ServerSettings, Settings
from retrospec.domain.settings_rules import broken_rules
from retrospec.search.documents import document_of
from retrospec.storage.search import FacetRow
from retrospec.web.access import visitor_country
from retrospec.web.pages.facets import menus

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def behind(proxy: str, header: str = "CF-IPCountry") -> Settings:
    return Settings(server=ServerSettings(trusted_proxies=[proxy] if proxy else []), capture=CaptureSettings(country_header=header))


def asked(host: str, **headers: str) -> Any:
    return SimpleNamespace(client=SimpleNamespace(host=host), headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("said", "kept"),
    [("NL", "NL"), (" de ", "DE"), ("XX", ""), ("T1", ""), ("", ""), ("Netherlands", ""), ("N\u0141", ""), ("<b", "")],
)
def test_two_letters_are_kept_and_nothing_else(said: str, kept: str) -> None:
    assert visitor_country(asked("10.0.0.7", cf_ipcountry=said), behind("10.0.0.0/8")) == kept


def test_a_visitor_cannot_name_it() -> None:
    assert visitor_country(asked("203.0.113.9", cf_ipcountry="NL"), behind("10.0.0.0/8")) == ""
    assert visitor_country(asked("10.0.0.7", x_country="NL"), behind("10.0.0.0/8")) == ""


def test_none_is_kept_unless_a_header_is_named() -> None:
    assert visitor_country(asked("10.0.0.7", cf_ipcountry="NL"), behind("10.0.0.0/8", header="")) == ""
    assert Settings().capture.country_header == ""


@pytest.mark.parametrize(("settings", "word"), [(behind(""), "trusted_proxies"), (behind("10.0.0.1", "a header"), "name of a header")])
def test_a_setting_that_could_not_work_is_refused(settings: Settings, word: str) -> None:
    assert [word in told for name, told in broken_rules(settings) if name == "capture.country_header"] == [True]


def test_a_session_is_found_and_counted_by_it() -> None:
    session = Session(
        id="s", project_id="p", site="shop", route="/", started_at=NOW, duration_ms=1, events_object_key="k",
        created_at=NOW, updated_at=NOW, stage=Stage.DONE, country="NL",
    )  # fmt: skip
    assert "country nl" in document_of(session, []).tags
    row = {"site": "shop", "route": "/", "browser": "", "os": "", "device": "", "release": "", "environment": "", "tags": {}}
    offered = menus([msgspec.convert(row | {"country": name}, FacetRow) for name in ("NL", "NL", "DE")], "", lambda query: query)
    (countries,) = [menu for menu in offered if menu.name == "country"]
    assert [(offer.label, offer.count) for offer in countries.offers] == [("NL", 2), ("DE", 1)]
