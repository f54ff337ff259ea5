"""SIPp: runs a scenario at a stated rate, and says how many went well and how long the answers took."""

import csv
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import HOST, running
from tests.ports import free_port

_SCENARIOS = Path(__file__).with_name("scenarios")
_PATIENCE_S = 40.0  # beyond the planned time: timer B of a request that gets no answer is 32 s


@dataclass(frozen=True, slots=True)
class Caller:
    """Who registers or calls, with his password, and whom."""

    user: str
    password: str
    called: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a load."""

    done: int
    failed: int
    retransmissions: int
    p50_ms: float  # SIPp's clock has a resolution of some milliseconds
    p99_ms: float


class Sipp:
    """SIPp on some cores, against one server."""

    def __init__(self, port: int, folder: Path, cores: set[int]) -> None:
        self._port = port
        self._folder = folder
        self._cores = cores
        self._numbers = itertools.count()

    def run(
        self, scenario: str, callers: Sequence[Caller], rate: float, count: int, port: int | None = None
    ) -> Outcome:
        """Plays a scenario `count` times, with the callers in turn."""
        label = f"{scenario}-{next(self._numbers)}"
        users, statistics = self._folder / f"{label}.users", self._folder / f"{label}.statistics"
        users.write_text(_injected(callers))
        command = [
            *("sipp", f"{HOST}:{self._port}", "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-inf", str(users)),
            *("-i", HOST, "-p", str(port or free_port()), "-m", str(count), "-l", "10000", "-nostdin"),
            *("-r", str(round(1000 * rate)), "-rp", "1000000"),
            *("-trace_err", "-trace_stat", "-stf", str(statistics), "-fd", "1", "-trace_rtt", "-rtt_freq", "1"),
            *("-timeout", f"{count / rate + _PATIENCE_S:.0f}s"),
        ]
        with running(command, self._folder / f"{label}.log", self._cores) as sipp:
            sipp.wait()
            answers = self._folder / f"{scenario}_{sipp.pid}_rtt.csv"
        return _outcome(statistics, answers)

    @contextmanager
    def serve(self, scenario: str, callees: Sequence[Caller]) -> Iterator[None]:
        """Registers the callees from one port, and answers calls there."""
        port = free_port()
        if self.run("register", callees, 50, len(callees), port).failed:
            sys.exit(f"the callees could not be registered: see {self._folder}")
        command = [
            *("sipp", "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-i", HOST, "-p", str(port)),
            *("-nostdin", "-nd", "-l", "10000"),
        ]
        with running(command, self._folder / f"{scenario}.log", self._cores):
            yield


def _injected(callers: Sequence[Caller]) -> str:
    """SIPp's file of users: who, whom he calls, and his credentials."""
    rows = (
        f"{caller.user};{caller.called};[authentication username={caller.user} password={caller.password}]"
        for caller in callers
    )
    return os.linesep.join(("SEQUENTIAL", *rows, ""))


def _outcome(statistics: Path, answers: Path) -> Outcome:
    with statistics.open(newline="") as file:
        *_, last = csv.DictReader(file, delimiter=";")
    times_ms = []
    if answers.exists():  # SIPp makes it with the first answer
        with answers.open(newline="") as file:
            times_ms = sorted(float(row[1]) for row in list(csv.reader(file, delimiter=";"))[1:])
    return Outcome(
        done=int(last["SuccessfulCall(C)"]),
        failed=int(last["FailedCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        p50_ms=_percentile(times_ms, 0.50),
        p99_ms=_percentile(times_ms, 0.99),
    )


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")
