"""What the relay hears in the packets that cross it: level, silence, clipping, and what it must not listen to."""

from dataclasses import replace

import numpy as np
import pytest

from rtp_analyzer.audio.state import A_LAW, PIECE, SAMPLE, Decoded
from rtp_analyzer.audio.state import G729 as G729_CODEC
from rtp_analyzer.measure.state import SLICE
from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.sounds.g711 import a_law
from rtp_analyzer.sounds.prompts import packets_of
from rtp_analyzer.taps.relay import Relay, StreamCut
from rtp_analyzer.taps.sampling import LONGEST_PERIOD, ONE_OF, RUN, SHORTEST_PERIOD, is_due
from shared.events import AudioHealth, PayloadFormat
from shared.testing import PCMA
from tests.integration.relay.calls import ALICE_SSRC, BOB_SSRC, PROOF, call, counted, updated, wall_ns
from tests.integration.rtp_phone import voice
from tests.ports import HOST

pytestmark = pytest.mark.integration

G729 = PayloadFormat(payload_type=18, encoding="G729", clock_rate=8000)
EVENT = PayloadFormat(payload_type=101, encoding="TELEPHONE-EVENT", clock_rate=8000)
TONE = np.sin(2 * np.pi * 1000 / 8000 * np.arange(160))
SPEECH, MUTE = a_law(0.1 * TONE).tobytes(), bytes([0xD5]) * 160
OVERLOAD = a_law(np.clip(4 * np.sin(2 * np.pi * 300 / 8000 * np.arange(160)), -1, 1)).tobytes()


def said(payload: bytes, count: int = 100, *, ssrc: int = ALICE_SSRC, first: int = 1000, **changes) -> list[RtpPacket]:
    return voice(count, ssrc=ssrc, first=first, payload=payload, **changes)


def of(cuts, ssrc: int) -> StreamCut:
    (found,) = [cut for cut in cuts if int(cut.slice["ssrc"]) == ssrc]
    return found


def total(cut: StreamCut) -> AudioHealth:
    assert cut.audio.total is not None
    return cut.audio.total


