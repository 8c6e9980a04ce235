"""One server a folder."""

import os
import subprocess
import sys
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_database_that_root_made_for_the_service_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "retrospec.db"
    path.touch(0o600)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)
    told = "import os, sys; os.setgid(10377); os.setuid(10377)\n"
    told += "from pathlib import Path; from retrospec.storage.folder import refuse_files_of_others as refuse; refuse(Path(sys.argv[1]))"
    # imported before it changes its user: the interpreter may lie where only root may look
    done = subprocess.run(
        [sys.executable, "-c", "import retrospec.storage.folder, retrospec.domain.errors\n" + told, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and f"{path} belongs to user 0, and user 10377" in done.stderr, done.stderr
