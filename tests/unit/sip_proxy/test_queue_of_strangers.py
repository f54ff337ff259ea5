"""Strangers are read in order, a little at a time, and no more of them than we can read."""

import asyncio
import time

from sip_proxy.effects import Flow
from sip_proxy.queue_of_strangers import LIMIT, TURN_S, QueueOfStrangers
from tests.unit.sip_proxy.builders import FROM_ALICE
from tests.waiting import wait_until


async def test_they_are_read_in_order() -> None:
    read: list[bytes] = []
    queue = QueueOfStrangers(lambda octets, flow: read.append(octets))

    for number in range(10):
        assert queue.put(b"%d" % number, FROM_ALICE)
    assert read == []  # never at once

    await wait_until(lambda: len(read) == 10, "all are read")
    assert read == [b"%d" % number for number in range(10)]


async def test_too_many_are_turned_away() -> None:
    read: list[bytes] = []
    queue = QueueOfStrangers(lambda octets, flow: read.append(octets))

    taken = [queue.put(b"", FROM_ALICE) for _ in range(LIMIT + 5)]

    assert taken == LIMIT * [True] + 5 * [False]
    await wait_until(lambda: len(read) == LIMIT, "all that were taken are read")
    assert queue.put(b"", FROM_ALICE)


async def test_others_have_their_turn_while_many_wait() -> None:
    turns: list[int] = []

    def slowly(octets: bytes, flow: Flow) -> None:
        until = time.perf_counter() + TURN_S
        while time.perf_counter() < until:
            pass
        turns.append(len(turns))

    queue = QueueOfStrangers(slowly)
    for _ in range(20):
        queue.put(b"", FROM_ALICE)

    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert 1 <= len(turns) <= 2
    queue.close()
