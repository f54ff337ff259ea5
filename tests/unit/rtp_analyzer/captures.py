"""A reader of the simplest captures (pcap, Ethernet, IPv4, UDP), enough for the synthetic set."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from rtp_analyzer.packets.rtp import RtpError, RtpPacket
from shared.events.media import PayloadFormat
from tests.unit.rtp_analyzer.rtp_builders import NS_PER_MS, START_NS, Arrival

SIP_PORT = 5060
_RTPMAP = re.compile(rb"a=rtpmap:(\d+) ([\w-]+)/(\d+)")


def datagrams(capture: Path) -> Iterator[tuple[int, int, bytes]]:
    """(arrival in ns, destination port, UDP payload)."""
    raw = capture.read_bytes()
    offset = 24
    while offset < len(raw):
        seconds, microseconds, length, _ = struct.unpack_from("<IIII", raw, offset)
        frame = raw[offset + 16 : offset + 16 + length]
        offset += 16 + length
        udp = 14 + 4 * (frame[14] & 0x0F)
        (port,) = struct.unpack_from("!H", frame, udp + 2)
        yield seconds * 10**9 + microseconds * 1000, port, frame[udp + 8 :]


def negotiated_formats(capture: Path) -> list[PayloadFormat]:
    """What the SDP in the capture names."""
    return [
        PayloadFormat(payload_type=int(number), encoding=name.decode().upper(), clock_rate=int(clock_rate))
        for _, port, data in datagrams(capture)
        if port == SIP_PORT
        for number, name, clock_rate in _RTPMAP.findall(data)
    ]


def arrivals(capture: Path) -> dict[int, list[Arrival]]:
    """The RTP packets of a capture by SSRC."""
    streams: dict[int, list[Arrival]] = {}
    for at_ns, port, data in datagrams(capture):
        if port == SIP_PORT:
            continue
        try:
            packet = RtpPacket.decode(data)
        except RtpError:
            continue
        streams.setdefault(packet.ssrc, []).append(
            Arrival(
                at_ms=(at_ns - START_NS) / NS_PER_MS,
                sequence=packet.sequence,
                timestamp=packet.timestamp,
                payload_type=packet.payload_type,
                marker=packet.marker,
                payload_bytes=len(packet.payload),
            )
        )
    return streams
