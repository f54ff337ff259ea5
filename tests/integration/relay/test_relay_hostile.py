"""What is no RTP or RTCP, or comes from elsewhere, is counted and harms nothing: not the call's numbers, not memory."""

import struct
from random import Random

import pytest

from rtp_analyzer.taps.relay import Relay
from tests.integration.relay.calls import ALICE_SSRC, BOB_SSRC, PROOF, counted, reports, wall_ns
from tests.integration.rtp_phone import RtpPhone, sender_report, voice
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

RTP = voice(1, ssrc=ALICE_SSRC)[0].encode()
REPORT = sender_report(ALICE_SSRC)
NO_RTP = {
    "empty": b"",
    "one octet": b"\x80",
    "half a header": RTP[:11],
    "version 0": b"\x00" + RTP[1:],
    "version 1": b"\x40" + RTP[1:],
    "version 3": b"\xc0" + RTP[1:],
    "contributing sources that are not there": b"\x8f" + RTP[1:40],
    "an extension longer than the packet": b"\x90" + RTP[1:12] + struct.pack("!HH", 0xBEDE, 0xFFFF),
    "an extension without its length": b"\x90" + RTP[1:12] + b"\xbe",
    "more padding than packet": b"\xa0" + RTP[1:-1] + b"\xff",
    "no padding where some is announced": b"\xa0" + RTP[1:-1] + b"\x00",
    "STUN": bytes.fromhex("000100002112a442") + bytes(12),
    "DTLS": b"\x16\xfe\xfd" + bytes(30),
}


async def prove(relay: Relay, alice: RtpPhone, bob: RtpPhone) -> None:
    """Both sources are certain."""
    alice.send(voice(PROOF, ssrc=ALICE_SSRC))
    bob.send(voice(PROOF, ssrc=BOB_SSRC))
    await counted(relay, "packets_relayed", 2 * PROOF)
    assert (len(bob.received(PROOF)), len(alice.received(PROOF))) == (PROOF, PROOF)


def turned_away(relay: Relay) -> int:
    """Datagrams that went nowhere. From the host of a party, on its RTCP port, some may look like RTCP by chance."""
    counters = relay.counters()
    return sum(counters[name] for name in ("packets_refused", "packets_not_rtp", "rtcp_received"))


async def all_turned_away(relay: Relay, count: int) -> None:
    await wait_until(lambda: turned_away(relay) == count, f"{count} datagrams are turned away")


@pytest.mark.parametrize("datagram", NO_RTP.values(), ids=NO_RTP.keys())
async def test_what_is_no_rtp_goes_no_further(relay, alice_calls_bob, alice, bob, datagram):
    await prove(relay, alice, bob)

    alice.rtp.sendto(datagram, (HOST, alice.port))

    await counted(relay, "packets_not_rtp", 1)
    assert bob.nothing_more()
    assert reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].total.packets_received == PROOF


@pytest.mark.parametrize("datagram", [b"", REPORT[:3], b"\x00" + REPORT[1:], b"\xc0" + REPORT[1:], RTP], ids=repr)
async def test_what_is_no_rtcp_does_not_pass_the_rtcp_port(relay, alice_calls_bob, alice, bob, datagram):
    await prove(relay, alice, bob)

    alice.send_rtcp(datagram)

    await counted(relay, "packets_not_rtp", 1)
    assert bob.received_rtcp(1, within_s=0.0) == []


@pytest.mark.parametrize("octets", [2049, 9000, 65_507])
async def test_a_datagram_that_no_frame_carries_is_not_relayed_in_part(relay, alice_calls_bob, alice, bob, octets):
    await prove(relay, alice, bob)

    alice.rtp.sendto(RTP.ljust(octets, b"\0"), (HOST, alice.port))

    await counted(relay, "packets_truncated", 1)
    assert bob.nothing_more()


async def test_random_datagrams_on_both_ports_change_no_number(relay, alice_calls_bob, alice, bob, stranger):
    noise = Random(3)
    await prove(relay, alice, bob)

    for number in range(5000):
        datagram = noise.randbytes(noise.randrange(300))
        target = (HOST, alice.port + number % 2)
        stranger.rtp.sendto(datagram, target)
        if number % 100 == 99:
            await all_turned_away(relay, number + 1)

    alice.send(voice(20, ssrc=ALICE_SSRC, first=1000 + PROOF))
    assert len(bob.received(20)) == 20
    measured = reports(relay.close("media-1", wall_ns()))
    assert {ssrc: report.total.packets_received for ssrc, report in measured.items()} == {
        ALICE_SSRC: PROOF + 20,
        BOB_SSRC: PROOF,
    }
    assert measured[ALICE_SSRC].total.packets_lost == 0


async def test_a_source_that_changes_after_the_lock_is_refused_until_sdp_says_so(
    relay, alice_calls_bob, alice, bob, phone
):
    """NAT rebinding without a word: who could move a call by a packet could steal it."""
    await prove(relay, alice, bob)
    rebound = phone(alice.port)

    rebound.send(voice(20, ssrc=ALICE_SSRC, first=1000 + PROOF))

    await counted(relay, "packets_refused", 20)
    assert bob.nothing_more()
    bob.send(voice(5, ssrc=BOB_SSRC, first=1000 + PROOF))
    assert len(alice.received(5)) == 5
    assert rebound.nothing_more()
