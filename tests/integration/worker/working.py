"""A worker that runs inside the test, and what a proxy and an api would do with it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from rtp_analyzer.audio.decoder import Decoder
from rtp_analyzer.taps.relay import Relay
from rtp_analyzer.worker import Worker, WorkerProfile
from shared.broker import Bus, Outbox, Workers
from shared.events import (
    Event,
    MediaAssigned,
    MediaReleased,
    MediaUpdated,
    SlicesMeasured,
    media_stream,
)
from shared.testing import media_assigned
from tests.integration.rtp_phone import RtpPhone
from tests.ports import HOST
from tests.waiting import wait_until

NAME = "worker-t"
QUARANTINE_S = 0.5
LISTEN_S = 1.0


@dataclass
class Metrics:
    """What was published on `vqm:metrics`."""

    events: list[Event] = field(default_factory=list)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def received(self, direction: str) -> int:
        """The newest total of packets that this party's stream has in a slice."""
        totals = [
            part.total.packets_received
            for event in self.of(SlicesMeasured)
            for part in event.slices
            if part.direction == direction
        ]
        return totals[-1] if totals else 0


@dataclass
class Clock:
    """One that a test can set."""

    clock: Callable[[], float]
    ahead_s: float = 0.0

    def __call__(self) -> float:
        return self.clock() + self.ahead_s


@contextlib.asynccontextmanager
async def running_worker(
    redis,
    ports: range,
    decoder: Decoder | None = None,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Worker]:
    profile = WorkerProfile(NAME, HOST, ports, capacity=3, quarantine_s=QUARANTINE_S, listen_s=LISTEN_S)
    outbox = Outbox(Bus(redis))
    relay = Relay(HOST, ports, max_descriptors=1024, decodes=decoder is not None)
    worker = Worker(profile, relay, Bus(redis), Workers(redis), outbox, now, monotonic, decoder)
    relay.start()
    tasks = [asyncio.create_task(worker.run()), asyncio.create_task(outbox.run())]
    try:
        yield worker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.withdraw()
        await outbox.close()
        relay.stop()


async def leased(workers: Workers, count: int) -> list[int]:
    """Ports as a proxy gets them, once the worker lives and has declared them."""

    async def take() -> list[int]:
        return await workers.lease(NAME, count, time.time()) if await workers.live() else []

    return await wait_until(take, "ports are free")


async def place_call(workers: Workers, phone: Callable[[int], RtpPhone]) -> tuple[MediaAssigned, RtpPhone, RtpPhone]:
    alice, bob = (phone(port) for port in await leased(workers, 2))
    media = media_assigned(at=time.time(), legs=(alice.leg("caller"), bob.leg("callee")))
    await workers.assign(NAME, media)
    await loaded(workers, 1)
    return media, alice, bob


async def loaded(workers: Workers, media: int) -> None:
    async def carries() -> bool:
        return [status.load for status in await workers.live()] == [media]

    await wait_until(carries, f"the worker carries {media} media")


def release(media: MediaAssigned | MediaUpdated) -> MediaReleased:
    return MediaReleased(at=time.time(), call_id=media.call_id, media_id=media.media_id)


async def free_in(redis) -> set[int]:
    return {int(port) for port in await redis.smembers(f"vqm:ports:{NAME}")}


async def drained(redis) -> None:
    """The worker has handled all its entries."""

    async def handled() -> bool:
        (group,) = await redis.xinfo_groups(media_stream(NAME).key)
        newest = await redis.xrevrange(media_stream(NAME).key, count=1)
        return group["pending"] == 0 and group["last-delivered-id"] == newest[0][0]

    await wait_until(handled, "nothing is left to do")
