"""Every kind of file and frame says the same of the same packets."""

import gzip
import struct

import pytest

from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.taps.capture.errors import CaptureError
from tests.capture_files import (
    ALICE,
    BOB,
    START_NS,
    Frame,
    block,
    enhanced,
    ethernet,
    interface,
    ip,
    on_ethernet,
    pcap,
    pcapng,
    section,
    udp,
    voice,
)

COUNT = 50
FRAMES = on_ethernet(voice(COUNT))
V6_ALICE, V6_BOB = ("2001:db8::10", 40_000), ("2001:db8::20", 50_000)


def assert_whole(report, source: str = "192.0.2.10:40000", target: str = "192.0.2.20:50000") -> None:
    (stream,) = report.streams
    assert (stream.source, stream.target, stream.codec) == (source, target, "PCMA")
    assert (stream.total.packets_received, stream.total.packets_lost, stream.total.bytes_received) == (50, 0, 8000)
    assert (stream.started_at, stream.ptime_ms) == (START_NS / 1e9, 20)
    assert stream.total.jitter_max_ms == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("nanoseconds", [False, True], ids=["us", "ns"])
def test_pcap_in_every_byte_order_and_resolution(analysed, order, nanoseconds) -> None:
    report = analysed(pcap(FRAMES, order=order, nanoseconds=nanoseconds))

    assert_whole(report)
    assert (report.format, report.truncated, report.damage) == ("pcap", False, None)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_pcapng_in_every_byte_order(analysed, order) -> None:
    report = analysed(pcapng(FRAMES, order=order))

    assert_whole(report)
    assert report.format == "pcapng"


@pytest.mark.parametrize(
    ("resolution", "ticks_a_second"),
    [(3, 10**3), (6, 10**6), (9, 10**9), (12, 10**12), (0x80 | 10, 2**10), (0x80 | 30, 2**30), (0x80 | 33, 2**33)],
)
def test_pcapng_ticks_of_every_length(analysed, resolution, ticks_a_second) -> None:
    start = 1000 * 10**9  # so that every tick count fits 64 bits
    frames = [Frame(frame.at_ns - START_NS + start, frame.data) for frame in FRAMES]
    packets = [enhanced(frame, round(frame.at_ns * ticks_a_second / 10**9)) for frame in frames]

    report = analysed(section() + interface(options=[(9, bytes([resolution]))]) + b"".join(packets))

    (stream,) = report.streams
    assert stream.started_at == 1000
    assert stream.ended_at == pytest.approx(1000 + 0.02 * (COUNT - 1), abs=1 / ticks_a_second + 2e-9)


