"""What goes into the relay comes out on the other side, and is counted to the packet."""

import contextlib
import socket
import time

import pytest

from rtp_analyzer.taps.delay import percentile_ms
from rtp_analyzer.taps.relay import Relay
from shared.events import MediaLeg
from shared.testing import PCMA
from tests.integration.relay.calls import ALICE_SSRC, BOB_SSRC, PROOF, call, counted, reports, updated, wall_ns
from tests.integration.rtp_phone import sender_report, voice
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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


async def test_what_our_own_socket_drops_marks_the_slice_as_impaired(relay, alice_calls_bob, alice, bob):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10
    (before,) = relay.cut(wall_ns())
    packets = voice(2000, ssrc=ALICE_SSRC, first=1010)  # some 1.5 MB in the kernel, seven times its default

    with relay.standstill():
        for packet in packets[:-1]:
            alice.rtp.sendto(packet.encode(), (HOST, alice.port))
    await wait_until(lambda: bob.received(2000, within_s=0.1) == [], "the backlog is relayed")
    alice.send(packets[-1:])  # the kernel tells of its drops with the next packet that fits
    await wait_until(lambda: relay.counters()["socket_drops"] > 0, "drops are counted")

    (during,) = relay.cut(wall_ns())
    (after,) = relay.cut(wall_ns())
    assert ["socket_drops" in cut.impaired_by for cut in (before, during, after)] == [False, True, False]
    lost = int(during.slice["interval_expected"]) - int(during.slice["interval_unique"])
    assert lost >= relay.counters()["socket_drops"]


async def test_quality_is_for_the_de_jitter_buffer_that_was_chosen(ports, alice, bob):
    relay = Relay(HOST, ports, max_descriptors=1024, scored_buffer="fixed50")
    relay.start()
    relay.open(call(alice.leg("caller"), bob.leg("callee")))

    alice.send(voice(50, ssrc=ALICE_SSRC))
    await counted(relay, "packets_received", 50)
    total = reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].total
    relay.stop()

    assert total.scored_buffer == "fixed50"
    assert total.buffers is not None
    assert total.packets_discarded == total.buffers[0].packets_discarded


async def test_what_we_send_on_late_marks_the_slice_and_counts_as_our_delay(relay, alice_calls_bob, alice, bob):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10
    relay.cut(wall_ns())
    begun = time.monotonic()

    with relay.standstill():
        alice.send(voice(1, ssrc=ALICE_SSRC, first=1010))
        await wait_until(lambda: time.monotonic() - begun > 0.1, "the packet waits longer than it may")
    assert len(bob.received(1)) == 1
    await wait_until(lambda: sum(relay.delays()) == 11, "each packet's delay is counted")

    (late,) = relay.cut(wall_ns())
    assert "loop_lag" in late.impaired_by
    assert relay.counters()["packets_lagged"] >= 1
    longest_ms = percentile_ms(relay.delays(), 1.0)
    assert longest_ms is not None
    assert longest_ms > 80
    jitter_s = float(late.slice["interval_jitter_s"])
    assert jitter_s < 0.05, "our delay is not the network's: arrival is when the kernel got it"


async def test_ipv6_parties_hear_each_other(ports):
    with contextlib.closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"no IPv6 on loopback: {error}")
    relay = Relay("::1", ports, max_descriptors=1024)
    relay.start()
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as alice,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bob,
    ):
        for party in (alice, bob):
            party.bind(("::1", 0))
            party.settimeout(5)
        legs = [
            MediaLeg(party=name, port=port, remote_address="::1", remote_port=party.getsockname()[1], formats=(PCMA,))
            for name, port, party in (("caller", ports[0], alice), ("callee", ports[1], bob))
        ]
        relay.open(call(*legs))
        packets = [packet.encode() for packet in voice(10, ssrc=ALICE_SSRC)]

        for packet in packets:
            alice.sendto(packet, ("::1", ports[0]))

        assert [bob.recv(2048) for _ in packets] == packets
        source = reports(relay.close("media-1", wall_ns()))[ALICE_SSRC].source
        assert source == f"[::1]:{alice.getsockname()[1]}"
    relay.stop()
