"""Ports of the relay that open, close, and cannot be opened."""

import socket
from pathlib import Path

import pytest

from rtp_analyzer.taps.relay import PortUnavailable
from shared.events import MediaLeg
from tests.integration.relay.calls import ALICE_SSRC, PROOF, call, wall_ns
from tests.integration.rtp_phone import voice
from tests.ports import HOST

pytestmark = pytest.mark.integration


async def test_a_closed_port_is_free_at_once_and_an_open_one_is_taken(relay, alice_calls_bob, ports):
    other = alice_calls_bob.model_copy(update={"media_id": "media-2"})
    with pytest.raises(PortUnavailable, match=f"port {ports[0]} relays another call"):
        relay.open(other)
    relay.close("media-1", wall_ns())

    relay.open(other)

    assert list(relay.media) == ["media-2"]


async def test_a_port_of_another_process_leaves_nothing_half_open(relay, alice, ports):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, ports[1] + 1))
        with pytest.raises(PortUnavailable, match=f"port {ports[1] + 1}: Address already in use"):
            relay.open(call(alice.leg("caller"), MediaLeg(party="callee", port=ports[1])))

    assert not relay.media
    relay.open(call(alice.leg("caller"), MediaLeg(party="callee", port=ports[1])))


async def test_a_port_outside_the_range_is_refused(relay, ports):
    with pytest.raises(PortUnavailable, match="not one of ours"):
        relay.open(call(MediaLeg(party="caller", port=ports[0] + 1)))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_many_calls_leave_no_descriptor_and_no_state(relay, alice, bob):
    media = call(alice.leg("caller"), bob.leg("callee"))
    packets = voice(PROOF, ssrc=ALICE_SSRC)
    before = open_descriptors()

    for number in range(2000):
        relay.open(media)
        if number % 10 == 0:
            alice.send(packets)
            assert len(bob.received(PROOF)) == PROOF
        relay.close("media-1", wall_ns())

    assert open_descriptors() == before
    assert relay.heard() == {}
    assert not relay.media
    assert not relay.cut(wall_ns())
