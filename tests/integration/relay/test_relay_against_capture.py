"""One core, two taps: what the relay measures live of a stream is what a capture of the same packets gives."""

import time

import pytest

from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.taps.capture.analysis import analyse
from tests.capture_files import BOB, Frame, ethernet, pcap, udp
from tests.integration.relay.calls import ALICE_SSRC, counted, reports, wall_ns
from tests.integration.rtp_phone import RtpPhone, voice

pytestmark = pytest.mark.integration

PTIME_S = 0.02
LOST, TWICE, SWAPPED = range(20, 23), (5, 6), 40


def _impaired() -> list[RtpPacket]:
    packets = voice(75, ssrc=ALICE_SSRC)
    sent = [copy for i, packet in enumerate(packets) if i not in LOST for copy in [packet] * (2 if i in TWICE else 1)]
    sent[SWAPPED], sent[SWAPPED + 1] = sent[SWAPPED + 1], sent[SWAPPED]
    return sent


def _send(phone: RtpPhone, packets: list[RtpPacket]) -> list[Frame]:
    """Sends at the pace of the stream, and keeps what a capture beside it would hold."""
    frames = []
    begun = time.monotonic()
    for i, packet in enumerate(packets):
        time.sleep(max(0.0, begun + i * PTIME_S - time.monotonic()))
        frames.append(Frame(wall_ns(), ethernet(udp(packet.encode(), ("192.0.2.1", 4000), BOB))))
        phone.send([packet])
    return frames


async def test_live_and_from_a_file_the_figures_are_the_same(relay, alice, alice_calls_bob, tmp_path) -> None:
    sent = _impaired()
    frames = _send(alice, sent)
    await counted(relay, "packets_received", len(sent))
    file = tmp_path / "same.pcap"
    file.write_bytes(pcap(frames, nanoseconds=True))

    live = reports(relay.close(alice_calls_bob.media_id, wall_ns()))[ALICE_SSRC].total
    (stream,) = analyse(file).streams

    counts = ("packets_expected", "packets_received", "packets_lost", "duplicates", "reordered", "bytes_received")
    assert {name: getattr(stream.total, name) for name in counts} == {name: getattr(live, name) for name in counts}
    assert (live.packets_lost, live.duplicates, live.reordered) == (3, 2, 1)
    # What lies between the clock of the sender and the kernel's is all that differs.
    assert stream.total.jitter_max_ms == pytest.approx(live.jitter_max_ms, abs=5)
