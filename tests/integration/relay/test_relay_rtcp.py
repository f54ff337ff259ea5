"""RTCP through the relay: read on its way, from the real sockets to the delay and the word of the other end."""

import struct
import time
from collections.abc import Iterable

import pytest

from rtp_analyzer.measure.rtcp import MediumRtcp, Rtcp, RtcpDatagram
from rtp_analyzer.reports import Reporter
from rtp_analyzer.taps.legs import RTCP_KEPT_A_LEG, RTCP_OCTETS
from rtp_analyzer.taps.relay import Relay
from shared.events import MediaAssigned, SlicesMeasured, decode, encode
from tests.integration.relay.calls import ALICE_SSRC, BOB_SSRC, PROOF, call, counted, wall_ns
from tests.integration.rtp_phone import RtpPhone, voice
from tests.ports import HOST
from tests.unit.rtp_analyzer.rtcp_builders import (
    block,
    extended_report,
    goodbye,
    receiver_report,
    reference_delay,
    reference_time,
    sender_report,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# What scheduling on a busy machine may add to a round trip on loopback.
SLACK_MS = 50
HELD_MS = 20  # what a phone takes for an answer, and says so in DLSR
FAR_MS = 80  # what it takes besides without saying so: a network of that length


def ntp() -> int:
    """The wall clock as a phone writes it."""
    seconds = time.time() + 2_208_988_800
    return int(seconds * 2**32)


async def passes(milliseconds: float) -> None:
    """Comes back when so much time has passed."""
    due = time.monotonic() + milliseconds / 1000
    await wait_until(lambda: time.monotonic() >= due, "time passes")


async def answer(phone: RtpPhone, own_ssrc: int, ssrc: int, *, away_ms: float = 0.0, lost: int = 0) -> None:
    """Waits for an SR of `ssrc` and reports on its stream, as from a phone that is a round trip of `away_ms` away."""
    (report,) = phone.received_rtcp(1)
    got = time.monotonic()
    await passes(HELD_MS)
    held_s = time.monotonic() - got
    await passes(away_ms)
    phone.send_rtcp(receiver_report(own_ssrc, answering(ssrc, report, held_s, lost)))


def answering(ssrc: int, report: bytes, held_s: float, lost: int = 0) -> bytes:
    (middle,) = struct.unpack_from("!I", report, 10)  # of the NTP time of an SR
    return block(ssrc, lost=lost, last_report=middle, delay_since=round(held_s * 65_536))


async def heard(relay: Relay, count: int) -> MediumRtcp:
    """What `count` RTCP datagrams to the relay said."""
    await counted(relay, "rtcp_received", count)
    return folded(relay.take_rtcp())


def folded(datagrams: Iterable[RtcpDatagram]) -> MediumRtcp:
    rtcp = Rtcp()
    for datagram in datagrams:
        rtcp.hear(datagram)
    return rtcp.of("media-1")


async def test_the_round_trip_to_each_phone_is_measured_and_added_up(relay, alice_calls_bob, alice, bob):
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    await answer(bob, BOB_SSRC, ALICE_SSRC, away_ms=FAR_MS)
    assert len(alice.received_rtcp(1)) == 1
    bob.send_rtcp(sender_report(BOB_SSRC, ntp()))
    await answer(alice, ALICE_SSRC, BOB_SSRC)

    medium = await heard(relay, 4)

    to_bob, to_alice = medium.round_trips("callee").mean_ms, medium.round_trips("caller").mean_ms
    assert to_bob == pytest.approx(FAR_MS + SLACK_MS / 2, abs=SLACK_MS / 2 + 1)
    assert to_alice == pytest.approx(SLACK_MS / 2, abs=SLACK_MS / 2 + 1)
    assert medium.mean_round_trip_ms == pytest.approx((to_bob or 0) + (to_alice or 0))


async def test_the_whole_way_from_sockets_to_the_published_delay(relay, alice_calls_bob, alice, bob):
    reporter = Reporter("w")
    alice.send(voice(50, ssrc=ALICE_SSRC))
    bob.send(voice(50, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 100)
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    await answer(bob, BOB_SSRC, ALICE_SSRC, away_ms=FAR_MS, lost=7)
    alice.received_rtcp(1)
    bob.send_rtcp(sender_report(BOB_SSRC, ntp()))
    await answer(alice, ALICE_SSRC, BOB_SSRC, away_ms=FAR_MS)
    await counted(relay, "rtcp_received", 4)

    reporter.hear(relay.take_rtcp())
    (told,) = reporter.tick(relay.cut(wall_ns()), time.time())

    entry = decode(encode(told))
    assert isinstance(entry, SlicesMeasured)
    slices = {piece.direction: piece for piece in entry.slices}
    for piece in slices.values():
        assert piece.delay is not None
        assert piece.delay.source == "rtcp"
        assert piece.delay.rtt_ms == pytest.approx(2 * FAR_MS + SLACK_MS, abs=SLACK_MS + 1)
        assert piece.total.conversational is not None
    assert slices["caller"].remote is not None
    assert (slices["caller"].remote.cumulative_lost, slices["caller"].total.packets_lost) == (7, 0)


async def test_a_phone_that_answers_with_its_own_time_is_not_believed(relay, alice_calls_bob, alice, bob):
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    bob.received_rtcp(1)
    own = ntp()

    liar = block(ALICE_SSRC, last_report=own >> 16 & 0xFFFFFFFF, delay_since=1)
    bob.send_rtcp(sender_report(BOB_SSRC, own, liar))

    medium = await heard(relay, 2)
    assert (medium.round_trips("callee").mean_ms, medium.rejected) == (None, 1)
    assert medium.heard("caller", ALICE_SSRC) is not None


async def test_reference_times_measure_a_phone_that_only_listens(relay, alice_calls_bob, alice, bob):
    reference = ntp()
    alice.send_rtcp(extended_report(ALICE_SSRC, reference_time(reference)))
    bob.received_rtcp(1)
    await passes(HELD_MS + FAR_MS)

    held = reference_delay(ALICE_SSRC, reference >> 16 & 0xFFFFFFFF, round(HELD_MS / 1000 * 65_536))
    bob.send_rtcp(extended_report(BOB_SSRC, held))

    medium = await heard(relay, 2)
    assert medium.round_trips("callee").mean_ms == pytest.approx(FAR_MS + SLACK_MS / 2, abs=SLACK_MS / 2 + 1)


async def test_rtcp_on_the_rtp_port_is_read_too(relay, alice_calls_bob, alice, bob):
    alice.send(voice(PROOF, ssrc=ALICE_SSRC))
    bob.send(voice(PROOF, ssrc=BOB_SSRC))
    assert len(bob.received(PROOF)) == len(alice.received(PROOF)) == PROOF
    alice.rtp.sendto(sender_report(ALICE_SSRC, ntp()), (HOST, alice.port))
    (report,) = bob.received(1)
    await passes(HELD_MS)

    reply = receiver_report(BOB_SSRC, answering(ALICE_SSRC, report, HELD_MS / 1000))
    bob.rtp.sendto(reply, (HOST, bob.port))

    assert (await heard(relay, 2)).round_trips("callee").measured == 1


async def test_a_datagram_says_when_it_came_and_when_it_went_on(relay, alice_calls_bob, alice, bob):
    before = wall_ns()
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    assert len(bob.received_rtcp(1)) == 1
    await counted(relay, "rtcp_received", 1)

    (kept,) = relay.take_rtcp()

    assert (kept.sender, kept.counterpart, kept.encrypted) == ("caller", "callee", False)
    assert kept.forwarded_ns is not None
    assert before <= kept.arrival_ns <= kept.forwarded_ns <= wall_ns()
    assert kept.octets[:2] == b"\x80\xc8"
    assert relay.take_rtcp() == []


async def test_what_nobody_could_be_sent_is_not_taken_for_sent(relay, alice, bob):
    unanswered = bob.leg("callee", remote_address=None, remote_port=None, remote_rtcp_port=None)
    relay.open(call(alice.leg("caller"), unanswered))

    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))

    await counted(relay, "rtcp_received", 1)
    (kept,) = relay.take_rtcp()
    assert kept.forwarded_ns is None


