import tomllib
from pathlib import Path

from click.testing import CliRunner

from retrospec.cli.init import settings_file_text
from retrospec.cli.main import main
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import settings_by_key
from retrospec.domain.settings_file import load_settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_at_the_root_is_what_init_writes() -> None:
    written = (ROOT / "retrospec.toml").read_text(encoding="utf-8")
    assert written == settings_file_text(), "run: retrospec init --force"


def test_the_file_as_written_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "retrospec.toml"
    file.write_text(settings_file_text(), encoding="utf-8")
    assert load_settings(file, environ={}, overrides={}) == Settings()


def test_every_line_uncommented_is_the_default(tmp_path: Path) -> None:
    names = {setting.name for setting in settings_by_key().values()}
    lines = settings_file_text().splitlines()
    uncommented = [line[2:] if line.split(" = ")[0][2:] in names else line for line in lines]
    file = tmp_path / "retrospec.toml"
    file.write_text("\n".join(uncommented), encoding="utf-8")
    settings = load_settings(file, environ={}, overrides={})
    assert set(settings.sources) == set(settings_by_key())
    settings.sources = {}
    assert settings == Settings()


def test_every_setting_says_what_it_is_for() -> None:
    assert not [key for key, setting in settings_by_key().items() if len(setting.description) < 10]


def test_an_existing_file_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[server]\n")
    refused = CliRunner().invoke(main, ["init", str(file)])
    assert refused.exit_code == 1
    assert "already there" in refused.stderr and "--force" in refused.stderr
    assert file.read_text() == "[server]\n"
    assert CliRunner().invoke(main, ["init", str(file), "--force"]).exit_code == 0
    assert tomllib.loads(file.read_text()).keys() >= {"server", "retention"}


def test_a_dash_writes_to_the_screen() -> None:
    shown = CliRunner().invoke(main, ["init", "-"])
    assert shown.stdout == settings_file_text()
