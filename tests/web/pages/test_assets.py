"""How stylesheets and scripts are packed."""

import pytest

from retrospec.web.pages.assets import coding_for


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "zstd"), ("gzip;q=0.5", "gzip"), ("gzip; q=1.0", "gzip"), ("zstd;q=0, gzip", "gzip"), ("gzip;q=0.000, zstd;q=0", ""), ("identity", ""), ("", "")],
)
def test_a_coding_is_one_the_browser_takes(accepted: str, coding: str) -> None:
    assert coding_for(accepted) == coding
