"""The issue page bench seeds a database that the real page can be made from, and tells the times."""

import io

import pytest

from retrospec.bench import issue_page


def test_the_page_is_made_and_its_times_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_page, "ROUNDS", 3)
    printed = io.StringIO()
    assert len(issue_page.run_issue_page(400, printed)) == 2
    assert "at 400 markers: median" in printed.getvalue()
    assert "p95" in printed.getvalue()