async def test_an_echo_is_its_own_counterpart(relay, alice):
    relay.open(call(alice.leg("caller"), mode="echo"))
    alice.send(voice(PROOF, ssrc=ALICE_SSRC))
    await counted(relay, "packets_received", PROOF)
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    await answer(alice, ALICE_SSRC, ALICE_SSRC, away_ms=FAR_MS, lost=2)

    medium = await heard(relay, 2)

    assert medium.mean_round_trip_ms == pytest.approx(FAR_MS + SLACK_MS / 2, abs=SLACK_MS / 2 + 1)
    said = medium.heard("caller", ALICE_SSRC)
    assert said is not None
    assert said.block is not None
    assert said.block.cumulative_lost == 2


async def test_encrypted_rtcp_passes_unread(relay, alice, bob):
    relay.open(call(alice.leg("caller", encrypted=True), bob.leg("callee", encrypted=True)))
    alice.send_rtcp(sender_report(ALICE_SSRC, ntp()))
    assert len(bob.received_rtcp(1)) == 1
    rtcp = Rtcp()

    for datagram in relay.take_rtcp():
        rtcp.hear(datagram)

    assert rtcp.counters()["rtcp_encrypted"] == 1


async def test_the_last_words_of_a_call_are_read_after_its_end(relay, alice_calls_bob, alice, bob):
    alice.send_rtcp(receiver_report(ALICE_SSRC) + goodbye(ALICE_SSRC))
    await counted(relay, "rtcp_received", 1)

    relay.close("media-1", wall_ns())

    assert folded(relay.take_rtcp()).has_ended("caller", ALICE_SSRC)
    assert relay.take_rtcp() == []


