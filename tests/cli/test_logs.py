"""What a command logs on the way is no part of its output."""

import subprocess
import sys

LOGS = """
from retrospec.cli import main

main.LazyCommands().get_command(None, "bench")
import structlog

structlog.get_logger().warning("on_the_way")
print("[]")
"""


def test_a_command_logs_to_stderr_whenever_it_loads_what_logs() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n" and "on_the_way" in done.stderr
