"""The owner's rules: what they match, what they do, and that no text takes long to refuse."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from retrospec.cli.main import main
from retrospec.domain.errors import SettingsError
from retrospec.domain.marker import MarkerKind
from retrospec.domain.own_rules import OwnRule
from retrospec.domain.settings_file import load_settings
from retrospec.issues.own_rules import matches, name_marker

REQUEST = {"method": "POST", "url": "https://x.example/api/beacon/7?a=1", "status": 500}


@pytest.mark.parametrize(
    ("wanted", "text", "fits"),
    [
        ("*chunk*load*", "Error: Loading CHUNK 4 could not load", True),
        ("*load*chunk*", "Error: chunk load", False),
        ("/api/*", "/api/pay", True),
        ("ab*ba", "aba", False),
        ("plain", "plainer", False),
        ("*", "", True),
    ],
)
def test_stars_stand_for_anything(wanted: str, text: str, fits: bool) -> None:
    assert matches(wanted, text) is fits


@given(st.text("ab", max_size=30), st.text("ab*", max_size=10))
def test_a_pattern_means_what_a_regular_expression_would(text: str, wanted: str) -> None:
    import re

    meant = re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), text) is not None
    assert matches(wanted, text) is meant


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        OwnRule(kind="api_error", path="/api/beacon/*", ignore=True),
        OwnRule(message="*fail*", fingerprint="failing"),
        OwnRule(selector="*pay*", release="2.*", severity="high"),
    ]
    assert name_marker(rules, MarkerKind.API_ERROR, "it failed", REQUEST).rule == rules[0]
    one = name_marker(rules, MarkerKind.JS_EXCEPTION, "Error: a failed", None)
    other = name_marker(rules, MarkerKind.JS_EXCEPTION, "TypeError: b failed", None)
    assert one.key == other.key != name_marker((), MarkerKind.JS_EXCEPTION, "Error: a failed", None).key
    click = {"control": {"selector": "#pay-now"}}
    assert name_marker(rules, MarkerKind.UI_NO_EFFECT, "Rage click", click, release="2.4").rule == rules[2]
    assert name_marker(rules, MarkerKind.UI_NO_EFFECT, "Rage click", click, release="3.0").rule is None


def test_a_wrong_rule_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "retrospec.toml"
    file.write_text('[[rules]]\nmessage = "x"\nignore = true\n\n[[rules]]\nmesage = "x"\nseverity = "grave"\n')
    with pytest.raises(SettingsError) as refused:
        load_settings(file, environ={}, overrides={})
    told = str(refused.value)
    assert "line 6: rules.mesage is no part of a rule; did you mean message?" in told
    assert 'line 7: rules.severity is "grave"; use low, medium, high' in told
    assert "line 5: the rule matches nothing" in told
    assert "line 2" not in told


def test_a_rule_can_be_tried_out(tmp_path: Path) -> None:
    (tmp_path / "retrospec.toml").write_text('[[rules]]\nmessage = "*chunk*"\nfingerprint = "stale build"\n')
    given = ["--config", str(tmp_path / "retrospec.toml"), "--data", str(tmp_path / "none")]
    run = CliRunner().invoke(main, ["issues", "explain", "--message", "Error: no chunk 7", *given])
    assert run.exit_code == 0, run.output
    assert "line 1: message=*chunk* → fingerprint stale build" in run.output
    assert "equal      message: no chunk <*>" in run.output
