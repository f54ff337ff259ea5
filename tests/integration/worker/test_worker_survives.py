"""A worker and its calls outlive a broker that lost its data, a restart, and a kill."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from rtp_analyzer.abandoned import SILENT_S
from shared.events import MediaStopped, SlicesMeasured, StreamEnded
from tests.integration.rtp_phone import voice
from tests.integration.worker.working import NAME, Clock, free_in, loaded, place_call, release, running_worker
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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
        await wait_until(lambda: metrics.received("caller") == 60, "the totals go on")

        await workers.release(NAME, release(media))
        await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")

    assert [event.report.total.packets_received for event in metrics.of(StreamEnded)] == [60]


async def test_a_release_while_the_worker_was_down_is_still_answered(redis, workers, ports, phone, metrics):
    async with running_worker(redis, ports):
        media, _, _ = await place_call(workers, phone)
    await workers.release(NAME, release(media))

    async with running_worker(redis, ports):
        await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")

    assert await free_in(redis) == set(ports)


@contextlib.contextmanager
def process(broker, ports: range, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "VQM_REDIS_URL": broker.url,
        "VQM_BIND": HOST,
        "VQM_MEDIA_PORTS": f"{ports[0]}-{ports[-1] + 1}",
        "VQM_WORKER_ID": NAME,
        **settings,
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


async def test_a_worker_that_is_told_to_leave_lets_its_calls_end(broker, redis, workers, ports, phone):
    with process(broker, ports, VQM_DRAIN_S="60") as leaving:
        media, alice, bob = await place_call(workers, phone)

        leaving.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            return [(status.draining, status.capacity) for status in await workers.live()] == [(True, 0)]

        await wait_until(draining, "the worker says that it takes no new calls")
        alice.send(voice(10, ssrc=1))
        assert len(bob.received(10)) == 10
        await workers.release(NAME, release(media))
        assert leaving.wait(10) == 0
        assert not await workers.live()


async def test_a_second_signal_ends_a_worker_at_once(broker, workers, ports, phone):
    with process(broker, ports, VQM_DRAIN_S="60") as leaving:
        await place_call(workers, phone)
        leaving.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            return [status.draining for status in await workers.live()] == [True]

        await wait_until(draining, "the worker drains")
        leaving.send_signal(signal.SIGTERM)

        assert leaving.wait(10) == 0


async def test_the_time_to_drain_is_limited(broker, workers, ports, phone):
    with process(broker, ports, VQM_DRAIN_S="0.5") as leaving:
        await place_call(workers, phone)

        leaving.send_signal(signal.SIGTERM)

        assert leaving.wait(10) == 0
        assert [media.media_id for media in await workers.assignments(NAME)] == ["media-1"]


async def test_what_nobody_can_release_any_more_is_closed_by_the_worker_itself(redis, workers, ports, phone, metrics):
    monotonic = Clock(time.monotonic)
    async with running_worker(redis, ports, monotonic=monotonic):
        media, _, _ = await place_call(workers, phone)
        await redis.flushdb()
        await loaded(workers, 1)

        monotonic.ahead_s = SILENT_S + 10

        await wait_until(lambda: metrics.of(MediaStopped), "the medium is closed")
        assert [event.media_id for event in metrics.of(MediaStopped)] == [media.media_id]
        await loaded(workers, 0)


async def test_a_wall_clock_that_is_set_marks_the_slices_of_that_second(redis, workers, ports, phone, metrics):
    now = Clock(time.time)
    async with running_worker(redis, ports, now=now):
        _, alice, _ = await place_call(workers, phone)
        alice.send(voice(30, ssrc=1))
        await wait_until(lambda: metrics.received("caller") == 30, "a slice is published")

        now.ahead_s = 0.5

        def marked() -> list[bool]:
            slices = [part for event in metrics.of(SlicesMeasured) for part in event.slices]
            return [part.impaired for part in slices if "clock_step" in part.impaired_by]

        assert await wait_until(marked, "the slice says so") == [True]
