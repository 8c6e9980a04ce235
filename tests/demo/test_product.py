from pathlib import Path

import pytest

from retrospec.demo.product import demo_settings, running_product
from retrospec.domain.errors import Conflict
from retrospec.domain.settings import Settings


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "retrospec.db"
    precious.write_bytes(b"somebody's data")
    refused = pytest.raises(Conflict, match="was not made by the demo")
    with refused, running_product(Settings(), tmp_path, 0, keep=False):
        pytest.fail("it started all the same")
    assert list(tmp_path.iterdir()) == [precious]
    assert precious.read_bytes() == b"somebody's data"


def test_its_own_folder_serves_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with running_product(Settings(), folder, 0, keep=False) as first:
        assert first.get("/v1/issues")["issues"] == []
        assert first.sign_in_url.startswith(f"{first.url}/set-up/")
    with running_product(Settings(), folder, 0, keep=False) as second:
        assert second.ingest_key == first.ingest_key
        assert second.snippet("shop").startswith(
            f'<script src="{second.url}/sdk.js" data-key="{first.ingest_key}"'
        )


def test_a_temporary_folder_goes_unless_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with running_product(Settings(), None, 0, keep=False) as product:
        assert product.data_dir.is_dir()
    assert not product.data_dir.exists()
    with running_product(Settings(), None, 0, keep=True) as product:
        pass
    assert (product.data_dir / "retrospec.db").is_file()


def test_the_users_own_data_is_never_where_the_demo_writes(tmp_path: Path) -> None:
    real = Settings()
    real.storage.dir, real.database.url, real.blobs.url = "real", "sqlite:///real.db", "file:///real"
    real.replay.browser = "chosen-browser"
    settings = demo_settings(real, tmp_path, 0)
    assert settings.data_dir == tmp_path
    assert str(tmp_path) in settings.database_url and str(tmp_path) in settings.blobs_url
    assert settings.replay.browser == "chosen-browser"
