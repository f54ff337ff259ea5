"""The test tone: its frequency, its level, its pace."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from rtp_analyzer.packets.rtp import RtpPacket
from shared.events import PayloadFormat
from shared.testing import PCMA
from tests.integration.relay.calls import ALICE_SSRC, call, counted, reports, updated, wall_ns
from tests.integration.rtp_phone import voice
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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


G729 = PayloadFormat(payload_type=18, encoding="G729", clock_rate=8000)
OPUS = PayloadFormat(payload_type=107, encoding="OPUS", clock_rate=48000, channels=2)
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


async def test_another_codec_goes_on_with_the_tone_and_another_clock_is_another_stream(relay, alice):
    media = call(alice.leg("caller"), mode="tone")
    relay.open(media)
    before = RtpPacket.decode(alice.received(1)[0])

    relay.update(updated(media, alice.leg("caller", formats=(G729,))))
    g729 = await first_of(alice, G729.payload_type)
    relay.update(updated(media, alice.leg("caller", formats=(OPUS,))))
    opus = await first_of(alice, OPUS.payload_type)

    assert (len(before.payload), len(g729.payload), len(opus.payload)) == (160, 20, 40)
    assert before.ssrc == g729.ssrc != opus.ssrc


async def first_of(phone, payload_type):
    def come():
        packets = map(RtpPacket.decode, phone.received(1, within_s=0.0))
        return next((packet for packet in packets if packet.payload_type == payload_type), None)

    return await wait_until(come, "the codec has changed")


@pytest.mark.parametrize("mode", ["tone", "echo"])
async def test_a_party_that_must_not_be_sent_to_hears_nothing_until_it_may(relay, alice, mode):
    on_hold = call(alice.leg("caller", listens=False), mode=mode)
    relay.open(on_hold)
    alice.send(voice(30, ssrc=ALICE_SSRC))
    await counted(relay, "packets_received", 30)
    assert alice.nothing_more()

    relay.update(updated(on_hold, alice.leg("caller")))
    alice.send(voice(10, ssrc=ALICE_SSRC, first=1030))

    assert len(alice.received(5)) == 5
