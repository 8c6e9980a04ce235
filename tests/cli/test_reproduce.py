import json
from pathlib import Path

import msgspec

from retrospec.demo.recorded import recorded_visits

from .conftest import Run


def _save(folder: Path, fault: str) -> str:
    visit = next(each for each in recorded_visits() if each.fault == fault)
    (folder / "visit.json").write_bytes(msgspec.json.encode(visit.events))
    return "visit.json"


def test_a_recording_becomes_a_test_with_the_values_given(retrospec: Run, tmp_path: Path) -> None:
    file = _save(tmp_path, "pay-500")
    done = retrospec("reproduce", file, "-o", "test_pay.py", "--base-url", "http://127.0.0.1:1/", "--value", "Full name=Ada = Marsh")
    assert done.returncode == 0, done.stderr
    assert "test_pay.py: 13 steps" in done.stdout
    text = (tmp_path / "test_pay.py").read_text()
    assert "'Full name': 'Ada = Marsh'" in text
    assert '"BASE_URL", \'http://127.0.0.1:1\'' in text
    compile(text, "test_pay.py", "exec")


def test_steps_are_for_people_and_json_for_programs(retrospec: Run, tmp_path: Path) -> None:
    file = _save(tmp_path, "pay-500")
    steps = retrospec("reproduce", file, "--steps").stdout
    assert "Tick the radio “Pocket wallet one tap”" in steps
    assert "what was typed is masked in the recording" in steps
    assert "Once mended: POST /api/pay is answered without an error." in steps
    plan = json.loads(retrospec("reproduce", file, "--json").stdout)
    assert list(plan["values"]) == ["Full name", "Email", "Postcode"]
    assert all(0 < step["confidence"] <= 1 for step in plan["steps"])


def test_what_cannot_be_reproduced_is_one_sentence(retrospec: Run, tmp_path: Path) -> None:
    file = _save(tmp_path, "")
    assert "no failure in visit.json" in retrospec("reproduce", file).stderr
    assert "neither a file nor a stored session" in retrospec("reproduce", "ses_nowhere", "--data", str(_made(retrospec, tmp_path))).stderr
    wrong = retrospec("reproduce", _save(tmp_path, "pay-500"), "--value", "Colour=red")
    assert wrong.returncode == 1
    assert "'Colour' is no blank of this way; there are: 'Full name', 'Email', 'Postcode'" in wrong.stderr


def _made(retrospec: Run, folder: Path) -> Path:
    assert retrospec("project", "create", "Shop", "--data", str(folder / "data")).returncode == 0
    return folder / "data"
