"""The relay on real sockets: what goes in comes out on the other side, and is counted to the packet."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from rtp_analyzer.measure.slices import build_report
from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.taps.relay import Closed, PortUnavailable, Relay
from shared.events import MediaAssigned, MediaLeg, MediaUpdated, PayloadFormat, StreamReport
from shared.testing import AT, PCMA, media_assigned
from tests.integration.rtp_phone import HOST, RtpPhone, free_ports, sender_report, voice
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ALICE_SSRC = 0xA11CE
BOB_SSRC = 0xB0B
PROOF = 4  # packets after which a source is certain


@pytest.fixture
def ports() -> range:
    return free_ports(4)


@pytest.fixture
def relay(ports: range) -> Iterator[Relay]:
    running = Relay(HOST, ports, max_descriptors=1024)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def phone() -> Iterator[Callable[[int], RtpPhone]]:
    phones: list[RtpPhone] = []

    def make(port: int) -> RtpPhone:
        phones.append(RtpPhone(port))
        return phones[-1]

    yield make
    for made in phones:
        made.close()


@pytest.fixture
def alice(ports, phone) -> RtpPhone:
    return phone(ports[0])


@pytest.fixture
def bob(ports, phone) -> RtpPhone:
    return phone(ports[1])


@pytest.fixture
def stranger(ports, phone) -> RtpPhone:
    return phone(ports[0])


def call(*legs: MediaLeg, mode: str = "relay") -> MediaAssigned:
    return media_assigned(legs=legs, mode=mode)


def updated(media: MediaAssigned, *legs: MediaLeg) -> MediaUpdated:
    return MediaUpdated.model_validate({**media.model_dump(exclude={"type"}), "at": AT + 1, "legs": legs})


@pytest.fixture
def alice_calls_bob(relay, alice, bob) -> MediaAssigned:
    media = call(alice.leg("caller"), bob.leg("callee"))
    relay.open(media)
    return media


async def counted(relay: Relay, name: str, count: int) -> None:
    await wait_until(lambda: relay.counters()[name] == count, f"{name} = {count}, is {relay.counters()[name]}")


def reports(closed: Closed) -> dict[int, StreamReport]:
    return {int(cut.slice["ssrc"]): build_report(cut.slice, cut.context, None) for cut in closed.cuts}


def wall_ns() -> int:
    return time.time_ns()


async def test_both_parties_hear_each_other_unchanged(alice_calls_bob, alice, bob):
    said, answered = voice(50, ssrc=ALICE_SSRC), voice(50, ssrc=BOB_SSRC)

    alice.send(said)
    bob.send(answered)

    assert bob.received(50) == [packet.encode() for packet in said]
    assert alice.received(50) == [packet.encode() for packet in answered]


async def test_both_directions_are_measured_for_themselves(relay, alice_calls_bob, alice, bob):
    alice.send(voice(100, ssrc=ALICE_SSRC))
    bob.send(voice(60, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 160)

    measured = reports(relay.close("media-1", wall_ns()))

    assert (measured[ALICE_SSRC].direction, measured[ALICE_SSRC].total.packets_received) == ("caller", 100)
    assert (measured[BOB_SSRC].direction, measured[BOB_SSRC].total.packets_received) == ("callee", 60)
    assert measured[ALICE_SSRC].codec == "PCMA"
    assert measured[ALICE_SSRC].source == f"{HOST}:{alice.rtp.getsockname()[1]}"


async def test_every_twentieth_packet_lost_is_five_percent_in_the_right_direction(relay, alice_calls_bob, alice, bob):
    alice.send(packet for i, packet in enumerate(voice(400, ssrc=ALICE_SSRC)) if i % 20 != 10)
    bob.send(voice(400, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 780)

    measured = reports(relay.close("media-1", wall_ns()))

    lossy, clean = measured[ALICE_SSRC].total, measured[BOB_SSRC].total
    assert (lossy.packets_expected, lossy.packets_lost, lossy.loss_percent) == (400, 20, 5.0)
    assert (clean.packets_expected, clean.packets_lost, clean.loss_percent) == (400, 0, 0.0)


async def test_duplicates_and_reordering_pass_and_are_counted(relay, alice_calls_bob, alice, bob):
    packets = voice(100, ssrc=ALICE_SSRC)
    packets[50], packets[51] = packets[51], packets[50]
    packets[70:70] = [packets[69]]

    alice.send(packets)
    assert bob.received(101) == [packet.encode() for packet in packets]
    total = reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].total

    assert (total.packets_expected, total.packets_received, total.packets_lost) == (100, 101, 0)
    assert (total.duplicates, total.reordered) == (1, 1)


async def test_slices_of_a_second_add_up_to_the_whole(relay, alice_calls_bob, alice):
    packets = voice(90, ssrc=ALICE_SSRC)
    alice.send(packets[:40])
    await counted(relay, "packets_received", 40)
    (first,) = relay.cut(wall_ns())
    alice.send(packets[50:])
    await counted(relay, "packets_received", 80)

    (second,) = relay.close("media-1", wall_ns()).cuts

    assert [int(cut.slice["interval_received"]) for cut in (first, second)] == [40, 40]
    assert [int(cut.slice["interval_expected"]) for cut in (first, second)] == [40, 50]
    assert (first.slot, first.ended, second.ended) == (second.slot, False, True)


async def test_nothing_from_a_third_party_passes_or_counts(relay, alice_calls_bob, alice, bob, stranger):
    packets = voice(60, ssrc=ALICE_SSRC)
    alice.send(packets[:10])
    await counted(relay, "packets_relayed", 10)

    stranger.send(voice(200, ssrc=ALICE_SSRC, first=1010, payload=b"spray" * 32))
    stranger.send(voice(100, ssrc=0xBAD))
    await counted(relay, "packets_refused", 300)
    alice.send(packets[10:])

    assert bob.received(60) == [packet.encode() for packet in packets]
    closed = relay.close("media-1", wall_ns())
    total = reports(closed)[ALICE_SSRC].total
    assert (total.packets_received, total.packets_lost, total.duplicates) == (60, 0, 0)
    assert (list(reports(closed)), closed.refused) == ([ALICE_SSRC], 300)


async def test_a_host_that_belongs_to_neither_sdp_nor_signalling_cannot_become_the_source(relay, alice, bob):
    elsewhere = bob.leg("callee", remote_address="192.0.2.1", signalling_address="192.0.2.2")
    relay.open(call(alice.leg("caller"), elsewhere))

    bob.send(voice(20, ssrc=BOB_SSRC))

    await counted(relay, "packets_refused", 20)
    assert not relay.close("media-1", wall_ns()).cuts
    assert alice.nothing_more()


async def test_a_phone_behind_nat_is_known_by_its_signalling_address(relay, alice, bob):
    behind_nat = bob.leg("callee", remote_address="192.0.2.1", signalling_address=HOST)
    relay.open(call(alice.leg("caller"), behind_nat))
    bob.send(voice(PROOF, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", PROOF)

    alice.send(voice(10, ssrc=ALICE_SSRC))

    assert len(bob.received(10)) == 10


async def test_what_sdp_names_wins_its_proof_under_a_spray(relay, alice_calls_bob, alice, stranger):
    for i in range(100):
        stranger.send(voice(1, ssrc=0xBAD0000 + i))
        if i % 10 == 0:
            alice.send(voice(1, ssrc=ALICE_SSRC, first=1000 + i // 10))

    await wait_until(lambda: sum(relay.counters()[name] for name in ("packets_received", "packets_refused")) >= 110, "")

    closed = relay.close("media-1", wall_ns())
    assert {ssrc: report.total.packets_received for ssrc, report in reports(closed).items()} == {ALICE_SSRC: 10}


async def test_garbage_is_counted_and_harms_nothing(relay, alice_calls_bob, alice, bob, stranger):
    noise = Random(1)
    packets = voice(100, ssrc=ALICE_SSRC)
    alice.send(packets[:50])
    assert len(bob.received(50)) == 50

    for i in range(10_000):
        sender = stranger if i % 2 else alice
        sender.rtp.sendto(bytes(16) + noise.randbytes(noise.randrange(200)), (HOST, alice.port))
        if i % 100 == 99:
            await counted(relay, "packets_not_rtp", (i + 1) // 2)
            await counted(relay, "packets_refused", (i + 1) // 2)
    alice.send(packets[50:])

    assert bob.received(50) == [packet.encode() for packet in packets[50:]]
    closed = relay.close("media-1", wall_ns())
    total = reports(closed)[ALICE_SSRC].total
    assert (total.packets_received, total.packets_lost, closed.refused) == (100, 0, 10_000)


async def test_a_datagram_larger_than_any_frame_is_not_relayed_in_part(relay, alice_calls_bob, alice, bob):
    alice.rtp.sendto(voice(1, ssrc=ALICE_SSRC)[0].encode() + bytes(60_000), (HOST, alice.port))
    await counted(relay, "packets_truncated", 1)

    alice.send(voice(10, ssrc=ALICE_SSRC))

    assert [len(datagram) for datagram in bob.received(10)] == [172] * 10


async def test_more_streams_than_a_leg_has_room_for_are_relayed_but_not_measured(relay, alice_calls_bob, alice, bob):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10

    for start in range(0, 10_000, 100):
        alice.send(voice(1, ssrc=0xF000000 + start + i)[0] for i in range(100))
        assert len(bob.received(100)) == 100
    alice.send(voice(10, ssrc=ALICE_SSRC, first=1010))

    assert len(bob.received(10)) == 10
    measured = reports(relay.close("media-1", wall_ns()))
    assert {ssrc: report.total.packets_received for ssrc, report in measured.items()} == {ALICE_SSRC: 20}
    assert relay.counters()["packets_unmeasured"] == 10_000


async def test_rtcp_crosses_on_its_own_port(alice_calls_bob, alice, bob):
    alice.send_rtcp(sender_report(ALICE_SSRC))

    assert bob.received_rtcp(1) == [sender_report(ALICE_SSRC)]


async def test_rtcp_goes_to_where_the_partys_rtcp_comes_from(relay, alice, bob):
    behind_nat = bob.leg("callee", remote_address="192.0.2.1", signalling_address=HOST)
    relay.open(call(alice.leg("caller"), behind_nat))
    bob.send(voice(PROOF, ssrc=BOB_SSRC))
    assert len(alice.received(PROOF)) == PROOF
    bob.send_rtcp(sender_report(BOB_SSRC))
    assert len(alice.received_rtcp(1)) == 1

    alice.send_rtcp(sender_report(ALICE_SSRC))

    assert bob.received_rtcp(1) == [sender_report(ALICE_SSRC)]


async def test_rtcp_that_shares_the_rtp_port_stays_on_it(alice_calls_bob, alice, bob):
    alice.send(voice(PROOF, ssrc=ALICE_SSRC))
    bob.received(PROOF)

    alice.rtp.sendto(sender_report(ALICE_SSRC), (HOST, alice.port))

    assert bob.received(1) == [sender_report(ALICE_SSRC)]


async def test_the_echo_speaks_only_to_a_source_that_has_proven_itself(relay, alice, stranger):
    relay.open(call(alice.leg("caller"), mode="echo"))
    said = voice(50, ssrc=ALICE_SSRC)

    stranger.send(voice(PROOF - 1, ssrc=0xBAD))
    alice.send(said)
    await counted(relay, "packets_relayed", 50 - (PROOF - 1))
    stranger.send(voice(20, ssrc=0xBAD, first=1003))
    await counted(relay, "packets_refused", PROOF - 1 + 20)

    assert alice.received(47) == [packet.encode() for packet in said[PROOF - 1 :]]
    assert stranger.nothing_more()


async def test_a_new_ssrc_is_a_new_stream_and_no_loss(relay, alice_calls_bob, alice, bob):
    alice.send(voice(30, ssrc=1))
    assert len(bob.received(30)) == 30
    alice.send(voice(30, ssrc=2, first=40_000))
    assert len(bob.received(30)) == 30
    six_seconds_later = wall_ns() + 6 * 10**9
    alice.send(voice(10, ssrc=2, first=40_030))
    assert len(bob.received(10)) == 10

    cuts = relay.cut(six_seconds_later)

    assert {int(cut.slice["ssrc"]): cut.ended for cut in cuts} == {1: True, 2: False}
    assert [int(cut.slice["total_expected"]) for cut in cuts] == [30, 40]
    assert [int(cut.slice["ssrc"]) for cut in relay.close("media-1", six_seconds_later).cuts] == [2]


async def test_silence_alone_ends_no_stream(relay, alice_calls_bob, alice, bob):
    alice.send(voice(30, ssrc=1))
    assert len(bob.received(30)) == 30

    (cut,) = relay.cut(wall_ns() + 60 * 10**9)

    assert not cut.ended


async def test_new_sdp_opens_the_latch_for_the_new_address_alone(relay, alice_calls_bob, alice, bob, phone):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10
    alice_elsewhere = phone(alice.port)

    relay.update(updated(alice_calls_bob, alice_elsewhere.leg("caller"), bob.leg("callee")))
    alice_elsewhere.send(voice(10, ssrc=ALICE_SSRC, first=3000))
    assert len(bob.received(10)) == 10
    alice.send(voice(5, ssrc=ALICE_SSRC, first=1010))
    bob.send(voice(5, ssrc=BOB_SSRC))

    assert len(alice_elsewhere.received(5)) == 5
    closed = relay.close("media-1", wall_ns())
    total = reports(closed)[ALICE_SSRC].total
    assert (total.packets_received, total.packets_lost, closed.refused) == (20, 0, 5)


async def test_the_same_sdp_again_keeps_the_source(relay, alice_calls_bob, alice, bob, stranger):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10

    relay.update(updated(alice_calls_bob, alice.leg("caller"), bob.leg("callee")))
    stranger.send(voice(10, ssrc=0xBAD))

    await counted(relay, "packets_refused", 10)


async def test_the_callees_sdp_comes_later_than_the_ports(relay, alice, bob):
    unanswered = bob.leg("callee", remote_address=None, remote_port=None, remote_rtcp_port=None, formats=())
    media = call(alice.leg("caller"), unanswered)
    relay.open(media)
    alice.send(voice(5, ssrc=ALICE_SSRC))
    await counted(relay, "packets_without_destination", 5)

    relay.update(updated(media, alice.leg("caller"), bob.leg("callee")))
    alice.send(voice(5, ssrc=ALICE_SSRC, first=1005))

    assert len(bob.received(5)) == 5


async def test_a_payload_type_that_nobody_named_is_measured_without_a_codec(relay, alice_calls_bob, alice, bob):
    alice.send(voice(20, ssrc=ALICE_SSRC, payload_type=107))
    assert len(bob.received(20)) == 20

    report = reports(relay.close("media-1", wall_ns()))[ALICE_SSRC]

    assert (report.codec, report.payload_type, report.clock_rate, report.total.jitter_ms) == (None, 107, None, None)
    assert report.total.packets_received == 20


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
    before = open_descriptors()

    for _ in range(200):
        relay.open(media)
        relay.close("media-1", wall_ns())

    assert open_descriptors() == before
    assert not relay.media
    assert not relay.cut(wall_ns())


def spectrum_peak_hz(samples: NDArray[np.float64]) -> float:
    """The strongest frequency of one second at 8000 Hz."""
    windowed = samples[:8000] * np.hanning(8000)
    return float(np.argmax(np.abs(np.fft.rfft(windowed))))


def from_a_law(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """G.711 table 1, as fractions of full scale."""
    plain = codes.astype(np.int64) ^ 0x55
    segment, step = (plain >> 4) & 7, plain & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.where(plain & 0x80, magnitude, -magnitude) / 4096


def from_mu_law(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """G.711 table 2, as fractions of full scale."""
    plain = ~codes.astype(np.int64) & 0xFF
    magnitude = ((2 * (plain & 15) + 33) << ((plain >> 4) & 7)) - 33
    return np.where(plain & 0x80, -magnitude, magnitude) / 8159


PCMU = PayloadFormat(payload_type=0, encoding="PCMU", clock_rate=8000)


@pytest.mark.parametrize(
    ("known", "decode", "full_scale_dbm0"), [(PCMA, from_a_law, 3.14), (PCMU, from_mu_law, 3.17)], ids=["PCMA", "PCMU"]
)
async def test_the_tone_is_1004_hz_at_minus_10_dbm0_and_50_packets_a_second(
    relay, alice, known, decode, full_scale_dbm0
):
    started = time.monotonic()
    relay.open(call(alice.leg("caller", formats=(known,)), mode="tone"))

    packets = [RtpPacket.decode(datagram) for datagram in alice.received(55)]

    took_s = time.monotonic() - started
    assert took_s == pytest.approx(55 * 0.02, abs=0.1)
    first = packets[0]
    assert [packet.payload_type for packet in packets] == [known.payload_type] * 55
    assert [packet.sequence for packet in packets] == [(first.sequence + i) & 0xFFFF for i in range(55)]
    assert [packet.timestamp for packet in packets] == [(first.timestamp + 160 * i) & 0xFFFFFFFF for i in range(55)]
    assert [packet.marker for packet in packets] == [True] + [False] * 54
    samples = decode(np.frombuffer(b"".join(packet.payload for packet in packets), np.uint8))
    assert spectrum_peak_hz(samples) == 1004
    level_dbm0 = 20 * np.log10(np.sqrt(np.mean(samples**2)) * np.sqrt(2)) + full_scale_dbm0
    assert level_dbm0 == pytest.approx(-10, abs=0.1)


async def test_what_the_listener_of_the_tone_sends_is_measured_and_stays_here(relay, alice):
    relay.open(call(alice.leg("caller"), mode="tone"))

    alice.send(voice(30, ssrc=ALICE_SSRC))

    await counted(relay, "packets_received", 30)
    assert reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].total.packets_received == 30
    assert relay.counters()["packets_relayed"] == 0
