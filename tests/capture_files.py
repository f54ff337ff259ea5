"""Capture files made by hand: frames of every link type, in pcap and pcapng, and the RTP and SIP in them."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from rtp_analyzer.packets.rtp import RtpPacket

START_NS = 1_700_000_000_000_000_000
NS_PER_MS = 1_000_000
ALICE = ("192.0.2.10", 40_000)
BOB = ("192.0.2.20", 50_000)
SSRC = 0x11223344

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet of a capture. `size` is its length on the wire when less was captured."""

    at_ns: int
    data: bytes
    size: int | None = None
    interface: int = 0


def udp(payload: bytes, source: Address = ALICE, target: Address = BOB) -> bytes:
    """An IPv4 or IPv6 packet."""
    return ip(17, struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload, source[0], target[0])


def tcp(payload: bytes, sequence: int, source: Address, target: Address) -> bytes:
    head = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, 0, 5 << 4, 0x18, 65535, 0, 0)
    return ip(6, head + payload, source[0], target[0])


def ip(protocol: int, payload: bytes, source: str, target: str, fragment: int = 0, identity: int = 7) -> bytes:
    """`fragment` is the field of flags and offset of IPv4."""
    ends = ip_address(source).packed + ip_address(target).packed
    if len(ends) == 32:
        return struct.pack("!IHBB", 0x6000_0000, len(payload), protocol, 64) + ends + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol, 0) + ends + payload


def ethernet(packet: bytes, *tags: int) -> bytes:
    """`tags` are the EtherTypes of VLAN tags, outermost first. Short frames are padded as on the wire."""
    inner = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    wrapped = b"".join(struct.pack("!HH", tag, 5) for tag in tags) + struct.pack("!H", inner)
    return (bytes(12) + wrapped + packet).ljust(60, b"\0")


def voice(
    count: int = 50,
    *,
    ssrc: int = SSRC,
    first: int = 1000,
    payload_type: int = 8,
    source: Address = ALICE,
    target: Address = BOB,
    start_ms: float = 0,
    ptime_ms: float = 20,
    payload: bytes = b"\xd5" * 160,
) -> list[tuple[int, bytes]]:
    """RTP in IP, one packet a ptime: (arrival, packet)."""
    return [
        (
            START_NS + round((start_ms + i * ptime_ms) * NS_PER_MS),
            udp(
                RtpPacket(
                    payload_type=payload_type,
                    sequence=(first + i) & 0xFFFF,
                    timestamp=(first + i) * 160 & 0xFFFFFFFF,
                    ssrc=ssrc,
                    payload=payload,
                ).encode(),
                source,
                target,
            ),
        )
        for i in range(count)
    ]


def on_ethernet(*packets: Iterable[tuple[int, bytes]]) -> list[Frame]:
    """Frames in the order of their time."""
    return sorted((Frame(at, ethernet(data)) for some in packets for at, data in some), key=lambda frame: frame.at_ns)


def pcap(frames: Iterable[Frame], *, link_type: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    magic, tick_ns = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link_type)
    for frame in frames:
        seconds, rest = divmod(frame.at_ns, 1_000_000_000)
        file += struct.pack(f"{order}IIII", seconds, rest // tick_ns, len(frame.data), frame.size or len(frame.data))
        file += frame.data
    return file


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    padded = body + bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(padded))
    return struct.pack(f"{order}I", kind) + length + padded + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = 1, order: str = "<", options: Sequence[tuple[int, bytes]] = ()) -> bytes:
    body = struct.pack(f"{order}HHI", link_type, 0, 0)
    for code, value in options:
        body += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(1, body + (struct.pack(f"{order}HH", 0, 0) if options else b""), order)


def enhanced(frame: Frame, ticks: int, order: str = "<") -> bytes:
    """An enhanced packet block at `ticks` of its interface's clock."""
    sizes = len(frame.data), frame.size or len(frame.data)
    head = struct.pack(f"{order}IIIII", frame.interface, ticks >> 32, ticks & 0xFFFFFFFF, *sizes)
    return block(6, head + frame.data, order)


def pcapng(frames: Iterable[Frame], *, order: str = "<") -> bytes:
    """One section, one Ethernet interface, microseconds."""
    return section(order) + interface(order=order) + b"".join(enhanced(f, f.at_ns // 1000, order) for f in frames)


def sip(start: str, call_id: str, tags: tuple[str, str | None], cseq: str, body: bytes = b"") -> bytes:
    """A message between alice and bob with From tag and To tag."""
    to_tag = f";tag={tags[1]}" if tags[1] else ""
    head = (
        f"{start}\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:alice@example.com>;tag={tags[0]}\r\n"
        f"To: <sip:bob@example.com>{to_tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sdp(end: Address, formats: str = "8 PCMA/8000", direction: str = "sendrecv") -> bytes:
    """One audio medium; `formats` are rtpmap values with commas between them."""
    maps = formats.split(",")
    listed = " ".join(item.split()[0] for item in maps)
    family = "IP6" if ":" in end[0] else "IP4"
    lines = ["v=0", f"o=- 1 1 IN {family} {end[0]}", "s=-", f"c=IN {family} {end[0]}", "t=0 0"]
    lines += [f"m=audio {end[1]} RTP/AVP {listed}", *(f"a=rtpmap:{item}" for item in maps), f"a={direction}"]
    return ("\r\n".join(lines) + "\r\n").encode()


INVITE = "INVITE sip:bob@example.com SIP/2.0"
BYE = "BYE sip:bob@example.com SIP/2.0"


def signalling(data: bytes, at_ms: float, source: str = ALICE[0], target: str = BOB[0]) -> list[tuple[int, bytes]]:
    """A SIP message over UDP."""
    return [(START_NS + round(at_ms * NS_PER_MS), udp(data, (source, 5060), (target, 5060)))]


def set_up(
    call_id: str, caller: Address, callee: Address, *, formats: str = "8 PCMA/8000", at_ms: float = -100
) -> list[tuple[int, bytes]]:
    """INVITE and its answer: the SDP of `caller` and of `callee`."""
    return [
        *signalling(sip(INVITE, call_id, ("a", None), "1 INVITE", sdp(caller, formats)), at_ms),
        *signalling(sip("SIP/2.0 200 OK", call_id, ("a", "b"), "1 INVITE", sdp(callee, formats)), at_ms + 10),
    ]
