"""Captures made to break the reader: it answers with a report or a CaptureError, in bounded time and memory."""

import random
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtp_analyzer.taps.capture.analysis import analyse_file
from rtp_analyzer.taps.capture.errors import CaptureError
from rtp_analyzer.taps.capture.fragments import MAX_PACKETS, Reassembly
from rtp_analyzer.taps.capture.segments import MAX_CONNECTIONS, TcpMessages
from rtp_analyzer.taps.capture.signalling import read_message
from rtp_analyzer.taps.capture.tables import MAX_STREAMS
from shared.captures import CaptureReport
from tests.capture_files import (
    ALICE,
    BOB,
    INVITE,
    NS_PER_MS,
    START_NS,
    Frame,
    enhanced,
    ethernet,
    interface,
    on_ethernet,
    pcap,
    pcapng,
    sdp,
    section,
    set_up,
    sip,
    tcp,
    udp,
    voice,
)


class _File:
    """What `analyse_file` needs of a file that is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def readinto(self, buffer: memoryview) -> int:
        count = min(len(buffer), len(self._data), 70_001)
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


def analysed(data: bytes) -> CaptureReport | None:
    try:
        return analyse_file(_File(data), "some.pcap")  # type: ignore[arg-type]  # all that it uses of one
    except CaptureError:
        return None


_SEGMENT = [(START_NS, tcp(sip(INVITE, "t@c", ("a", None), "1 INVITE", sdp(BOB)), 1, ("192.0.2.3", 5060), BOB))]
_FRAMES = on_ethernet(set_up("one@call", ALICE, BOB), _SEGMENT, voice(20), voice(20, source=BOB, target=ALICE))
_SAMPLES = (pcap(_FRAMES), pcapng(_FRAMES), pcap(_FRAMES, order=">"), section() + interface(113) + pcapng(_FRAMES))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_SAMPLES), st.randoms(use_true_random=False))
def test_flipped_bits_and_cut_ends_never_raise(file: bytes, chance: random.Random) -> None:
    broken = bytearray(file[: chance.randrange(1, len(file) + 1)])
    for _ in range(chance.choice((1, 3, 30, 300))):
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)

    report = analysed(bytes(broken))

    assert report is None or report.model_dump_json()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(_SAMPLES))
def test_random_bytes_behind_a_good_header_never_raise(noise: bytes, file: bytes) -> None:
    report = analysed(file[:200] + noise)

    assert report is None or report.model_dump_json()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([0, 1, 12, 101, 108, 113, 228, 229, 276, 147]))
def test_random_frames_of_every_link_type_never_raise(noise: bytes, link_type: int) -> None:
    report = analysed(pcap([Frame(START_NS, noise)], link_type=link_type))

    assert report is not None
    assert report.counts.packets == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_random_sip_never_raises(noise: bytes) -> None:
    message = read_message(sip(INVITE, "one@call", ("a", None), "1 INVITE", sdp(ALICE))[:150] + noise)

    assert message is None or message.method


@pytest.mark.parametrize("ticks", [0, 1, 2**31, 2**62, 2**63, 2**64 - 1])
@pytest.mark.parametrize("resolution", [0, 6, 9, 18, 0x80, 0x80 | 32, 0x80 | 63])
def test_times_at_the_ends_of_their_range_are_a_time_or_none(ticks: int, resolution: int) -> None:
    frame = Frame(0, ethernet(voice(1)[0][1]))

    report = analysed(section() + interface(options=[(9, bytes([resolution]))]) + enhanced(frame, ticks) * 5)

    assert report is not None
    assert report.counts.packets == 5
    assert report.counts.without_time in (0, 5)


def test_a_flood_of_streams_takes_bounded_memory_and_hides_no_real_one() -> None:
    count = MAX_STREAMS * 3
    noise = [
        (START_NS + i * NS_PER_MS // 16, udp(b"\x80\x08" + bytes(6) + (i + 9).to_bytes(4, "big"))) for i in range(count)
    ]
    file = pcap(on_ethernet(noise, voice(100, source=BOB, target=ALICE)))

    tracemalloc.start()
    report = analysed(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert report is not None
    assert [stream.total.packets_received for stream in report.streams] == [100]
    assert peak < 200e6


def test_a_source_that_hops_with_every_packet_does_not_fill_the_tables() -> None:
    packets = [
        packet for i in range(3000) for packet in voice(1, first=i, source=("192.0.2.9", 10_000 + i), start_ms=20 * i)
    ]
    start = voice(10, first=65_500, source=("192.0.2.9", 9_999), start_ms=-900)

    report = analysed(pcap(on_ethernet(start, packets)))

    assert report is not None
    assert sum(stream.total.packets_received for stream in report.streams) == 3010


def test_fragments_that_never_become_a_packet_are_forgotten() -> None:
    reassembly = Reassembly()

    for identity in range(10 * MAX_PACKETS):
        reassembly.add((1, 2, 17, identity), 0, bytes(1000), last=False, arrival_ns=START_NS)

    assert len(reassembly._packets) == MAX_PACKETS


def test_connections_that_never_end_a_message_are_forgotten() -> None:
    messages = TcpMessages()
    start = f"{INVITE}\r\n".encode()

    for port in range(3 * MAX_CONNECTIONS):
        assert list(messages.add((1, port, 2, 5060), 0, start)) == []

    assert len(messages._directions) == MAX_CONNECTIONS
