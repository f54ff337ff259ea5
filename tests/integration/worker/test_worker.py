"""What is assigned to a worker is opened, measured and reported; its ports go round."""

import time

import pytest

from shared.broker import Bus
from shared.events import (
    MediaLeg,
    MediaStopped,
    MediaUpdated,
    SlicesMeasured,
    StreamEnded,
    media_stream,
)
from shared.testing import media_assigned
from tests.integration.rtp_phone import voice
from tests.integration.worker.working import NAME, drained, free_in, leased, loaded, place_call, release
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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


async def test_what_is_no_assignment_is_counted_and_skipped(redis, workers, worker, phone):
    await wait_until(workers.live, "the worker lives")
    await redis.hset(f"vqm:assignments:{NAME}", "x", "{}")
    await redis.xadd(media_stream(NAME).key, {"type": "MediaAssigned", "data": "{}"})

    await place_call(workers, phone)

    assert worker.counters()["malformed_events"] == 1


async def test_a_port_that_cannot_be_opened_fails_that_call_alone(workers, worker, phone, ports):
    await wait_until(workers.live, "the worker lives")
    foreign = MediaLeg(party="caller", port=ports[-1] + 2)
    await workers.assign(NAME, media_assigned(at=time.time(), media_id="foreign", legs=(foreign,)))

    await place_call(workers, phone)

    assert worker.counters()["media_failed"] == 1
