from pathlib import Path

from retrospec.jobs.presence import is_served, serving_over


def test_a_server_is_seen_while_it_runs_and_several_may(tmp_path: Path) -> None:
    assert not is_served(tmp_path)
    with serving_over(tmp_path):
        assert is_served(tmp_path)
        with serving_over(tmp_path):
            assert is_served(tmp_path)
        assert is_served(tmp_path)
    assert not is_served(tmp_path)


def test_a_server_runs_where_it_cannot_be_seen(tmp_path: Path) -> None:
    with serving_over(tmp_path / "gone"):
        assert not is_served(tmp_path / "gone")
