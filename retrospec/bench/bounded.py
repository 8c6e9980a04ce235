"""``python -m retrospec.bench.bounded serve …``: a server on one core with 1 GB, or one whose clock runs fast or jumps.

``BOUND_CORES`` and ``BOUND_BYTES`` limit it, by a memory cgroup where one can be made, else by what a process may write to (its reserved address space is no memory);
``BOUND_HURRY`` makes its clock run so many times as fast; the file ``BOUND_CLOCK`` says by how many seconds it is wrong. How it was limited goes to ``BOUND_NOTE``.
"""

import os
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

_V2, _V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")


def limit_memory(size_bytes: int) -> str:
    """Limit this process; by what."""
    for root, name in ((_V2, "memory.max"), (_V1, "memory.limit_in_bytes")):
        group = root / f"retrospec-{os.getpid()}"
        try:
            group.mkdir()
            if not (group / name).exists():  # a plain folder: no memory controller is here
                raise OSError(name)
            (group / name).write_text(str(size_bytes), encoding="ascii")
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        except OSError:
            if group.is_dir():
                group.rmdir()
            continue
        return f"cgroup {group / name}"
    resource.setrlimit(resource.RLIMIT_DATA, (size_bytes, size_bytes))
    return "RLIMIT_DATA"


def hurry(factor: float) -> None:
    """From here on ``utc_now`` runs ``factor`` times as fast."""
    from retrospec.domain import clock

    began = datetime.now(UTC)

    def utc_now() -> datetime:
        passed = (datetime.now(UTC) - began).total_seconds() * factor
        now = began + timedelta(seconds=passed)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    clock.utc_now = utc_now


def step(file: Path) -> None:
    """From here on ``utc_now`` is as many seconds ahead as ``file`` says at that moment; without the file, none."""
    from retrospec.domain import clock

    right = clock.utc_now

    def utc_now() -> datetime:
        try:
            return right() + timedelta(seconds=int(file.read_bytes()))
        except FileNotFoundError:
            return right()

    clock.utc_now = utc_now


if __name__ == "__main__":
    env = os.environ
    if cores := int(env.get("BOUND_CORES", "0")):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    if size := int(env.get("BOUND_BYTES", "0")):
        how = limit_memory(size)
        if note := env.get("BOUND_NOTE"):
            Path(note).write_text(how, encoding="ascii")
    if factor := float(env.get("BOUND_HURRY", "0")):
        hurry(factor)
    if wrong := env.get("BOUND_CLOCK"):
        step(Path(wrong))
    from retrospec.cli.main import main

    main(prog_name="retrospec")
