"""What RetroSpec is made of: pinned with digests, agreeing with what it asks for, listed in the wheel, and audited."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_build import PINNED, write_sbom
from tests.security.audit import exit_code, read_npm_audit, read_pip_audit, sentence

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def asked_for(extra: str) -> list[str]:
    """The requirements of an extra, with those of the extras it names."""
    asked = [Requirement(each) for each in EXTRAS[extra]]
    inner = [name for each in asked if each.name == "retrospec" for name in each.extras]
    return [str(each) for each in asked if each.name != "retrospec"] + [each for name in inner for each in asked_for(name)]


LOCKS = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-large.lock": [*PROJECT["dependencies"], *asked_for("large"), *asked_for("otel")],
    "requirements-test.lock": [*PROJECT["dependencies"], *asked_for("test")],
}


def pinned(lock: str) -> set[tuple[str, str]]:
    """Name and version; a package may have several, each for other versions of Python."""
    found = PINNED.findall((ROOT / lock).read_text(encoding="utf-8"))
    return {(canonicalize_name(name), version) for name, version in found}


@pytest.mark.parametrize(("lock", "asked"), LOCKS.items(), ids=list(LOCKS))
def test_the_lock_has_what_is_asked_for_in_a_version_that_will_do(lock: str, asked: list[str]) -> None:
    for each in map(Requirement, asked):
        versions = [version for name, version in pinned(lock) if name == canonicalize_name(each.name)]
        assert versions, f"{lock} lacks {each.name}"
        unfit = [version for version in versions if not each.specifier.contains(version, prereleases=True)]
        assert not unfit, f"{lock} pins {each.name} {unfit}, asked is {each.specifier}"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_digests_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned(lock)) > 40
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"--(extra-)?index-url|--trusted-host|https?://", text)


def test_the_tests_run_over_what_is_shipped() -> None:
    assert pinned("requirements.lock") <= pinned("requirements-large.lock") <= pinned("requirements-test.lock")


def test_the_container_image_takes_what_the_lock_pins() -> None:
    steps = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements-large.lock" in steps
    assert "--no-deps /dist/*.whl" in steps


def test_the_installer_takes_what_the_locks_pin() -> None:
    script = (ROOT / "install.sh").read_text(encoding="utf-8")
    assert "--require-hashes -r" in script and "--no-deps" in script
    assert all(lock in script for lock in LOCKS)
    assert "index-url" not in script.replace("PIP_INDEX_URL", "")


def test_the_inventory_lists_both_lock_files_and_is_the_same_for_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write_sbom(ROOT, first)
    write_sbom(ROOT, second)
    assert first.read_bytes() == second.read_bytes()
    document = json.loads(first.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    listed = {each["purl"]: each for each in document["components"]}
    assert {f"pkg:pypi/{name}@{version}" for name, version in pinned("requirements.lock")} <= set(listed)
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for path, package in packages.items():
        if path:
            name = path.rpartition("node_modules/")[2].replace("@", "%40")
            assert f"pkg:npm/{name}@{package['version']}" in listed
    assert listed["pkg:npm/htmx.org@" + packages["node_modules/htmx.org"]["version"]].get("scope") != "excluded"
    assert len({each["bom-ref"] for each in document["components"]}) == len(document["components"])


FOUND = json.dumps({"dependencies": [{"name": "jinja2", "version": "2.0", "vulns": [{"id": "CVE-2024-1"}]}]})
CLEAN = json.dumps({"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}]})
SKIPPED = json.dumps({"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found"}]})


def test_a_known_weakness_fails_the_audit_by_name() -> None:
    weak = read_pip_audit("requirements.lock", FOUND)
    assert exit_code([weak]) == 1
    assert "jinja2 2.0: CVE-2024-1" in sentence(weak)
    of_npm = read_npm_audit("package-lock.json", '{"vulnerabilities": {"htmx.org": {"severity": "high"}}}')
    assert exit_code([of_npm]) == 1 and "htmx.org: high" in sentence(of_npm)


@pytest.mark.parametrize("said", ["", "no JSON", SKIPPED, '{"error": {"summary": "offline"}, "statusCode": 405}', "[]"])
def test_a_service_that_cannot_be_asked_is_said_and_fails_nothing(said: str) -> None:
    for audit in (read_pip_audit("x.lock", said), read_npm_audit("x.json", said)):
        assert exit_code([audit]) == 0
        assert "could not be asked" in sentence(audit)


def test_a_clean_answer_says_how_much_was_checked() -> None:
    assert "1 packages, no known weakness" in sentence(read_pip_audit("requirements.lock", CLEAN))
    assert read_npm_audit("x", '{"vulnerabilities": {}, "metadata": {"dependencies": {"total": 40}}}').checked == 40
