"""`python -m tests.bench.sip`: what a registration and a call cost us, and what they cost Kamailio, in one run."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.machine import Cores, description, require
from tests.bench.sip.load import Load
from tests.bench.sip.report import print_table
from tests.bench.sip.rounds import CALL, REGISTRATION, alternate, most_sustained
from tests.bench.sip.systems import kamailio, sip_proxy

PROGRAMS = {"sipp": "sip-tester", "kamailio": "kamailio", "rtpengine": "rtpengine-daemon"}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.sip")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=4.0, help="of load, for each round, system and work")
    arguments.add_argument("--work", choices=["registration", "call"], help="only this")
    arguments.add_argument("--no-rates", action="store_true", help="do not look for the highest rate")
    given = arguments.parse_args()
    require(PROGRAMS)
    cores = Cores()
    print(description(), flush=True)
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vqm-"))) for _ in range(2)]
        systems = [
            stack.enter_context(start(at, cores)) for start, at in zip((sip_proxy, kamailio), folders, strict=True)
        ]
        loads = [Load(system, at, cores) for system, at in zip(systems, folders, strict=True)]
        for load in loads:
            stack.enter_context(load.answering())
        for work in (REGISTRATION, CALL):
            if given.work in (None, work.name):
                results = alternate(work, loads, given.rounds, given.seconds)
                rate = None if given.no_rates else most_sustained(work, loads[0], given.seconds)
                print_table(work, results, rate)


if __name__ == "__main__":
    main()
