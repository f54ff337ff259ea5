"""RTCP on the wire, written from the RFCs' diagrams and not by the code under test."""

import struct

UNKNOWN = 127
VOIP = {
    "loss": 0,
    "discard": 0,
    "burst_density": 0,
    "gap_density": 0,
    "burst_duration": 0,
    "gap_duration": 0,
    "round_trip": 0,
    "end_system": 0,
    "signal": UNKNOWN,
    "noise": UNKNOWN,
    "echo_return_loss": UNKNOWN,
    "gmin": 16,
    "r_factor": UNKNOWN,
    "external_r_factor": UNKNOWN,
    "mos_lq": UNKNOWN,
    "mos_cq": UNKNOWN,
    "receiver": 0,
    "nominal": 0,
    "maximum": 0,
    "absolute_maximum": 0,
}


def packet(kind: int, body: bytes, *, count: int = 0, padding: int = 0) -> bytes:
    """One RTCP packet with its header; `padding` octets at its end."""
    padded = body + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    return struct.pack("!BBH", 0x80 | (0x20 if padding else 0) | count, kind, len(padded) // 4) + padded


def block(
    ssrc: int,
    *,
    fraction: int = 0,
    lost: int = 0,
    highest: int = 0,
    jitter: int = 0,
    last_report: int = 0,
    delay_since: int = 0,
) -> bytes:
    """A reception report block."""
    return struct.pack("!IIIIII", ssrc, fraction << 24 | lost & 0xFFFFFF, highest, jitter, last_report, delay_since)


def sender_report(ssrc: int, ntp: int = 0, *blocks: bytes, padding: int = 0) -> bytes:
    body = struct.pack("!IQIII", ssrc, ntp, 160_000, 1000, 160_000) + b"".join(blocks)
    return packet(200, body, count=len(blocks), padding=padding)


def receiver_report(ssrc: int, *blocks: bytes) -> bytes:
    return packet(201, struct.pack("!I", ssrc) + b"".join(blocks), count=len(blocks))


def description(ssrc: int, name: bytes = b"alice@example.com") -> bytes:
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    return packet(202, chunk.ljust(-(-len(chunk) // 4) * 4, b"\0"), count=1)


def goodbye(*ssrcs: int, reason: bytes = b"") -> bytes:
    words = struct.pack(f"!{len(ssrcs)}I", *ssrcs)
    if reason:
        text = bytes([len(reason)]) + reason
        words += text.ljust(-(-len(text) // 4) * 4, b"\0")
    return packet(203, words, count=len(ssrcs))


def extended_report(ssrc: int, *blocks: bytes) -> bytes:
    return packet(207, struct.pack("!I", ssrc) + b"".join(blocks))


def extended_block(kind: int, contents: bytes) -> bytes:
    return struct.pack("!BBH", kind, 0, len(contents) // 4) + contents


def reference_time(ntp: int) -> bytes:
    return extended_block(4, struct.pack("!Q", ntp))


def reference_delay(ssrc: int, last_report: int, delay_since: int) -> bytes:
    return extended_block(5, struct.pack("!III", ssrc, last_report, delay_since))


def voip_metrics(ssrc: int, **changes: int) -> bytes:
    """VoIP metrics that know nothing but what is given."""
    values = [ssrc, *{**VOIP, **changes}.values()]
    return extended_block(7, struct.pack("!IBBBBHHHHbbBBBBBBBxHHH", *values))
