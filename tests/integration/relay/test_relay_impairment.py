"""The echo that is impaired on its way back: what comes back is what was announced, what was sent is measured whole."""

import asyncio
import itertools
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.taps.libc import SO_TIMESTAMPNS
from rtp_analyzer.taps.relay import Relay
from shared.events import Impairment, MediaAssigned
from tests.integration.relay.calls import ALICE_SSRC, PROOF, call, counted, reports, wall_ns
from tests.integration.rtp_phone import RtpPhone, sender_report, voice
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SEED = 3550


def impaired(alice: RtpPhone, loss_percent: float, jitter_ms: float, seed: int = SEED) -> MediaAssigned:
    impairment = Impairment(loss_percent=loss_percent, jitter_ms=jitter_ms, seed=seed)
    return call(alice.leg("caller"), mode="echo", impairment=impairment)


def splitmix64(seed: int) -> Iterator[int]:
    """The published generator, apart from the compiled one."""
    mask = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        mixed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9 & mask
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & mask
        yield mixed ^ (mixed >> 31)


def sequences(datagrams: list[bytes]) -> list[int]:
    return [RtpPacket.decode(datagram).sequence for datagram in datagrams]


async def lost_on_return(relay: Relay, alice: RtpPhone, media: MediaAssigned, count: int) -> set[int]:
    """Which of the packets of one call did not come back, by their place after the proof."""
    before = relay.counters()
    relay.open(media)
    came: list[bytes] = []
    packets = voice(count, ssrc=ALICE_SSRC, first=0)
    for start in range(0, count, 100):
        alice.send(packets[start : start + 100])
        came += alice.received(100, within_s=0.0)
    passed_or_dropped = ("packets_relayed", "packets_dropped_on_purpose")

    def served() -> bool:
        now = relay.counters()
        return sum(now[name] - before[name] for name in passed_or_dropped) == count - (PROOF - 1)

    await wait_until(served, "all packets are served")
    came += alice.received(count, within_s=0.0)
    total = reports(relay.close(media.media_id, wall_ns()))[ALICE_SSRC].total
    assert (total.packets_expected, total.packets_received, total.packets_lost) == (count, count, 0)
    assert sequences(came) == sorted(sequences(came))
    return set(range(PROOF - 1, count)) - set(sequences(came))


async def test_the_loss_on_return_is_the_announced_one_and_the_seed_says_which_packets(relay, alice):
    count, percent = 2000, 3.0

    first = await lost_on_return(relay, alice, impaired(alice, percent, 0), count)
    again = await lost_on_return(relay, alice, impaired(alice, percent, 0), count)
    other = await lost_on_return(relay, alice, impaired(alice, percent, 0, seed=SEED + 1), count)

    draws = splitmix64(SEED)
    foretold = {place for place in range(PROOF - 1, count) if next(draws) >> 32 < percent / 100 * 2**32}
    assert first == again == foretold
    assert other != first
    # four standard deviations of the binomial distribution
    sigma = (count * 0.03 * 0.97) ** 0.5
    assert all(abs(len(lost) - 0.03 * count) < 4 * sigma for lost in (first, other))


def arrivals(phone: RtpPhone, count: int) -> list[tuple[int, RtpPacket]]:
    """The next datagrams with the kernel's receive time in nanoseconds."""
    found = []
    for _ in range(count):
        datagram, control, _, _ = phone.rtp.recvmsg(2048, 64)
        [(_, kind, stamp)] = control
        assert kind == SO_TIMESTAMPNS
        seconds, nanoseconds = struct.unpack("=qq", stamp)
        found.append((seconds * 10**9 + nanoseconds, RtpPacket.decode(datagram)))
    return found


def jitter_ms(seen: list[tuple[int, RtpPacket]]) -> float:
    """RFC 3550 A.8, written again."""
    jitter = 0.0
    transits = [at_ns / 1e6 - packet.timestamp / 8 for at_ns, packet in seen]
    for before, now in itertools.pairwise(transits):
        jitter += (abs(now - before) - jitter) / 16
    return jitter


async def speak(alice: RtpPhone, count: int, ptime_s: float) -> None:
    """At the pace of a phone, each packet with the moment at which it is really sent: this machine may be late."""
    started = time.monotonic()
    for i, packet in enumerate(voice(count, ssrc=ALICE_SSRC, first=0)):
        await asyncio.sleep(max(0.0, started + i * ptime_s - time.monotonic()))
        alice.send([replace(packet, timestamp=int((time.monotonic() - started) * 8000))])


@pytest.mark.parametrize(
    ("loss_percent", "announced_ms", "ptime_s"), [(0.0, 20.0, 0.02), (5.0, 20.0, 0.03), (0.0, 5.0, 0.02)]
)
async def test_the_jitter_on_return_is_the_announced_one_also_where_packets_are_lost(
    relay, alice, loss_percent, announced_ms, ptime_s
):
    count = 100
    alice.rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    relay.open(impaired(alice, loss_percent, announced_ms))

    await speak(alice, count, ptime_s)
    await wait_until(lambda: relay.counters()["packets_received"] == count, "all arrived")
    kept = count - (PROOF - 1) - relay.counters()["packets_dropped_on_purpose"]
    await counted(relay, "packets_relayed", kept)
    seen = arrivals(alice, kept)

    sequences_seen = [packet.sequence for _, packet in seen]
    assert sequences_seen == sorted(sequences_seen)
    assert reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].total.packets_lost == 0
    foretold_ms = announced_ms * (1 - (15 / 16) ** (kept - 1))
    assert jitter_ms(seen) == pytest.approx(foretold_ms, abs=1.5)


async def test_only_rtp_is_impaired(relay, alice):
    relay.open(impaired(alice, 100, 20))
    alice.send(voice(50, ssrc=ALICE_SSRC))
    await counted(relay, "packets_dropped_on_purpose", 50 - (PROOF - 1))

    alice.send_rtcp(sender_report(ALICE_SSRC))

    assert alice.received_rtcp(1) == [sender_report(ALICE_SSRC)]
    assert alice.nothing_more()


async def test_a_flood_is_held_in_order_up_to_a_fixed_number(relay, alice):
    relay.open(impaired(alice, 0, 20))

    alice.send(voice(400, ssrc=ALICE_SSRC))
    await wait_until(lambda: relay.counters()["packets_received"] == 400, "all arrived")
    not_held = relay.counters()["packets_not_held"]
    came = alice.received(400 - (PROOF - 1) - not_held)

    assert not_held > 300
    assert len(came) == 400 - (PROOF - 1) - not_held
    assert sequences(came) == sorted(sequences(came))


async def test_a_call_that_ends_takes_its_held_packets_along(relay, alice, ports, phone):
    other = phone(ports[1])
    for _ in range(3):
        relay.open(impaired(alice, 0, 20))
        alice.send(voice(10, ssrc=ALICE_SSRC))
        relay.close("media-1", wall_ns())
    alice.received(30, within_s=0.1)

    relay.open(impaired(other, 0, 20))
    said = voice(10, ssrc=ALICE_SSRC)
    other.send(said)

    assert other.received(7) == [packet.encode() for packet in said[PROOF - 1 :]]
    assert alice.nothing_more()