def test_a_pcapng_offset_moves_the_clock(analysed) -> None:
    packets = b"".join(enhanced(frame, (frame.at_ns - START_NS) // 1000) for frame in FRAMES)

    report = analysed(section() + interface(options=[(14, struct.pack("<q", START_NS // 10**9))]) + packets)

    assert_whole(report)


def test_several_interfaces_and_sections_of_either_byte_order(analysed) -> None:
    def raw(frame: Frame) -> Frame:
        return Frame(frame.at_ns, frame.data[14:], interface=1)

    first = section() + interface() + interface(101)
    first += b"".join(enhanced(frame, frame.at_ns // 1000) for frame in FRAMES[:10])
    first += b"".join(enhanced(raw(frame), frame.at_ns // 1000) for frame in FRAMES[10:20])
    second = section(">") + interface(order=">", options=[(9, b"\x09")])
    second += b"".join(enhanced(frame, frame.at_ns, ">") for frame in FRAMES[20:])

    report = analysed(first + second)

    assert_whole(report)


def test_obsolete_packet_blocks_are_read(analysed) -> None:
    def old(frame: Frame) -> bytes:
        ticks = frame.at_ns // 1000
        sizes = len(frame.data), len(frame.data)
        return block(2, struct.pack("<HHIIII", 0, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, *sizes) + frame.data)

    report = analysed(section() + interface() + b"".join(map(old, FRAMES)))

    assert_whole(report)


def test_simple_packet_blocks_have_no_time_and_are_not_measured(analysed) -> None:
    simple = b"".join(block(3, struct.pack("<I", len(frame.data)) + frame.data) for frame in FRAMES)

    report = analysed(section() + interface() + simple)

    assert report.streams == ()
    assert report.counts.without_time == COUNT


def test_blocks_of_no_use_are_skipped_even_when_they_are_huge(analysed) -> None:
    huge = block(5, bytes(5_000_000))

    report = analysed(pcapng(FRAMES[:25]) + huge + b"".join(enhanced(f, f.at_ns // 1000) for f in FRAMES[25:]))

    assert_whole(report)


def test_a_gzipped_capture_is_unpacked(analysed) -> None:
    report = analysed(gzip.compress(pcap(FRAMES)))

    assert_whole(report)


def _sll(packet: bytes) -> bytes:
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x0800) + packet


def _sll2(packet: bytes) -> bytes:
    return struct.pack("!HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8)) + packet


def _pppoe(packet: bytes) -> bytes:
    return bytes(12) + struct.pack("!HBBHHH", 0x8864, 0x11, 0, 1, len(packet) + 2, 0x0021) + packet


@pytest.mark.parametrize(
    ("link_type", "framed"),
    [
        (0, lambda packet: struct.pack("<I", 2) + packet),
        (0, lambda packet: struct.pack(">I", 2) + packet),
        (108, lambda packet: struct.pack(">I", 2) + packet),
        (1, ethernet),
        (1, lambda packet: ethernet(packet, 0x8100)),
        (1, lambda packet: ethernet(packet, 0x88A8, 0x8100)),
        (1, lambda packet: ethernet(packet, 0x9100, 0x8100)),
        (1, _pppoe),
        (12, bytes),
        (14, bytes),
        (101, bytes),
        (228, bytes),
        (113, _sll),
        (276, _sll2),
    ],
    ids=[
        "null-le",
        "null-be",
        "loop",
        "ethernet",
        "vlan",
        "qinq",
        "old-qinq",
        "pppoe",
        "raw-bsd",
        "raw-openbsd",
        "raw",
        "ipv4",
        "sll",
        "sll2",
    ],
)
def test_every_link_type(analysed, link_type, framed) -> None:
    report = analysed(pcap([Frame(at, framed(packet)) for at, packet in voice(COUNT)], link_type=link_type))

    assert_whole(report)


def test_ipv6(analysed) -> None:
    packets = voice(COUNT, source=V6_ALICE, target=V6_BOB)

    reports = [
        analysed(pcap(on_ethernet(packets))),
        analysed(pcap([Frame(at, packet) for at, packet in packets], link_type=229)),
    ]

    for report in reports:
        assert_whole(report, "[2001:db8::10]:40000", "[2001:db8::20]:50000")


def test_ipv6_extension_headers_are_stepped_over(analysed) -> None:
    def extended(packet: bytes) -> bytes:
        hop_by_hop, routing, options = b"\x2b" + bytes(7), b"\x3c\x01" + bytes(14), b"\x11" + bytes(7)
        payload = hop_by_hop + routing + options + packet[40:]
        return packet[:4] + struct.pack("!HB", len(payload), 0) + packet[7:40] + payload

    packets = [(at, extended(packet)) for at, packet in voice(COUNT, source=V6_ALICE, target=V6_BOB)]

    assert_whole(analysed(pcap(on_ethernet(packets))), "[2001:db8::10]:40000", "[2001:db8::20]:50000")


def _fragments(packet: bytes, identity: int) -> list[bytes]:
    payload, pieces = packet[20:], []
    for at in range(0, len(payload), 64):
        more = 0x2000 if at + 64 < len(payload) else 0
        piece = payload[at : at + 64]
        pieces.append(ip(17, piece, ALICE[0], BOB[0], fragment=more | at // 8, identity=identity))
    return pieces


@pytest.mark.parametrize("backwards", [False, True])
def test_ip_fragments_are_put_together_in_any_order(analysed, backwards) -> None:
    pieces = []
    for i, (at, packet) in enumerate(voice(COUNT)):
        parts = _fragments(packet, i)
        pieces += [(at, part) for part in (reversed(parts) if backwards else parts)]

    report = analysed(pcap([Frame(at, ethernet(piece)) for at, piece in pieces]))

    assert_whole(report)


def test_ipv6_fragments_are_put_together(analysed) -> None:
    pieces = []
    for i, (at, packet) in enumerate(voice(COUNT, source=V6_ALICE, target=V6_BOB)):
        payload = packet[40:]
        for start in (0, 80, 160):
            piece = payload[start : start + 80]
            header = struct.pack("!BBHI", 17, 0, start | (start + 80 < len(payload)), i)
            pieces.append((at, ip(44, header + piece, V6_ALICE[0], V6_BOB[0])))

    assert_whole(analysed(pcap(on_ethernet(pieces))), "[2001:db8::10]:40000", "[2001:db8::20]:50000")


def test_overlapping_fragments_make_no_packet(analysed) -> None:
    (at, packet), *_ = voice(1)
    first, *others = _fragments(packet, 1)
    overlapping = ip(17, bytes(64), ALICE[0], BOB[0], fragment=0x2000 | 4, identity=1)

    report = analysed(pcap([Frame(at, ethernet(piece)) for piece in (first, overlapping, *others)]))

    assert report.counts.udp == 0


def test_a_snap_length_shortens_no_figure(analysed) -> None:
    frames = [Frame(frame.at_ns, frame.data[:60], len(frame.data)) for frame in FRAMES]

    report = analysed(pcap(frames))

    assert_whole(report)
    assert report.counts.shortened == COUNT


def test_padding_that_was_not_captured_is_no_fault(analysed) -> None:
    packets = [
        RtpPacket(payload_type=8, sequence=i, timestamp=160 * i, ssrc=1, payload=b"\xd5" * 160, padding=4)
        for i in range(COUNT)
    ]
    frames = [ethernet(udp(packet.encode())) for packet in packets]

    report = analysed(pcap([Frame(START_NS + i * 10**7, data[:80], len(data)) for i, data in enumerate(frames)]))

    assert report.streams[0].total.packets_received == COUNT


def test_a_file_that_ends_within_a_packet_is_analysed_up_to_there(analysed) -> None:
    report = analysed(pcap(FRAMES)[:-50])

    assert report.streams[0].total.packets_received == COUNT - 1
    assert (report.truncated, report.damage) == (True, None)


def test_a_damaged_file_is_analysed_up_to_the_damage(analysed) -> None:
    broken = struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)

    report = analysed(pcap(FRAMES) + broken + bytes(1000))

    assert report.streams[0].total.packets_received == COUNT
    assert report.damage == f"the file is damaged after packet {COUNT}"


def test_a_link_type_that_cannot_be_read_is_counted(analysed) -> None:
    report = analysed(pcap(FRAMES, link_type=147))

    assert report.streams == ()
    assert report.counts.unknown_link_type == COUNT


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (b"", "is empty"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "ends within the header"),
        (b"PK\x03\x04" + bytes(100), "neither pcap nor pcapng"),
        (b"\n\r\r\n" + bytes(100), "its first block is damaged"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_sentence(analysed, file, complaint) -> None:
    with pytest.raises(CaptureError, match=complaint):
        analysed(file)


def test_a_capture_without_packets_has_no_streams(analysed) -> None:
    report = analysed(pcap([]))

    assert (report.streams, report.counts.packets, report.started_at) == ((), 0, None)