async def test_each_direction_is_heard_for_itself(relay, alice_calls_bob, alice, bob):
    alice.send(said(SPEECH))
    bob.send(said(MUTE, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 200)

    cuts = relay.close("media-1", wall_ns()).cuts

    speaks, silent = total(of(cuts, ALICE_SSRC)), total(of(cuts, BOB_SSRC))
    assert (speaks.source, speaks.unknown) == ("g711", None)
    assert speaks.level_dbov == pytest.approx(-22.9, abs=0.2)
    assert (speaks.silence_percent, speaks.clipping_percent, speaks.dead_air_s) == (0, 0, 0)
    assert (silent.level_dbov, silent.active_level_dbov, silent.silence_percent) == (-127, None, 100)


async def test_an_overloaded_microphone_is_heard_clipping(relay, alice_calls_bob, alice):
    alice.send(said(OVERLOAD))
    await counted(relay, "packets_received", 100)

    heard = total(of(relay.close("media-1", wall_ns()).cuts, ALICE_SSRC))

    assert heard.clipping_percent is not None
    assert heard.clipping_percent > 50
    assert heard.peak_dbov == 0


async def test_one_of_five_packets_is_heard_and_that_is_told(relay, alice_calls_bob, alice):
    alice.send(said(SPEECH))
    await counted(relay, "packets_received", 100)

    heard = total(of(relay.close("media-1", wall_ns()).cuts, ALICE_SSRC))

    due = sum(is_due(A_LAW, sequence, 160, SHORTEST_PERIOD) for sequence in range(1003, 1100))  # from the proof on
    assert due == 97 // ONE_OF
    assert heard.judged_percent == due
    assert heard.judged_s == pytest.approx(due * 0.02)
    assert relay.counters()["audio_sampled"] == due


async def test_a_slice_has_its_own_sound_and_the_stream_all_of_it(relay, alice_calls_bob, alice):
    alice.send(said(SPEECH))
    await counted(relay, "packets_received", 100)
    (first,) = relay.cut(wall_ns())
    alice.send(said(MUTE, first=1100))
    await counted(relay, "packets_received", 200)
    (second,) = relay.cut(wall_ns())

    (third,) = relay.cut(wall_ns())

    assert [cut.audio.slice and cut.audio.slice.silence_percent for cut in (first, second, third)] == [0, 100, None]
    assert total(third).silence_percent == pytest.approx(50, abs=2)


async def test_events_and_comfort_noise_are_no_sound_of_the_party(relay, alice, bob):
    relay.open(call(alice.leg("caller", formats=(PCMA, EVENT)), bob.leg("callee")))
    alice.send(said(SPEECH, 50))
    alice.send(said(bytes([1, 10, 0, 160]) * 40, 50, first=1050, payload_type=101))
    alice.send(said(bytes([60]) * 160, 50, first=1100, payload_type=13))
    await counted(relay, "packets_received", 150)

    heard = total(of(relay.close("media-1", wall_ns()).cuts, ALICE_SSRC))

    assert relay.counters()["audio_sampled"] == 9
    assert heard.silence_percent == 0


async def test_only_the_payload_is_heard(relay, alice_calls_bob, alice):
    """Whatever stands in front of it and behind it."""
    extension = 0xBEDE, bytes(8)

    alice.send(replace(packet, csrcs=(1, 2), extension=extension, padding=20) for packet in said(MUTE))
    await counted(relay, "packets_received", 100)

    assert total(of(relay.close("media-1", wall_ns()).cuts, ALICE_SSRC)).level_dbov == -127


async def test_what_is_encrypted_is_not_judged(relay, alice, bob):
    relay.open(call(alice.leg("caller", encrypted=True), bob.leg("callee")))
    alice.send(said(SPEECH))
    bob.send(said(SPEECH, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 200)

    cuts = relay.close("media-1", wall_ns()).cuts

    assert of(cuts, ALICE_SSRC).audio.total == AudioHealth(unknown="encrypted")
    assert total(of(cuts, BOB_SSRC)).source == "g711"


async def test_without_a_decoder_its_codecs_are_unknown(relay, alice, bob):
    relay.open(call(alice.leg("caller", formats=(G729,)), bob.leg("callee")))
    alice.send(said(bytes(20), payload_type=18))
    await counted(relay, "packets_received", 100)

    (cut,) = relay.close("media-1", wall_ns()).cuts

    assert cut.audio.total == AudioHealth(unknown="no_decoder")
    assert len(relay.undecoded()) == 0


async def test_a_call_on_hold_is_not_listened_to(relay, alice, bob):
    media = call(alice.leg("caller"), bob.leg("callee"))
    relay.open(media)
    alice.send(said(SPEECH))
    await counted(relay, "packets_received", 100)
    before = relay.counters()["audio_sampled"]

    relay.update(updated(media, alice.leg("caller", listens=False), bob.leg("callee", sends=False)))
    alice.send(said(MUTE, first=1100))
    bob.send(said(MUTE, ssrc=BOB_SSRC))
    await counted(relay, "packets_received", 300)

    assert relay.counters()["audio_sampled"] == before
    cuts = relay.close("media-1", wall_ns()).cuts
    assert total(of(cuts, ALICE_SSRC)).silence_percent == 0
    assert of(cuts, BOB_SSRC).audio.total == AudioHealth(unknown="not_judged")


async def test_a_next_call_on_the_same_port_is_heard_anew(relay, alice, bob):
    for payload, level in ((MUTE, -127), (SPEECH, pytest.approx(-22.9, abs=0.2))):
        before = relay.counters()["packets_received"]
        relay.open(call(alice.leg("caller"), bob.leg("callee")))
        alice.send(said(payload))
        await counted(relay, "packets_received", before + 100)

        heard = total(of(relay.close("media-1", wall_ns()).cuts, ALICE_SSRC))

        assert heard.level_dbov == level


async def test_listening_changes_no_count(relay, alice, bob):
    """The same packets, once listened to and once not."""
    relay.open(call(alice.leg("caller"), bob.leg("callee", encrypted=True)))
    packets = said(SPEECH, 200)
    packets = [packet for i, packet in enumerate(packets) if i % 17 != 11]
    packets[50], packets[51] = packets[51], packets[50]
    packets[70:70] = [packets[69]]

    alice.send(packets)
    bob.send(packets)
    await counted(relay, "packets_received", 2 * len(packets))

    one, other = (cut.slice for cut in relay.close("media-1", wall_ns()).cuts)
    counts = [name for name in SLICE.names or () if SLICE[name].kind in "iu" and not name.endswith("_ns")]
    assert {name: int(one[name]) for name in counts} == {name: int(other[name]) for name in counts}
    assert int(one["total_expected"]) == 200
    assert bob.received(len(packets)) == [packet.encode() for packet in packets]


async def test_where_there_is_no_room_the_packet_is_relayed_and_the_copy_is_missing(relay, alice_calls_bob, alice):
    room = relay._memory.samples.shape[1]
    count = ONE_OF * (room + 10)

    sent = 0
    while sent < count:
        sent += alice.send(said(SPEECH, 500, first=(1000 + sent) & 0xFFFF))
        await counted(relay, "packets_received", sent)

    counters = relay.counters()
    assert (counters["audio_sampled"], counters["packets_received"]) == (room, sent)
    assert counters["audio_not_sampled"] > 0
    relay.cut(wall_ns())
    alice.send(said(SPEECH, 50, first=(1000 + sent) & 0xFFFF))
    await counted(relay, "packets_received", sent + 50)
    assert relay.counters()["audio_sampled"] == room + 10


@pytest.fixture
def decoding_relay(ports):
    running = Relay(HOST, ports, max_descriptors=1024, decodes=True)
    running.start()
    yield running
    running.stop()


async def test_other_codecs_wait_for_a_decoder_in_runs(decoding_relay, alice, bob):
    relay = decoding_relay
    relay.open(call(alice.leg("caller", formats=(G729,)), bob.leg("callee")))
    spoken = [bytes(packet) for packet in packets_of("en")["G729"][:200]]
    alice.send(
        packet
        for number, payload in enumerate(spoken)
        for packet in said(payload, 1, first=1000 + number, payload_type=18)
    )
    await counted(relay, "packets_received", 200)
    (cut,) = relay.cut(wall_ns())

    waiting = relay.undecoded()

    due = [n for n in range(1003, 1200) if is_due(G729_CODEC, n, 20, SHORTEST_PERIOD)]
    assert waiting["sequence"].tolist() == due
    assert len(due) == 4 * RUN - 3
    assert [bytes(row["payload"][: row["bytes"]]) for row in waiting] == [spoken[n - 1000] for n in due]
    assert cut.audio.total == AudioHealth(unknown="not_judged")
    assert len(relay.undecoded()) == 0


def answered(left: int, idle: bool) -> Decoded:
    return Decoded(np.zeros(0, SAMPLE), np.zeros(0, PIECE), np.zeros(0, np.int16), left, idle)


def test_streams_are_heard_more_rarely_while_there_is_too_little_time(decoding_relay):
    periods = []

    for answer in (*[answered(5, False)] * 5, answered(0, False), *[answered(0, True)] * 5):
        decoding_relay.book_decoded(answer)
        periods.append(int(decoding_relay._memory.loop["run_period"]))

    assert periods == [100, 200, 400, 400, 400, 400, 200, 100, 50, 50, 50]
    assert (periods[0] / 2, max(periods)) == (SHORTEST_PERIOD, LONGEST_PERIOD)


async def test_what_no_decoder_takes_does_not_pile_up(decoding_relay, alice, bob):
    relay = decoding_relay
    relay.open(call(alice.leg("caller", formats=(G729,)), bob.leg("callee")))
    relay._memory.loop["run_period"] = RUN  # every packet
    room, sent = relay._memory.samples.shape[1], 0

    while sent <= 2 * room:
        sent += alice.send(said(bytes(20), 500, first=(1000 + sent) & 0xFFFF, payload_type=18))
        await counted(relay, "packets_received", sent)
        relay.cut(wall_ns())

    assert len(relay.undecoded()) == room
    assert relay.counters()["audio_not_sampled"] == sent - (PROOF - 1) - room
