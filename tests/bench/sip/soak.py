"""`python -m tests.bench.sip.soak --calls 20000`: many calls of every kind, and what they leave behind: nothing."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.broker import Bus, State, connect
from shared.events import STREAMS, media_stream
from shared.health import alive
from tests.bench.machine import Cores, description, require, resident_mb
from tests.bench.sip.sipp import Caller, Outcome, Sipp
from tests.bench.sip.systems import CALLEES, CALLERS, PASSWORD, System, sip_proxy
from tests.paper_worker import WORKER

# What must be back at its first value when all is over.
WATCHED = ("calls", "transactions", "timers", "lanes", "forwarded")
SAMPLE_S = 10.0
QUIET_S = 90.0  # the longest: a transaction of 32 s behind a call that was hung up after its silence
MEDIA_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Cast:
    """One caller, and the devices that he calls."""

    caller: Caller
    answering: Caller
    ringing: Caller
    busy: Caller


@contextmanager
def devices(sipp: Sipp, cast: Cast) -> Iterator[None]:
    """The devices are registered, and do what each does."""
    with ExitStack() as stack:
        for scenario, callee in (("callee", cast.answering), ("ringing", cast.ringing), ("busy", cast.busy)):
            stack.enter_context(sipp.serve(scenario, [callee]))
        yield


def play(sipp: Sipp, cast: Cast, rate: float, calls: int) -> dict[str, Outcome]:
    """Calls that end well, are given up, are refused, are to the echo, and are never hung up, all at the same time."""
    kinds = (
        ("answered", "caller", cast.answering.user, 0.70),
        ("given up", "cancelling", cast.ringing.user, 0.10),
        ("refused", "refused", cast.busy.user, 0.10),
        ("echo", "caller", "999", 0.07),
        ("never hung up", "forgetful", cast.answering.user, 0.03),
    )
    caller = cast.caller
    with ThreadPoolExecutor(len(kinds)) as threads:
        running = {
            name: threads.submit(
                sipp.run, scenario, [Caller(caller.user, caller.password, called)], rate * share, round(calls * share)
            )
            for name, scenario, called, share in kinds
        }
        return {name: outcome.result() for name, outcome in running.items()}


class Watch:
    """Looks at the proxy and the broker from outside."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._redis = connect(system.broker_url or "")
        self._state = State(self._redis)
        self._bus = Bus(self._redis)
        self._started_at = time.monotonic()
        self.resident_mb: list[float] = []

    async def counters(self) -> dict[str, float]:
        [heartbeat] = [beat for beat in await alive(self._state) if beat.service == "sip-proxy"]
        return {name: heartbeat.counters.get(name, 0) for name in WATCHED}

    async def keys(self) -> dict[str, int]:
        """How many keys there are of each kind, `vqm:<kind>`."""
        found = Counter([":".join(key.split(":")[:2]) async for key in self._redis.scan_iter("vqm:*", count=500)])
        return dict(sorted(found.items()))

    async def free_ports(self) -> int:
        return len(await self._redis.smembers(f"vqm:ports:{WORKER}"))

    async def sample(self) -> None:
        """Prints how it stands, and trims the streams as the api and the workers do."""
        self.resident_mb.append(resident_mb(self._system.server))
        lengths = {}
        for stream in (*STREAMS, media_stream(WORKER)):
            await self._bus.trim(stream, time.time())
            lengths[stream.key.removeprefix("vqm:")] = await self._redis.xlen(stream.key)
        counters = " ".join(f"{name}={value:g}" for name, value in (await self.counters()).items())
        elapsed_s = time.monotonic() - self._started_at
        print(f"{elapsed_s:5.0f} s  {self.resident_mb[-1]:6.1f} MB  {counters}  free ports={await self.free_ports()}")
        print(
            f"         streams: {' '.join(f'{key}={length}' for key, length in lengths.items() if length)}", flush=True
        )

    async def close(self) -> None:
        await self._redis.aclose()


async def soak(watch: Watch, sipp: Sipp, cast: Cast, rate: float, calls: int) -> bool:
    """Whether nothing was left behind."""
    await asyncio.to_thread(play, sipp, cast, 20, 100)  # so that all that is made once is there
    await _quiet(watch, dict.fromkeys(WATCHED, 0.0))
    before, keys, ports = await watch.counters(), await watch.keys(), await watch.free_ports()
    playing = asyncio.create_task(asyncio.to_thread(play, sipp, cast, rate, calls))
    while not playing.done():
        await watch.sample()
        await asyncio.wait({playing}, timeout=SAMPLE_S)
    for name, outcome in playing.result().items():
        print(f"{name:14} {outcome.done} well, {outcome.failed} not, {outcome.retransmissions} repetitions")
    await _quiet(watch, before)
    await watch.sample()
    left = (await watch.counters(), await watch.keys(), await watch.free_ports())
    print(f"before: {before} {keys} free ports={ports}")
    print(f"after:  {left[0]} {left[1]} free ports={left[2]}")
    return left == (before, keys, ports)


async def _soak(system: System, folder: Path, cores: Cores, rate: float, calls: int) -> bool:
    watch = Watch(system)
    sipp = Sipp(system.port, folder, cores.others)
    cast = Cast(Caller(CALLERS[0], PASSWORD), *(Caller(name, PASSWORD) for name in CALLEES[:3]))
    try:
        with devices(sipp, cast):
            return await soak(watch, sipp, cast, rate, calls)
    finally:
        await watch.close()


async def _quiet(watch: Watch, wanted: dict[str, float]) -> None:
    deadline = time.monotonic() + QUIET_S
    while await watch.counters() != wanted and time.monotonic() < deadline:  # noqa: ASYNC110  # another process
        await asyncio.sleep(1.0)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sip.soak")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second")
    given = parser.parse_args(arguments)
    require({"sipp": "sip-tester"})
    cores = Cores()
    print(description())
    with tempfile.TemporaryDirectory(prefix="vqm-") as name:
        folder = Path(name)
        with sip_proxy(folder, cores, VQM_MEDIA_TIMEOUT_S=f"{MEDIA_TIMEOUT_S:g}") as system:
            clean = asyncio.run(_soak(system, folder, cores, given.rate, given.calls))
    sys.exit(0 if clean else "something was left behind")


if __name__ == "__main__":
    main()
