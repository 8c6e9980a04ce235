"""One server a folder."""

from pathlib import Path

import pytest

from retrospec.domain.errors import Conflict
from retrospec.storage.folder import held_folder, is_held


def test_a_second_server_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with held_folder(tmp_path), pytest.raises(Conflict, match="is serving"), held_folder(tmp_path):
        pass


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with held_folder(tmp_path):
        pass
    with held_folder(tmp_path):
        pass


def test_other_programs_can_tell_whether_it_is_held(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "gone")
    with held_folder(tmp_path):
        assert is_held(tmp_path)
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
