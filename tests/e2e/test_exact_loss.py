"""The loss that is shown is the loss that was injected, to the packet, however one asks."""

import random

import pytest

from tests.e2e.scripted_caller import scripted_caller, send_pattern
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

PACKETS = 1000
# Singles, a run of eight, and the neighbours of the first and the last packet, which themselves arrive.
DROPPED = frozenset({1, PACKETS - 2, *range(500, 508), *random.Random(2).sample(range(2, PACKETS - 2), 40)})


async def test_every_lost_packet_is_counted_and_no_other(system, rest):
    async with rest.live_updates() as updates:
        call_id = await call_with_pattern(system)
        call = await wait_until(lambda: rest.ended_call(call_id), "the final report is stored")
        pushed = await updates.call(call_id, lambda call: call["directions"]["caller"]["packets_expected"] == PACKETS)

    assert the_counts(call["directions"]["caller"]) == injected()
    assert the_counts(call["streams"][0]["total"]) == injected()
    assert the_counts(pushed["directions"]["caller"]) == injected()
    ended = [event for event in system.events("vqm:metrics") if event["type"] == "StreamEnded"]
    reports = [event["report"] for event in ended if event["call_id"] == call_id]
    assert [the_counts(report["total"]) for report in reports if report["direction"] == "caller"] == [injected()]


async def call_with_pattern(system):
    async with scripted_caller(system.sip, "gateway-test", "TestMonitor123") as caller:
        answer = await caller.invite("999")
        assert answer.code == 200
        await send_pattern(caller.rtp, answer.media_address, PACKETS, DROPPED)
        await caller.bye(answer)
        return caller.call_id


def injected():
    lost = len(DROPPED)
    return PACKETS, PACKETS - lost, lost, 100 * lost / PACKETS, 0, 0


def the_counts(measures):
    names = ("packets_expected", "packets_received", "packets_lost", "loss_percent", "duplicates", "reordered")
    return tuple(pytest.approx(measures[name]) for name in names)
