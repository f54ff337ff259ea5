"""The relays side by side: our worker with its broker, rtpengine in userspace, and a bare one in C that only relays."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shared.broker import Client, Workers, connect
from shared.events import MediaAssigned, MediaLeg, MediaReleased, PayloadFormat
from shared.events.calls import Party
from tests.bench.machine import (
    HOST,
    Cores,
    broker_url,
    cpu_s,
    environment,
    running,
    running_broker,
    wait_for,
)
from tests.bench.rtp.ng import Control
from tests.ports import free_port

_RTPENGINE_PORTS = (40000, 59999)  # it takes others where one is in use
_WORKER = "bench"
_OPEN_S = 1.0
_PCMA = PayloadFormat(payload_type=8, encoding="PCMA", clock_rate=8000)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Anchored:
    """Calls that a relay carries: where each leg sends to, and the process that relays."""

    parties_from: int  # leg i is at this port + i
    ports: list[int]
    process: subprocess.Popen[bytes]
    helpers_cpu_s: Callable[[], float]  # of who works for the relay outside of its process

    def cpu_s(self) -> float:
        return cpu_s(self.process)


@dataclass(frozen=True, slots=True)
class RelaySystem:
    """A relay that runs. `carry`: anchors the calls for as long as the context lasts."""

    name: str
    carry: Callable[[], AbstractContextManager[Anchored]]


@dataclass(frozen=True, slots=True)
class Calls:
    """How many, and the stretch of free ports from `first` on that their parties and their relays share."""

    count: int
    first: int

    @classmethod
    def of(cls, count: int) -> "Calls":
        return cls(count, free_port(12 * count + 2))

    @property
    def parties_from(self) -> int:
        """Leg i is at this port + i."""
        return self.first

    @property
    def bare_from(self) -> int:
        return self.first + 2 * self.count

    @property
    def worker_ports(self) -> str:
        """Twice as many as it needs: those of the round before may still be in quarantine."""
        first = self.first + 4 * self.count
        return f"{first}-{first + 8 * self.count - 1}"

    @property
    def control_port(self) -> int:
        """Of rtpengine."""
        return self.first + 12 * self.count


@contextmanager
def worker(folder: Path, cores: Cores, calls: Calls) -> Iterator[RelaySystem]:
    """Our worker as it is deployed, with all that it measures and publishes; calls are assigned as a proxy does it."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(folder, cores))
        settings = environment(
            VQM_REDIS_URL=broker_url(folder),
            VQM_BIND=HOST,
            VQM_MEDIA_PORTS=calls.worker_ports,
            VQM_WORKER_ID=_WORKER,
        )
        command = [sys.executable, "-m", "rtp_analyzer"]
        process = stack.enter_context(running(command, folder / "worker.log", cores.server, settings))

        def ask(question: Callable[[Workers], Coroutine[None, None, Result]]) -> Result:
            return asyncio.run(_ask(broker_url(folder), question))

        wait_for(lambda: bool(ask(Workers.live)), "the worker")

        @contextmanager
        def carry() -> Iterator[Anchored]:
            media = ask(lambda workers: _assign(workers, calls))
            ports = [leg.port for one in media for leg in one.legs]
            yield Anchored(calls.parties_from, ports, process, lambda: cpu_s(broker))
            ask(lambda workers: _release(workers, media))

        yield RelaySystem("rtp-analyzer", carry)


@contextmanager
def rtpengine(folder: Path, cores: Cores, calls: Calls) -> Iterator[RelaySystem]:
    """rtpengine without its kernel module."""
    port, (first, last) = calls.control_port, _RTPENGINE_PORTS
    command = [
        *("rtpengine", f"--interface={HOST}", f"--listen-ng={HOST}:{port}", "--foreground", "--log-stderr"),
        *("--table=-1", f"--port-min={first}", f"--port-max={last}", "--num-threads=1", "--delete-delay=0"),
        "--log-level=3",
    ]
    with running(command, folder / "rtpengine.log", cores.server) as process:
        control = Control(port)
        wait_for(control.answers, "rtpengine")

        @contextmanager
        def carry() -> Iterator[Anchored]:
            ports: list[int] = []
            for call in range(calls.count):
                ports += control.relay(f"call-{call}", calls.parties_from + 2 * call, calls.parties_from + 2 * call + 1)
            yield Anchored(calls.parties_from, ports, process, lambda: 0.0)
            for call in range(calls.count):
                control.delete(f"call-{call}")

        yield RelaySystem("rtpengine", carry)
        control.close()


@contextmanager
def bare(folder: Path, cores: Cores, calls: Calls, program: Path) -> Iterator[RelaySystem]:
    """`program` is the compiled bare_relay.c."""

    @contextmanager
    def carry() -> Iterator[Anchored]:
        log = folder / "bare.log"
        log.unlink(missing_ok=True)
        command = [str(program), str(calls.bare_from), str(2 * calls.count), str(calls.parties_from)]
        with running(command, log, cores.server) as process:
            wait_for(lambda: "ready" in log.read_text(), "the bare relay")
            ports = [calls.bare_from + leg for leg in range(2 * calls.count)]
            yield Anchored(calls.parties_from, ports, process, lambda: 0.0)

    yield RelaySystem("bare C", carry)


async def _ask(url: str, question: Callable[[Workers], Coroutine[None, None, Result]]) -> Result:
    redis: Client = connect(url)
    try:
        return await question(Workers(redis))
    finally:
        await redis.aclose()


async def _assign(workers: Workers, calls: Calls) -> list[MediaAssigned]:
    """As the proxy does it: ports are leased, the assignment is written, and the worker says that it has opened."""
    media = []
    for call in range(calls.count):
        while not await workers.wait_opened((one := await _ask_for(workers, calls, call)).media_id, _OPEN_S):
            await _release(workers, [one])  # another process has one of the ports
        media.append(one)
    return media


async def _ask_for(workers: Workers, calls: Calls, call: int) -> MediaAssigned:
    ports = await workers.lease(_WORKER, 2, time.time())
    if not ports:
        sys.exit("the worker has no free ports")
    party = calls.parties_from + 2 * call
    legs = (_leg("caller", ports[0], party), _leg("callee", ports[1], party + 1))
    one = MediaAssigned(at=time.time(), call_id=f"call-{call}", media_id=f"m{ports[0]}", mode="relay", legs=legs)
    await workers.assign(_WORKER, one)
    return one


def _leg(party: Party, port: int, at: int) -> MediaLeg:
    return MediaLeg(party=party, port=port, remote_address=HOST, remote_port=at, formats=(_PCMA,), ptime_ms=20)


async def _release(workers: Workers, media: list[MediaAssigned]) -> None:
    for one in media:
        released = MediaReleased(at=time.time(), call_id=one.call_id, media_id=one.media_id)
        await workers.release(_WORKER, released)
