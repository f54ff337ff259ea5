"""The bus, the outbox, live state and port leases on a real broker, which is flushed, trimmed and taken away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from shared.broker import BrokerLost, Bus, Delivery, Outbox, State, Workers, WorkerStatus, connect
from shared.events import CALLS, SECURITY, FlowLost, encode, flow_stream, media_stream
from shared.testing import AT, call_answered, call_ended, call_started, media_assigned

pytestmark = pytest.mark.integration


@pytest.fixture
async def own_bus(broker_process):
    client = connect(broker_process.url)
    yield Bus(client)
    await client.aclose()


async def batch(source: AsyncIterator[list[Delivery]]) -> list[Any]:
    async with asyncio.timeout(10):
        return await anext(source)


async def test_a_group_shares_events_and_each_is_handled_once(bus):
    await bus.publish([(CALLS, call_started(call_id=f"call-{n}")) for n in range(4)])
    one, two = (bus.consume([CALLS], "store", name, count=2) for name in ("one", "two"))

    taken = await batch(one) + await batch(two)

    assert sorted(delivery.event.call_id for delivery in taken) == ["call-0", "call-1", "call-2", "call-3"]


async def test_what_was_not_acknowledged_comes_again_and_first(bus):
    await bus.publish([(CALLS, call_started())])
    await batch(bus.consume([CALLS], "store", "one"))
    await bus.publish([(CALLS, call_ended())])

    restarted = bus.consume([CALLS], "store", "one")

    first = await batch(restarted)
    assert [delivery.event for delivery in first] == [call_started()]
    await bus.acknowledge("store", first)
    assert [delivery.event for delivery in await batch(restarted)] == [call_ended()]


async def test_a_backlog_longer_than_a_batch_comes_whole_and_in_order(bus):
    await bus.publish([(CALLS, call_started(call_id=f"call-{n}")) for n in range(5)])
    await batch(bus.consume([CALLS], "store", "one"))

    restarted = bus.consume([CALLS], "store", "one", count=2)

    again = await batch(restarted) + await batch(restarted) + await batch(restarted)
    assert [delivery.event.call_id for delivery in again] == [f"call-{n}" for n in range(5)]


async def test_what_a_dead_consumer_took_is_claimed(bus, monkeypatch):
    monkeypatch.setattr("shared.broker.bus.CLAIM_IDLE_MS", 0)
    monkeypatch.setattr("shared.broker.bus.CLAIM_EVERY", 1)
    await bus.publish([(CALLS, call_started())])
    await batch(bus.consume([CALLS], "store", "dead"))

    claimed = await batch(bus.consume([CALLS], "store", "alive"))

    assert [delivery.event for delivery in claimed] == [call_started()]


async def test_a_malformed_entry_is_delivered_with_its_error(bus, redis):
    async with redis.pipeline(transaction=False) as pipe:
        pipe.xadd(CALLS.key, {"type": "CallEnded", "data": "{"})
        await pipe.execute()

    (delivery,) = await batch(bus.consume([CALLS], "store", "one"))

    assert delivery.event is None
    assert delivery.error.startswith("CallEnded: ")


async def test_a_consumer_survives_a_flush(bus, redis):
    source = bus.consume([CALLS], "store", "one")
    await bus.publish([(CALLS, call_started())])
    await batch(source)

    waiting = asyncio.ensure_future(batch(source))
    await redis.flushdb()
    await bus.publish([(CALLS, call_ended())])

    assert [delivery.event for delivery in await waiting] == [call_ended()]


async def test_a_tail_survives_a_flush_and_loses_nothing_between_reads(bus, redis):
    await bus.publish([(CALLS, call_started())])
    source = bus.tail([CALLS, SECURITY])
    waiting = asyncio.ensure_future(batch(source))
    await until_blocked(redis)
    await redis.flushdb()
    await the_next_millisecond(redis)  # entry ids are made of it
    await bus.publish([(CALLS, call_answered())])

    assert [delivery.event for delivery in await waiting] == [call_answered()]
    await bus.publish([(CALLS, call_ended())])  # nobody is reading now
    assert [delivery.event for delivery in await batch(source)] == [call_ended()]


async def test_a_tail_goes_on_when_the_streams_are_lost_and_the_clock_was_set_back(bus, redis):
    await bus.publish([(CALLS, call_started())])
    waiting = asyncio.ensure_future(batch(bus.tail([CALLS])))
    await until_blocked(redis)

    await redis.flushdb()
    await redis.xadd(CALLS.key, encode(call_answered()), id="1-1")

    assert [delivery.event for delivery in await waiting] == [call_answered()]


async def test_a_consumer_waits_for_a_broker_that_is_away(broker_process, own_bus):
    bus = own_bus
    source = bus.consume([CALLS], "store", "one")
    await bus.publish([(CALLS, call_started())])
    await batch(source)

    waiting = asyncio.ensure_future(batch(source))
    broker_process.stop()
    with pytest.raises(BrokerLost):
        await bus.publish([(CALLS, call_ended())])
    broker_process.start()
    await bus.publish([(CALLS, call_ended())])

    taken = await waiting
    while taken[-1].event != call_ended():
        taken = await batch(source)


async def test_an_outbox_keeps_events_until_the_broker_is_back(broker_process, own_bus):
    outbox = Outbox(own_bus)
    broker_process.stop()
    running = asyncio.ensure_future(outbox.run())
    outbox.put(CALLS, call_started())
    outbox.put(CALLS, call_ended())
    broker_process.start()

    source = own_bus.consume([CALLS], "store", "one")
    taken = await batch(source)
    if len(taken) == 1:
        taken += await batch(source)

    assert [delivery.event for delivery in taken] == [call_started(), call_ended()]
    assert outbox.dropped == 0
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_full_outbox_drops_the_oldest_and_counts(bus):
    outbox = Outbox(bus, capacity=2)
    for n in range(3):
        outbox.put(CALLS, call_started(call_id=f"call-{n}"))

    await outbox.close()

    kept = await batch(bus.consume([CALLS], "store", "one"))
    assert [delivery.event.call_id for delivery in kept] == ["call-1", "call-2"]
    assert outbox.dropped == 1


async def test_trimming_stays_behind_the_slowest_group(bus, redis):
    await bus.publish([(CALLS, call_started(call_id=f"call-{n}")) for n in range(300)])
    fast = bus.consume([CALLS], "fast", "one", count=300)
    slow = bus.consume([CALLS], "slow", "one", count=1)
    await bus.acknowledge("fast", await batch(fast))
    await batch(slow)

    assert await bus.trim(CALLS, await after_everything(redis)) == 0
    assert await redis.xlen(CALLS.key) == 300

    async with asyncio.timeout(10):
        async for taken in bus.consume([CALLS], "slow", "one", count=300):
            await bus.acknowledge("slow", taken)
            if taken[-1].event.call_id == "call-299":
                break
    assert await bus.trim(CALLS, await after_everything(redis)) == 0
    assert await redis.xlen(CALLS.key) < 300


async def test_the_hard_cap_holds_without_any_reader_and_the_loss_is_counted(bus, redis):
    small = media_stream("w")
    await bus.publish([(small, media_assigned(media_id=f"m-{n}")) for n in range(10)])

    dropped = await bus.trim(replace(small, hard_cap=4), AT)

    assert dropped == 6
    assert await redis.xlen(small.key) == 4


async def test_what_somebody_waits_for_is_not_gathered(bus, monkeypatch):
    monkeypatch.setattr("shared.broker.outbox.GATHER_S", 3600.0)
    outbox, stream = Outbox(bus), flow_stream("one")
    running = asyncio.ensure_future(outbox.run())
    arrived = asyncio.ensure_future(batch(bus.tail([stream], after={stream.key: "0-0"})))

    outbox.put(CALLS, call_started())
    outbox.put(stream, FlowLost(at=AT, by="two", transport="tcp", local="192.0.2.1:1", remote="192.0.2.2:2"))

    assert isinstance((await arrived)[0].event, FlowLost)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_state_is_created_where_there_is_none(redis):
    state = State(redis)

    assert await state.create("vqm:x", "one", 60)
    assert not await state.create("vqm:x", "two", 60)
    assert await state.get("vqm:x") == "one"


async def test_state_is_replaced_only_by_who_saw_it_last(redis):
    state = State(redis)

    assert await state.compare_and_set("vqm:x", None, "one", 60)
    assert not await state.compare_and_set("vqm:x", None, "two", 60)
    assert await state.compare_and_set("vqm:x", "one", "two", 60)
    assert await state.get("vqm:x") == "two"
    assert await state.compare_and_set("vqm:x", "two", None, 60)
    assert await state.get("vqm:x") is None


def status(worker: str, load: int) -> WorkerStatus:
    return WorkerStatus(
        worker=worker, at=AT, address="127.0.0.1", port_min=20000, port_max=20009, capacity=5, load=load
    )


async def test_the_least_loaded_worker_comes_first_and_a_dead_one_not_at_all(redis):
    workers = Workers(redis)
    assert not await workers.announce(status("busy", 3))
    assert not await workers.announce(status("idle", 1))
    assert not await workers.announce(status("gone", 0))
    assert await workers.announce(status("busy", 3))
    await workers.withdraw("gone")

    assert [worker.worker for worker in await workers.live()] == ["idle", "busy"]


async def test_ports_go_round_in_a_circle(redis):
    workers = Workers(redis)
    await workers.set_free("w", range(20000, 20008, 2))

    first = await workers.lease("w", 2, AT)
    second = await workers.lease("w", 2, AT)
    assert sorted(first + second) == [20000, 20002, 20004, 20006]
    assert await workers.lease("w", 2, AT) == []  # all or nothing

    await workers.opened("w", "media-1", first)
    assert await workers.wait_opened("media-1", 1)
    assert not await workers.wait_opened("media-2", 0.01)
    assert await workers.reclaim("w", AT + 60) == 2  # no assignment followed
    assert sorted(await workers.lease("w", 2, AT)) == sorted(second)
    await workers.give_back("w", first)
    assert sorted(await workers.lease("w", 2, AT)) == sorted(first)


async def test_a_leased_port_is_not_declared_free(redis):
    workers = Workers(redis)
    await workers.set_free("w", [20000, 20002])
    (leased,) = await workers.lease("w", 1, AT)

    await workers.set_free("w", [20000, 20002])

    (other,) = await workers.lease("w", 1, AT)
    assert {leased, other} == {20000, 20002}


async def test_assignments_outlive_the_worker_and_it_is_told(bus, redis):
    workers = Workers(redis)
    assigned = media_assigned()
    await workers.assign("w", assigned)

    assert await workers.assignments("w") == [assigned]
    (delivery,) = await batch(bus.consume([media_stream("w")], "worker", "w"))
    assert delivery.event == assigned


async def until_blocked(redis) -> None:
    async with asyncio.timeout(10):
        while not any("b" in client["flags"] for client in await redis.client_list()):  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)


async def the_next_millisecond(redis) -> None:
    began = await redis.time()
    async with asyncio.timeout(10):
        while (now := await redis.time())[0] == began[0] and now[1] // 1000 == began[1] // 1000:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)


async def after_everything(redis) -> float:
    seconds, _ = await redis.time()
    return float(seconds) + 2 * CALLS.keep_s
