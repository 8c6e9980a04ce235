"""Types that threads decode are worked out before: msgspec's own first decoding in two threads ends the process."""

import subprocess
import sys

RACE = """
import sys, threading, msgspec
from retrospec.domain.struct_types import make_ready
sys.setswitchinterval(1e-6)

def new_type(number):
    inner = msgspec.defstruct(f"Inner{number}", [(f"f{each}", int, 0) for each in range(60)])
    return msgspec.defstruct(f"Outer{number}", [("x", inner), *((f"g{each}", list[inner], []) for each in range(40))])

types = [new_type(number) for number in range(60)]
make_ready()
for each in types:
    together = threading.Barrier(4)
    def decode():
        together.wait()
        msgspec.convert([{"x": {"f1": 2}}], list[each])
    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print("whole")
"""


def test_types_made_ready_survive_a_first_decoding_in_four_threads() -> None:
    run = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.returncode, run.stdout) == (0, "whole\n"), run.stderr