async def test_a_flood_of_rtcp_is_relayed_but_takes_no_more_room_than_its_share(relay, alice_calls_bob, alice, bob):
    for sent in range(1, 501):
        alice.send_rtcp(receiver_report(ALICE_SSRC))
        if sent % 100 == 0:  # no more than a socket holds
            await counted(relay, "rtcp_received", sent)
    bob.send_rtcp(receiver_report(BOB_SSRC))
    await counted(relay, "rtcp_received", 501)

    kept = relay.take_rtcp()

    assert relay.counters()["rtcp_relayed"] == 501
    assert [datagram.sender for datagram in kept] == ["caller"] * RTCP_KEPT_A_LEG + ["callee"]
    assert relay.counters()["rtcp_not_kept"] == 500 - RTCP_KEPT_A_LEG


async def test_room_is_free_again_after_each_reading(relay, alice_calls_bob, alice):
    for round_ in range(1, 4):
        for _ in range(RTCP_KEPT_A_LEG):
            alice.send_rtcp(receiver_report(ALICE_SSRC))
        await counted(relay, "rtcp_received", round_ * RTCP_KEPT_A_LEG)

        assert len(relay.take_rtcp()) == RTCP_KEPT_A_LEG
    assert relay.counters()["rtcp_not_kept"] == 0


async def test_a_datagram_too_large_to_keep_is_relayed_and_counted(relay, alice_calls_bob, alice, bob):
    large = receiver_report(ALICE_SSRC, *(block(ssrc) for ssrc in range(31)))
    assert len(large) > RTCP_OCTETS

    alice.send_rtcp(large)

    assert bob.received_rtcp(1) == [large]
    assert relay.take_rtcp() == []
    assert relay.counters()["rtcp_not_kept"] == 1


async def test_garbage_that_looks_like_rtcp_is_relayed_and_counted(relay, alice_calls_bob: MediaAssigned, alice, bob):
    garbage = b"\x9f\xc9\x00\x01" + bytes(60)
    reporter = Reporter("w")

    alice.send_rtcp(garbage)

    assert bob.received_rtcp(1) == [garbage]
    reporter.hear(relay.take_rtcp())
    assert reporter.counters()["rtcp_malformed"] == 1
