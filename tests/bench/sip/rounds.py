"""How the load is dealt out: the same to both systems in turns, and then ever more to one until it gives up."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.sip.load import Load
from tests.bench.sip.sipp import Outcome

P99_MS = 20.0
COST_RATIO = 4.0
_STEP = 1.2
_STEPS = range(-3, 5)  # from below the bar, so that what one step left undone does not burden the next
_TRIES = 2  # what else runs on the machine must not decide


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work, and the rates it is done at."""

    name: str
    rate: int  # at which costs are measured: a busy moment that both systems sustain
    bar: int  # a second, on one core
    do: Callable[[Load, int, int], Outcome]


REGISTRATION = Work("registration", 500, 1000, Load.register)
CALL = Work("call", 60, 200, Load.call)


@dataclass(slots=True)
class Result:
    """What one system needed for one kind of work, a round each."""

    system: str
    helpers: str
    cpu_us: list[float] = field(default_factory=list)
    helpers_us: list[float] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def cost_us(self) -> float:
        return statistics.median(self.cpu_us)


def alternate(work: Work, loads: Sequence[Load], rounds: int, seconds: float) -> list[Result]:
    """The same load for every system, in turns: what disturbs the machine disturbs all."""
    results = [Result(load.system.name, load.system.helpers) for load in loads]
    order = list(zip(loads, results, strict=True))
    for _ in range(rounds):
        for load, result in order:
            _round(work, load, result, seconds)
        order.reverse()
    return results


def most_sustained(work: Work, load: Load, seconds: float) -> int:
    """The highest rate at which all succeed, nothing is sent twice, and the answers come in time; else 0."""
    highest = 0
    for step in _STEPS:
        rate = round(work.bar * _STEP**step)
        if not any(_sustains(work, load, rate, seconds) for _ in range(_TRIES)):
            break
        highest = rate
    return highest


def _round(work: Work, load: Load, result: Result, seconds: float) -> None:
    system = load.system
    before, helpers_before = system.cpu_s(), system.helpers_cpu_s()
    outcome = work.do(load, work.rate, round(work.rate * seconds))
    units = max(1, outcome.done)
    result.cpu_us.append((system.cpu_s() - before) / units * 1e6)
    result.helpers_us.append((system.helpers_cpu_s() - helpers_before) / units * 1e6)
    result.outcomes.append(outcome)


def _sustains(work: Work, load: Load, rate: int, seconds: float) -> bool:
    outcome = work.do(load, rate, round(rate * seconds))
    print(f"  {rate} {work.name}s/s: {outcome}", flush=True)
    return not outcome.failed and not outcome.retransmissions and outcome.p99_ms < P99_MS
