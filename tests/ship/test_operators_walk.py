"""The operator's walk as a test: it installs a wheel and mounts a small disk, so it waits for a word."""

import os
import shutil

import pytest

from tests.ship.operators_walk import PYTHON, walk

MISSING = [name for name in ("caddy", "bwrap", "setpriv", PYTHON) if shutil.which(name) is None]


@pytest.mark.skipif(not os.environ.get("RETROSPEC_LONG_TESTS"), reason="takes minutes: RETROSPEC_LONG_TESTS=1")
@pytest.mark.skipif(os.geteuid() != 0 or bool(MISSING), reason=f"wants root, caddy and bubblewrap; missing: {', '.join(MISSING) or 'root'}")
@pytest.mark.timeout(1_800)
def test_an_operator_walks_from_the_wheel_to_an_upgrade_without_a_stumble() -> None:
    walk()
