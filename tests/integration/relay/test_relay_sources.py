"""Who may send through the relay, who is refused, and when a source is certain."""

from random import Random

import pytest

from tests.integration.relay.calls import ALICE_SSRC, BOB_SSRC, PROOF, call, counted, reports, updated, wall_ns
from tests.integration.rtp_phone import voice
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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
    assert (list(reports(closed)), sum(closed.refused.values())) == ([ALICE_SSRC], 300)


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
    assert (total.packets_received, total.packets_lost, sum(closed.refused.values())) == (100, 0, 10_000)


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
    assert (total.packets_received, total.packets_lost, sum(closed.refused.values())) == (20, 0, 5)


async def test_the_same_sdp_again_keeps_the_source(relay, alice_calls_bob, alice, bob, stranger):
    alice.send(voice(10, ssrc=ALICE_SSRC))
    assert len(bob.received(10)) == 10

    relay.update(updated(alice_calls_bob, alice.leg("caller"), bob.leg("callee")))
    stranger.send(voice(10, ssrc=0xBAD))

    await counted(relay, "packets_refused", 10)
