"""`python -m tests.bench.rtp`: what relaying and measuring a packet costs us, rtpengine and a bare relay."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.machine import Cores, description, require
from tests.bench.rtp.load import Result, compile_c, measure
from tests.bench.rtp.relays import Calls, RelaySystem, bare, rtpengine, worker
from tests.bench.rtp.report import print_table

PROGRAMS = {"gcc": "gcc", "rtpengine": "rtpengine-daemon"}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.rtp")
    arguments.add_argument("--calls", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=10, help="that are measured, for each round and relay")
    given = arguments.parse_args()
    require(PROGRAMS)
    cores = Cores()
    print(description(), flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vqm-")))
        parties, bare_relay = compile_c("load.c", folder), compile_c("bare_relay.c", folder)
        calls = Calls.of(given.calls)
        relays: list[RelaySystem] = [
            stack.enter_context(worker(folder, cores, calls)),
            stack.enter_context(rtpengine(folder, cores, calls)),
            stack.enter_context(bare(folder, cores, calls, bare_relay)),
        ]
        results = [Result(relay.name) for relay in relays]
        turns = list(zip(relays, results, strict=True))
        for number in range(given.rounds):
            for relay, result in turns:
                with relay.carry() as anchored:
                    measure(parties, anchored, given.seconds, cores, result)
                print(f"  round {number + 1}, {relay.name}: {result.cpu_us[-1]:.2f} µs a packet", flush=True)
            turns.reverse()
    print_table(given.calls, results)


if __name__ == "__main__":
    main()
