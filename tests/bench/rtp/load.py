"""The parties of the calls: compiled from load.c, they send through a relay while its CPU time is read."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.bench.machine import Cores
from tests.bench.rtp.relays import Anchored

_WARM_UP_S = 3  # until every source has proven itself and the first second has been measured


@dataclass(slots=True)
class Result:
    """What one relay needed, a round each."""

    system: str
    cpu_us: list[float] = field(default_factory=list)  # a relayed packet
    helpers_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)  # from sending to arrival, through the relay
    p99_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)  # the parties themselves
    lost: int = 0
    sent: int = 0


def compile_c(source: str, folder: Path) -> Path:
    """A program of this folder's C files."""
    program = folder / source.removesuffix(".c")
    subprocess.run(["gcc", "-O2", "-o", program, Path(__file__).with_name(source)], check=True)
    return program


def measure(program: Path, calls: Anchored, seconds: int, cores: Cores, result: Result) -> None:
    """One round: all parties talk for so long, and what it took is added to `result`."""
    arguments = [calls.parties_from, _WARM_UP_S, seconds, *calls.ports]
    command = ["taskset", "--cpu-list", ",".join(map(str, cores.others)), str(program), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parties:
        assert parties.stdout is not None
        before = _at(parties.stdout, "begin", calls)
        after = _at(parties.stdout, "end", calls)
        outcome = json.loads(parties.stdout.readline())
    packets = len(calls.ports) * 50 * seconds
    result.cpu_us.append((after[0] - before[0]) / packets * 1e6)
    result.helpers_us.append((after[1] - before[1]) / packets * 1e6)
    result.p50_ms.append(outcome["p50_ms"])
    result.p99_ms.append(outcome["p99_ms"])
    result.late_ms.append(outcome["late_ms"])
    result.lost += outcome["sent"] + outcome["refused"] - outcome["received"]
    result.sent += outcome["sent"]


def _at(lines: IO[str], moment: str, calls: Anchored) -> tuple[float, float]:
    """CPU time of the relay and of its helpers when the parties come to that moment."""
    line = lines.readline().strip()
    if line != moment:
        raise RuntimeError(f"the parties say {line!r} instead of {moment!r}")
    return calls.cpu_s(), calls.helpers_cpu_s()
