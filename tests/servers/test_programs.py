"""The servers that these tests run over."""

import subprocess
import threading

import pytest

from tests.servers.programs import postgres, s3


@pytest.mark.parametrize("program", [postgres, s3])
def test_a_server_outlives_the_thread_that_started_it(program: object) -> None:
    """Linux ends a child told so with the thread, not the process, that started it."""
    server = program()  # type: ignore[operator]

    def restart() -> None:
        server.stop()
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    thread.join()
    with pytest.raises(subprocess.TimeoutExpired):
        server._server.wait(1)
