"""``retrospec bench all``: one bench after the other, each in a process of its own, its result kept as JSON.

``python -m retrospec.bench.every NAME FILE`` is that process.
"""

import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil

from retrospec import __version__
from retrospec.bench.figures import PICTURES_VARIABLE, Lacking, Machine, Result
from retrospec.bench.registry import BENCHES, Bench, measure
from retrospec.bench.yardstick import decode_ms_per_mb
from retrospec.domain.clock import utc_now

DATA_VARIABLE = "RETROSPEC_BENCH_DATA"
"""Folder of the labelled sets that are brought to ``cluster``."""

Tell = Callable[[Bench, Result | None], None]
"""Told of each bench when it begins (None) and when it has ended."""


def run_all(wanted: Sequence[Bench], folder: Path, tell: Tell) -> None:
    """Run these and keep each one's result below ``folder`` as soon as it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for bench in wanted:
        tell(bench, None)
        tell(bench, _run_apart(bench, folder / f"{bench.name}.json"))


def without_result(folder: Path) -> list[Bench]:
    """What a run that was broken off left to do, and what had trouble."""
    kept = {each.name: each for each in kept_results(folder)}
    return [bench for bench in BENCHES if bench.name not in kept or kept[bench.name].trouble]


def kept_results(folder: Path) -> list[Result]:
    """Those below ``folder``, in the registry's order."""
    files = [folder / f"{bench.name}.json" for bench in BENCHES]
    return [msgspec.json.decode(file.read_bytes(), type=Result) for file in files if file.is_file()]


def keep(result: Result, file: Path) -> None:
    """Whole or not at all."""
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    fresh.replace(file)


def _run_apart(bench: Bench, file: Path) -> Result:
    began, machine = time.monotonic(), this_machine()
    env = {**os.environ, PICTURES_VARIABLE: str(file.parent)}
    ended = subprocess.run([sys.executable, "-m", "retrospec.bench.every", bench.name, str(file)], env=env, check=False)
    if ended.returncode:
        keep(_result(bench, machine, began, trouble=f"its process ended with {ended.returncode}"), file)
    return msgspec.json.decode(file.read_bytes(), type=Result)


def _measured(bench: Bench) -> Result:
    began, machine = time.monotonic(), this_machine()
    try:
        return msgspec.structs.replace(_result(bench, machine, began), figures=measure(bench, note), took_s=time.monotonic() - began)
    except Lacking as lacking:
        return _result(bench, machine, began, trouble=str(lacking))
    except Exception as error:  # a border: what stops one bench is kept with it and stops no other
        traceback.print_exc()
        return _result(bench, machine, began, trouble=f"{type(error).__name__}: {error}")


def _result(bench: Bench, machine: Machine, began: float, trouble: str = "") -> Result:
    took_s = round(time.monotonic() - began, 1)
    return Result(
        name=bench.name, measured_on=utc_now().date().isoformat(), version=__version__, machine=machine, took_s=took_s, trouble=trouble
    )


def this_machine() -> Machine:
    """As it is now; the yardstick takes half a second."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_mb=round(psutil.virtual_memory().total / 1e6),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        decode_ms_per_mb=round(decode_ms_per_mb(), 1),
        load=round(os.getloadavg()[0], 1),
    )


def note(phase: str, done: int, total: int) -> None:
    """Progress on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r  {phase} {done:,} of {total:,}    " + ("\n" if done == total else ""))


if __name__ == "__main__":
    name, place = sys.argv[1:]
    keep(_measured(next(bench for bench in BENCHES if bench.name == name)), Path(place))
