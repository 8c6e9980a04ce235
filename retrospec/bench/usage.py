"""What a server process uses, its children included: CPU time and resident memory."""

import threading

import msgspec
import psutil

SAMPLE_EVERY_S = 0.2


class Usage(msgspec.Struct):
    """Resident memory and CPU of a process and all below it, at one moment."""

    resident_bytes: int
    children_bytes: int
    """The part of ``resident_bytes`` that children hold."""
    cpu_s: float


def listening_pid(port: int) -> int | None:
    """The process of this machine that listens on TCP ``port``; None where it cannot be seen."""
    for candidate in psutil.process_iter():
        try:
            sockets = candidate.net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(s.status == psutil.CONN_LISTEN and s.laddr and s.laddr.port == port for s in sockets):
            return candidate.pid
    return None


def usage_now(process: psutil.Process) -> Usage:
    """Raises psutil.NoSuchProcess when it has ended. CPU of children that ended is included."""
    own = process.cpu_times()
    cpu_s = own.user + own.system + own.children_user + own.children_system
    children_bytes = 0
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
            children_bytes += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        cpu_s += times.user + times.system + times.children_user + times.children_system
    return Usage(process.memory_info().rss + children_bytes, children_bytes, cpu_s)


class UsageWatch:
    """Keeps the highest resident memory of a process while open: ``with UsageWatch(pid) as watch``."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="usage-watch", daemon=True)
        self.idle = usage_now(self._process)
        self.peak = self.idle

    def now(self) -> Usage:
        """A fresh look, which also counts for the peak."""
        usage = usage_now(self._process)
        if usage.resident_bytes > self.peak.resident_bytes:
            self.peak = usage
        return usage

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            try:
                self.now()
            except psutil.NoSuchProcess:
                return

    def __enter__(self) -> "UsageWatch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
