"""A relay worker and its Redis: what is assigned is opened, measured and reported; restarts and losses are survived."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from rtp_analyzer.taps.relay import Relay
from rtp_analyzer.worker import Worker, WorkerProfile
from shared.broker import Bus, Outbox, Workers, connect
from shared.events import (
    METRICS,
    Event,
    MediaAssigned,
    MediaReleased,
    MediaStopped,
    MediaUpdated,
    SlicesMeasured,
    StreamEnded,
    media_stream,
)
from shared.testing import media_assigned
from tests.integration.rtp_phone import HOST, RtpPhone, free_ports, voice
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NAME = "worker-t"
QUARANTINE_S = 0.5


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


@pytest.fixture
async def redis(broker):
    client = connect(broker.url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def workers(redis) -> Workers:
    return Workers(redis)


@pytest.fixture
async def metrics(redis) -> AsyncIterator[Metrics]:
    seen = Metrics()

    async def follow() -> None:
        async for batch in Bus(redis).tail([METRICS], after={METRICS.key: "0-0"}):
            seen.events.extend(delivery.event for delivery in batch if delivery.event is not None)

    task = asyncio.create_task(follow())
    yield seen
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def ports() -> range:
    return free_ports(6)


@contextlib.asynccontextmanager
async def running_worker(redis, ports: range) -> AsyncIterator[Worker]:
    profile = WorkerProfile(NAME, HOST, ports, capacity=3, quarantine_s=QUARANTINE_S)
    outbox = Outbox(Bus(redis))
    relay = Relay(HOST, ports, max_descriptors=1024)
    worker = Worker(profile, relay, Bus(redis), Workers(redis), outbox, time.time, time.monotonic)
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


@pytest.fixture
async def worker(redis, ports) -> AsyncIterator[Worker]:
    async with running_worker(redis, ports) as running:
        yield running


@pytest.fixture
def phone() -> Iterator[Callable[[int], RtpPhone]]:
    phones: list[RtpPhone] = []

    def make(port: int) -> RtpPhone:
        phones.append(RtpPhone(port))
        return phones[-1]

    yield make
    for made in phones:
        made.close()


async def leased(workers: Workers, count: int) -> list[int]:
    """Ports as a proxy gets them, once the worker lives and has declared them."""

    async def take() -> list[int]:
        return await workers.lease(NAME, count, time.time()) if await workers.live() else []

    return await wait_until(take, "ports are free")


@pytest.fixture
async def call(workers, worker, phone) -> tuple[MediaAssigned, RtpPhone, RtpPhone]:
    """Alice calls Bob: the assignment is written."""
    return await place_call(workers, phone)


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


async def test_a_worker_announces_its_address_its_ports_and_its_load(workers, worker, ports):
    await loaded(workers, 0)

    (status,) = await workers.live()

    assert (status.worker, status.address, status.capacity) == (NAME, HOST, 3)
    assert (status.port_min, status.port_max) == (ports[0], ports[-1] + 1)
    assert status.counters["packets_received"] == 0


async def test_a_call_is_relayed_sliced_and_reported_to_the_packet(workers, call, metrics):
    media, alice, bob = call
    alice.send(packet for i, packet in enumerate(voice(200, ssrc=1)) if i % 20 != 10)
    bob.send(voice(100, ssrc=2))
    assert len(bob.received(190)) == 190
    await wait_until(lambda: metrics.received("caller") == 190, "a slice holds what Alice sent")

    await workers.release(NAME, release(media))

    await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")
    totals = {event.report.direction: event.report.total for event in metrics.of(StreamEnded)}
    assert (totals["caller"].packets_expected, totals["caller"].packets_lost) == (200, 10)
    assert totals["caller"].loss_percent == 5.0
    assert (totals["callee"].packets_expected, totals["callee"].packets_lost) == (100, 0)
    assert [event.media_id for event in metrics.of(MediaStopped)] == [media.media_id]
    kinds = [type(event) for event in metrics.events]
    assert kinds.index(StreamEnded) > max(i for i, kind in enumerate(kinds) if kind is SlicesMeasured)


async def test_the_worst_slice_is_in_the_report(workers, call, metrics):
    media, alice, _ = call
    alice.send(voice(50, ssrc=1))
    await wait_until(lambda: metrics.received("caller") == 50, "a clean slice")
    alice.send(voice(200, ssrc=1, first=1050)[::2])
    await wait_until(lambda: metrics.received("caller") == 150, "a lossy slice")

    await workers.release(NAME, release(media))

    await wait_until(lambda: metrics.of(StreamEnded), "the stream has ended")
    (ended,) = metrics.of(StreamEnded)
    worst = min(
        part.interval.quality.mos
        for event in metrics.of(SlicesMeasured)
        for part in event.slices
        if part.interval.quality is not None and part.interval.quality.mos is not None
    )
    assert ended.report.mos_min == worst < 4


async def test_released_ports_serve_a_quarantine_before_they_are_free(redis, workers, call, ports, metrics):
    media, _, _ = call
    used = {leg.port for leg in media.legs}
    assert await free_in(redis) == set(ports) - used

    await workers.release(NAME, release(media))
    await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")
    assert not await free_in(redis) & used

    async def all_free() -> bool:
        return await free_in(redis) == set(ports)

    await wait_until(all_free, "the quarantine is over")


async def test_leases_are_settled_once_the_ports_are_open(redis, call):
    async def settled() -> bool:
        return not await redis.zrange(f"vqm:leases:{NAME}", 0, -1)

    await wait_until(settled, "no lease is left")


async def test_an_update_tells_where_the_callee_is(workers, worker, phone):
    alice, bob = (phone(port) for port in await leased(workers, 2))
    unanswered = bob.leg("callee", remote_address=None, remote_port=None, remote_rtcp_port=None, formats=())
    media = media_assigned(at=time.time(), legs=(alice.leg("caller"), unanswered))
    await workers.assign(NAME, media)
    await loaded(workers, 1)

    legs = (alice.leg("caller"), bob.leg("callee"))
    answered = MediaUpdated.model_validate({**media.model_dump(exclude={"type"}), "at": time.time(), "legs": legs})
    await workers.assign(NAME, answered)

    def heard() -> bool:
        alice.send(voice(1, ssrc=1))
        return bool(bob.received(1, within_s=0.0))

    await wait_until(heard, "Bob hears Alice")


async def test_an_entry_that_comes_again_does_not_undo_a_later_one(redis, workers, call, phone):
    media, alice, bob = call
    elsewhere = phone(bob.port)
    legs = (alice.leg("caller"), elsewhere.leg("callee"))
    moved = MediaUpdated.model_validate({**media.model_dump(exclude={"type"}), "at": time.time(), "legs": legs})
    await workers.assign(NAME, moved)

    await Bus(redis).publish([(media_stream(NAME), media)])

    def heard() -> bool:
        alice.send(voice(1, ssrc=1))
        return bool(elsewhere.received(5, within_s=0.0))

    await wait_until(heard, "Bob is heard where he went")
    await drained(redis)
    bob.received(100, within_s=0.0)
    alice.send(voice(5, ssrc=1))
    assert len(elsewhere.received(5)) == 5
    assert bob.nothing_more()


async def drained(redis) -> None:
    """The worker has handled all its entries."""

    async def handled() -> bool:
        (group,) = await redis.xinfo_groups(media_stream(NAME).key)
        newest = await redis.xrevrange(media_stream(NAME).key, count=1)
        return group["pending"] == 0 and group["last-delivered-id"] == newest[0][0]

    await wait_until(handled, "nothing is left to do")


async def test_what_is_no_assignment_is_counted_and_skipped(redis, workers, worker, phone):
    await wait_until(workers.live, "the worker lives")
    await redis.hset(f"vqm:assignments:{NAME}", "x", "{}")
    await redis.xadd(media_stream(NAME).key, {"type": "MediaAssigned", "data": "{}"})

    await place_call(workers, phone)

    assert worker.counters()["malformed_events"] == 1


async def test_a_port_that_cannot_be_opened_fails_that_call_alone(workers, worker, phone, ports):
    first, second = await leased(workers, 2)
    taken = phone(first)
    taken.rtp.close()
    taken.rtp = taken.rtcp
    blocked = media_assigned(at=time.time(), media_id="blocked", legs=(taken.leg("caller", port=ports[-1] + 11),))
    await workers.assign(NAME, blocked)

    media = media_assigned(at=time.time(), legs=(taken.leg("caller", port=first), taken.leg("callee", port=second)))
    await workers.assign(NAME, media)

    await loaded(workers, 1)
    assert worker.counters()["media_failed"] == 1


async def test_redis_that_lost_everything_is_told_again_and_the_call_goes_on(redis, workers, call, ports, metrics):
    media, alice, bob = call
    alice.send(voice(50, ssrc=1))
    assert len(bob.received(50)) == 50

    await redis.flushdb()

    used = {leg.port for leg in media.legs}

    async def declared() -> bool:
        return bool(await workers.live()) and await free_in(redis) == set(ports) - used

    await wait_until(declared, "the worker has announced itself and its free ports")
    alice.send(voice(50, ssrc=1, first=1050))
    assert len(bob.received(50)) == 50
    await workers.release(NAME, release(media))
    await wait_until(lambda: metrics.of(StreamEnded), "the release arrives")
    (ended,) = metrics.of(StreamEnded)
    assert (ended.report.total.packets_received, ended.report.total.packets_lost) == (100, 0)


async def test_a_worker_that_stops_and_starts_goes_on_with_the_same_ports(redis, workers, ports, phone, metrics):
    async with running_worker(redis, ports):
        media, alice, bob = await place_call(workers, phone)
        alice.send(voice(30, ssrc=1))
        assert len(bob.received(30)) == 30
    assert metrics.received("caller") in (0, 30)

    async with running_worker(redis, ports):
        await loaded(workers, 1)
        assert metrics.received("caller") == 30, "the last slice before the stop is published"
        assert await free_in(redis) == set(ports) - {leg.port for leg in media.legs}
        alice.send(voice(30, ssrc=1, first=1030))
        assert len(bob.received(30)) == 30

        await workers.release(NAME, release(media))
        await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")

    assert [event.report.total.packets_received for event in metrics.of(StreamEnded)] == [30]


async def test_a_release_while_the_worker_was_down_is_still_answered(redis, workers, ports, phone, metrics):
    async with running_worker(redis, ports):
        media, _, _ = await place_call(workers, phone)
    await workers.release(NAME, release(media))

    async with running_worker(redis, ports):
        await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")

    assert await free_in(redis) == set(ports)


@contextlib.contextmanager
def process(broker, ports: range) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "VQM_REDIS_URL": broker.url,
        "VQM_BIND": HOST,
        "VQM_MEDIA_PORTS": f"{ports[0]}-{ports[-1] + 1}",
        "VQM_WORKER_ID": NAME,
    }
    started = subprocess.Popen([sys.executable, "-m", "rtp_analyzer"], env=environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)


async def test_a_killed_process_comes_back_to_its_calls_and_ends_on_a_signal(broker, redis, workers, ports, phone):
    with process(broker, ports) as first:
        media, alice, bob = await place_call(workers, phone)
        alice.send(voice(10, ssrc=1))
        assert len(bob.received(10)) == 10
        first.kill()
        first.wait(10)

    with process(broker, ports) as second:

        def heard() -> bool:
            with contextlib.suppress(ConnectionError):
                alice.send(voice(1, ssrc=1))
            return bool(bob.received(1, within_s=0.0))

        await wait_until(heard, "Bob hears Alice again", within_s=20)
        assert [media.media_id for media in await workers.assignments(NAME)] == [media.media_id]
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0
        assert not await workers.live()
