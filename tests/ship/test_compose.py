"""docs/compose.yaml: whole in itself, and of settings that exist. (Nothing is started: its images come from elsewhere.)"""

import re
from pathlib import Path
from typing import Any

import pytest

from retrospec.domain.settings_catalog import settings_by_key
from retrospec.storage.blobs import Blobs
from retrospec.storage.engines import sync_url

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FILE = Path(__file__).resolve().parents[2] / "docs" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS: dict[str, str] = SERVICES["retrospec"]["environment"]
GIVEN = re.compile(r"\$\{(\w+):?[-?]?([^}]*)\}")


def test_each_variable_is_a_setting() -> None:
    known = {f"RETROSPEC_{key.replace('.', '_').upper()}" for key in settings_by_key()}
    assert {name for name in OURS if name.startswith("RETROSPEC_")} <= known
    assert {"RETROSPEC_DATABASE_URL", "RETROSPEC_BLOBS_URL"} <= set(OURS)


def test_the_urls_are_ones_we_open_and_name_services_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    database, blobs = (GIVEN.sub("given", OURS[name]) for name in ("RETROSPEC_DATABASE_URL", "RETROSPEC_BLOBS_URL"))
    assert sync_url(database).startswith("postgresql+psycopg://")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "given-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "given")
    assert Blobs.open(blobs).folder is None
    hosts = {re.search(r"@([\w.]+)/", database), re.search(r"endpoint=http://([\w.]+):", blobs)}
    assert {found[1] for found in hosts if found} == set(SERVICES) - {"retrospec"}


def test_volumes_and_dependencies_are_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])
    assert {name for service in SERVICES.values() for name in service.get("depends_on", ())} <= set(SERVICES)


def test_no_secret_has_a_default() -> None:
    text = FILE.read_text(encoding="utf-8")
    defaults = {name: default for name, default in GIVEN.findall(text) if default}
    assert not [name for name in defaults if "PASSWORD" in name or "SECRET" in name or "KEY" in name]
    assert SERVICES["retrospec"]["ports"] == ["127.0.0.1:8377:8377"]
