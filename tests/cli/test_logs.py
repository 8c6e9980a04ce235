"""What a bench's own server logs on the way is no part of its output."""

import subprocess
import sys

LOGS = """
import click
from retrospec.cli.bench import bench

@bench.command("logging")
def logging():
    import structlog

    structlog.get_logger().warning("on_the_way")
    click.echo("[]")

bench(["logging"])
"""


def test_a_bench_logs_to_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n" and "on_the_way" in done.stderr
