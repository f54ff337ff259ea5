"""The extensions that let users check the monitor itself: what 997 injects arrives, what 996 measured is spoken."""

import contextlib

import pytest

from tests.e2e.scripted_caller import scripted_caller, send_pattern
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

PROOF = 3  # packets that come before the source is certain, and are not sent back


async def test_997_sends_back_what_it_announces_and_measures_what_it_gets(system, rest):
    sent = 200

    async with scripted_caller(system.sip, "gateway-test", "TestMonitor123") as caller:
        answer = await caller.invite("997")
        await send_pattern(caller.rtp, answer.media_address, sent, (), pause_s=0.02)
        lost = sent - PROOF - len(received(caller.rtp))
        await caller.bye(answer)
    call = await wait_until(lambda: rest.ended_call(caller.call_id), "the final report is stored")

    assert call["injected"] == {"loss_percent": 3, "jitter_ms": 20}
    # four standard deviations of the binomial distribution, and the two packets at most that were on their way
    assert 0 < lost < 0.03 * sent + 4 * (sent * 0.03 * 0.97) ** 0.5 + 2
    assert call["directions"]["caller"]["packets_received"] == sent
    assert call["directions"]["caller"]["packets_lost"] == 0


async def test_996_speaks_and_hangs_up(system, rest):
    async with scripted_caller(system.sip, "gateway-test", "TestMonitor123") as caller:
        answer = await caller.invite("996")
        await send_pattern(caller.rtp, answer.media_address, 100, range(50, 60))
        assert received(caller.rtp) == []
        await caller.is_hung_up(within_s=45)
        spoken = received(caller.rtp)
    call = await wait_until(lambda: rest.ended_call(caller.call_id), "the final report is stored")

    assert len(spoken) > 100
    assert {datagram[1] & 0x7F for datagram in spoken} == {8}
    assert (call["hangup_by"], call["reason"]) == ("proxy", "the result was spoken")
    assert call["directions"]["caller"]["loss_percent"] == 10


def received(rtp):
    """What waits at the socket, which holds some seconds."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(rtp.recv(2048))
    return found
