"""A small sample of what ``python -m tests.security.schema --cases 10000`` sends."""

import pytest

from tests.security.schema import run


def test_answers_keep_to_the_published_document() -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install -e '.[dev]')")
    sent, complaints = run(150, seed=1, phases="fuzzing")
    assert complaints == ""
    assert sent >= 150
