"""The load: SIPp runs a scenario at a stated rate, and says how many went well and how long the answers took."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.sip.machine import HOST, Cores, free_port, running
from tests.bench.sip.systems import CALLEES, CALLERS, PASSWORD, System

_SCENARIOS = Path(__file__).with_name("scenarios")
_PATIENCE_S = 40.0  # beyond the planned time: timer B of a request that gets no answer is 32 s


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a load."""

    done: int
    failed: int
    retransmissions: int
    p50_ms: float
    p99_ms: float


class Load:
    """Makes load on one system. Everything is sent from its own two ports."""

    def __init__(self, system: System, folder: Path, cores: Cores) -> None:
        self.system = system
        self._folder = folder
        self._cores = cores
        self._callee_port = free_port()
        self._users = folder / "users.csv"
        self._callees = folder / "callees.csv"
        pairs = [(caller, CALLEES[number % len(CALLEES)]) for number, caller in enumerate(CALLERS)]
        self._users.write_text(_injected(pairs))
        self._callees.write_text(_injected([(callee, callee) for callee in CALLEES]))

    def register(self, rate: int, count: int) -> Outcome:
        """Registrations with a challenge each, `rate` a second."""
        return self._run("register", self._users, rate, count, free_port())

    def call(self, rate: int, count: int) -> Outcome:
        """Calls with a challenge each, to devices that answer at once; inside `answering` only."""
        return self._run("caller", self._users, rate, count, free_port())

    @contextmanager
    def answering(self) -> Iterator[None]:
        """The callees are registered, and answer."""
        registered = self._run("register", self._callees, 50, len(CALLEES), self._callee_port)
        if registered.failed:
            sys.exit(f"{self.system.name}: the callees could not be registered")
        command = [
            *("sipp", "-sf", str(_SCENARIOS / "callee.xml"), "-i", HOST, "-p", str(self._callee_port)),
            *("-nostdin", "-nd", "-l", "10000"),
        ]
        with running(command, self._folder / "callee.log", self._cores.others):
            yield

    def _run(self, scenario: str, users: Path, rate: int, count: int, port: int) -> Outcome:
        statistics = self._folder / "statistics.csv"
        command = [
            *("sipp", f"{HOST}:{self.system.port}", "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-inf", str(users)),
            *("-i", HOST, "-p", str(port), "-r", str(rate), "-m", str(count), "-l", "10000", "-nostdin"),
            *("-trace_stat", "-stf", str(statistics), "-fd", "1", "-trace_rtt", "-rtt_freq", "1"),
            *("-timeout", f"{count / rate + _PATIENCE_S:.0f}s"),
        ]
        with running(command, self._folder / f"{scenario}.log", self._cores.others) as sipp:
            sipp.wait()
            answers = self._folder / f"{scenario}_{sipp.pid}_rtt.csv"
        return _outcome(statistics, answers)


def _injected(lines: list[tuple[str, str]]) -> str:
    """SIPp's file of users: who, whom he calls, and his credentials."""
    secret = "[authentication username={} password={}]"
    rows = (f"{user};{called};{secret.format(user, PASSWORD)}" for user, called in lines)
    return "\n".join(("SEQUENTIAL", *rows, ""))


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
