"""The RTP packet of RFC 3550 5.1: a compiled parser of its fields, and the packet as a value for Python."""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled

#   0                   1                   2                   3
#   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                           timestamp                           |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |           synchronization source (SSRC) identifier            |
#  +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
#  |            contributing source (CSRC) identifiers             |
#  |                             ....                              |
VERSION: Final = 2
VERSION_SHIFT: Final = 6
PADDING_BIT: Final = 0x20
EXTENSION_BIT: Final = 0x10
CSRC_COUNT_MASK: Final = 0x0F
MARKER_BIT: Final = 0x80
PAYLOAD_TYPE_MASK: Final = 0x7F
HEADER_BYTES: Final = 12
EXTENSION_HEADER_BYTES: Final = 4
RTCP_HEADER_BYTES: Final = 8
# RFC 5761 4: with RTP and RTCP on one port these payload types are RTCP packet types 192..223 without their top bit.
FIRST_RTCP_TYPE: Final = 64
LAST_RTCP_TYPE: Final = 95

# Whether a datagram is an RTP packet.
VALID: Final = 0
TOO_SHORT: Final = 1
WRONG_VERSION: Final = 2
TRUNCATED_CSRC: Final = 3
TRUNCATED_EXTENSION: Final = 4
BAD_PADDING: Final = 5

FAULTS: Final = {
    TOO_SHORT: "shorter than an RTP header",
    WRONG_VERSION: "RTP version is not 2",
    TRUNCATED_CSRC: "CSRC list is truncated",
    TRUNCATED_EXTENSION: "header extension is truncated",
    BAD_PADDING: "padding is longer than the payload, or zero",
}


class RtpError(ValueError):
    """The datagram is not an RTP packet; the message says why."""


@compiled("int64(uint8[::1], int64, int64)", inlined=True)  # `count` is then a constant
def _read(data: NDArray[np.uint8], offset: int, count: int) -> int:
    """The big-endian number of `count` bytes at `offset`."""
    value = np.int64(0)
    for i in range(count):
        value = (value << 8) | np.int64(data[offset + i])
    return int(value)


@compiled("UniTuple(int64, 3)(uint8[::1], int64)")
def locate_payload(data: NDArray[np.uint8], length: int) -> tuple[int, int, int]:
    """Check the datagram `data[:length]` against RFC 3550 5.1: (VALID or the fault, payload offset, payload bytes)."""
    if length < HEADER_BYTES:
        return TOO_SHORT, 0, 0
    first = _read(data, 0, 1)
    if first >> VERSION_SHIFT != VERSION:
        return WRONG_VERSION, 0, 0
    offset = HEADER_BYTES + 4 * (first & CSRC_COUNT_MASK)
    if offset > length:
        return TRUNCATED_CSRC, 0, 0
    if first & EXTENSION_BIT:
        # RFC 3550 5.3.1: 16 bits of profile, 16 bits of length in words that do not count this header.
        if offset + EXTENSION_HEADER_BYTES > length:
            return TRUNCATED_EXTENSION, 0, 0
        offset += EXTENSION_HEADER_BYTES + 4 * _read(data, offset + 2, 2)
        if offset > length:
            return TRUNCATED_EXTENSION, 0, 0
    payload_bytes = length - offset
    if first & PADDING_BIT:
        # RFC 3550 5.1: the last octet counts the padding, itself included.
        padding = _read(data, length - 1, 1)
        if padding == 0 or padding > payload_bytes:
            return BAD_PADDING, 0, 0
        payload_bytes -= padding
    return VALID, offset, payload_bytes


@compiled("UniTuple(int64, 5)(uint8[::1])")
def read_header(data: NDArray[np.uint8]) -> tuple[int, int, int, int, int]:
    """(payload type, marker 0/1, sequence, timestamp, SSRC) of a datagram that `locate_payload` found VALID."""
    second = _read(data, 1, 1)
    marker = 1 if second & MARKER_BIT else 0
    return second & PAYLOAD_TYPE_MASK, marker, _read(data, 2, 2), _read(data, 4, 4), _read(data, 8, 4)


@compiled("boolean(uint8[::1], int64)")
def is_rtcp(data: NDArray[np.uint8], length: int) -> bool:
    """Whether a datagram on a port that RTP and RTCP share is RTCP (RFC 5761 4)."""
    if length < RTCP_HEADER_BYTES or _read(data, 0, 1) >> VERSION_SHIFT != VERSION:
        return False
    return FIRST_RTCP_TYPE <= (_read(data, 1, 1) & PAYLOAD_TYPE_MASK) <= LAST_RTCP_TYPE


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet. `extension` is the profile number and the words that follow it; `padding` counts octets."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    padding: int = 0

    def encode(self) -> bytes:
        """The packet on the wire."""
        first = VERSION << VERSION_SHIFT | len(self.csrcs)
        first |= (PADDING_BIT if self.padding else 0) | (EXTENSION_BIT if self.extension else 0)
        second = self.payload_type | (MARKER_BIT if self.marker else 0)
        wire = struct.pack("!BBHII", first, second, self.sequence, self.timestamp, self.ssrc)
        wire += struct.pack(f"!{len(self.csrcs)}I", *self.csrcs)
        if self.extension:
            profile, words = self.extension
            wire += struct.pack("!HH", profile, len(words) // 4) + words
        return wire + self.payload + (bytes(self.padding - 1) + bytes([self.padding]) if self.padding else b"")

    @classmethod
    def decode(cls, wire: bytes) -> "RtpPacket":
        """Parse a datagram. Raises RtpError when it is not RTP."""
        data = np.frombuffer(bytearray(wire), np.uint8)  # the compiled parser takes writable buffers, as sockets fill
        fault, offset, payload_bytes = locate_payload(data, len(wire))
        if fault != VALID:
            raise RtpError(FAULTS[fault])
        payload_type, marker, sequence, timestamp, ssrc = read_header(data)
        csrcs_end = HEADER_BYTES + 4 * (wire[0] & CSRC_COUNT_MASK)
        extension = None
        if wire[0] & EXTENSION_BIT:
            (profile,) = struct.unpack_from("!H", wire, csrcs_end)
            extension = (profile, wire[csrcs_end + EXTENSION_HEADER_BYTES : offset])
        return cls(
            payload_type=payload_type,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=wire[offset : offset + payload_bytes],
            marker=bool(marker),
            csrcs=struct.unpack(f"!{(csrcs_end - HEADER_BYTES) // 4}I", wire[HEADER_BYTES:csrcs_end]),
            extension=extension,
            padding=len(wire) - offset - payload_bytes,
        )
