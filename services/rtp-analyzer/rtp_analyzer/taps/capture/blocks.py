"""The next packet of a pcap or pcapng file: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng, compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.capture.byte_order import number_16, number_32
from rtp_analyzer.taps.capture.layout import (
    BLOCK,
    BYTES,
    DAMAGED,
    GOES_ON,
    INTERFACE_TYPE,
    MORE,
    PACKET_TYPE,
    PCAP,
    READER_TYPE,
)

RECORD_HEADER_BYTES: Final = 16
BLOCK_HEADER_BYTES: Final = 8
SMALLEST_BLOCK: Final = 12
LARGEST_PACKET: Final = 262_144  # the highest snap length that libpcap accepts
LARGEST_USED_BLOCK: Final = 1 << 19  # of a packet with its options, or a description
LARGEST_BLOCK: Final = 1 << 30  # of all others, which are skipped

SECTION_HEADER: Final = 0x0A0D0D0A  # the same in both byte orders
INTERFACE_DESCRIPTION: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
ENHANCED_PACKET: Final = 6

_LATEST_NS: Final = 1 << 62
_INT: Final = numba.int64


@compiled(_INT(INTERFACE_TYPE, _INT, _INT))
def _nanoseconds(interface: np.void, high: int, low: int) -> int:
    """A pcapng timestamp as nanoseconds since 1970; -1 when it is beyond what 62 bits hold."""
    if high >= 1 << 31:
        return -1
    ticks = high << 32 | low
    shift = interface["shift"]
    if shift >= 0:
        if shift > 32:
            ticks >>= shift - 32
            shift = 32
        seconds = ticks >> shift
        if seconds > _LATEST_NS // 1_000_000_000:
            return -1
        nanoseconds = seconds * 1_000_000_000 + (((ticks - (seconds << shift)) * 1_000_000_000) >> shift)
    else:
        if ticks > _LATEST_NS // interface["multiplier"]:
            return -1
        nanoseconds = ticks * interface["multiplier"] // interface["divisor"]
    nanoseconds += interface["offset_ns"]
    return nanoseconds if 0 <= nanoseconds <= _LATEST_NS else -1


@compiled(_INT(BYTES, _INT, READER_TYPE, INTERFACE_TYPE[::1], PACKET_TYPE), inlined=True)
def _next_record(
    data: NDArray[np.uint8], filled: int, reader: np.void, interfaces: NDArray[np.void], packet: np.void
) -> int:
    at = reader["at"]
    if at + RECORD_HEADER_BYTES > filled:
        return MORE
    big_endian = reader["big_endian"] != 0
    captured = number_32(data, at + 8, big_endian)
    if captured > LARGEST_PACKET:
        return DAMAGED
    if at + RECORD_HEADER_BYTES + captured > filled:
        return MORE
    interface = interfaces[0]
    seconds = number_32(data, at, big_endian)
    fraction = number_32(data, at + 4, big_endian)
    packet["arrival_ns"] = seconds * 1_000_000_000 + fraction * interface["multiplier"]
    packet["at"] = at + RECORD_HEADER_BYTES
    packet["captured"] = captured
    packet["size"] = max(captured, number_32(data, at + 12, big_endian))
    packet["link_type"] = interface["link_type"]
    reader["at"] = at + RECORD_HEADER_BYTES + captured
    return GOES_ON


@compiled(_INT(BYTES, _INT, _INT, _INT, READER_TYPE, INTERFACE_TYPE[::1], PACKET_TYPE))
def _open_packet_block(
    data: NDArray[np.uint8],
    at: int,
    kind: int,
    length: int,
    reader: np.void,
    interfaces: NDArray[np.void],
    packet: np.void,
) -> int:
    """Fill in the packet of a whole block of `length` bytes at `at`."""
    big_endian = reader["big_endian"] != 0
    header = 12 if kind == SIMPLE_PACKET else 28
    if length < header + 4:
        return DAMAGED
    number = reader["first_interface"]
    if kind == ENHANCED_PACKET:
        number += number_32(data, at + 8, big_endian)
    elif kind == OBSOLETE_PACKET:
        number += number_16(data, at + 8, big_endian)
    if number >= reader["interfaces"]:
        return DAMAGED
    interface = interfaces[number]
    if kind == SIMPLE_PACKET:
        size = number_32(data, at + 8, big_endian)
        captured = min(size, length - header - 4)
        if interface["snap_length"] > 0:
            captured = min(captured, interface["snap_length"])
        packet["arrival_ns"] = -1
    else:
        captured = number_32(data, at + 20, big_endian)
        size = number_32(data, at + 24, big_endian)
        high = number_32(data, at + 12, big_endian)
        packet["arrival_ns"] = _nanoseconds(interface, high, number_32(data, at + 16, big_endian))
    if captured > length - header - 4:
        return DAMAGED
    packet["at"] = at + header
    packet["captured"] = captured
    packet["size"] = max(captured, size)
    packet["link_type"] = interface["link_type"]
    return GOES_ON


@compiled(_INT(BYTES, _INT, READER_TYPE, INTERFACE_TYPE[::1], PACKET_TYPE))
def _next_block(
    data: NDArray[np.uint8], filled: int, reader: np.void, interfaces: NDArray[np.void], packet: np.void
) -> int:
    while True:
        at = reader["at"]
        if at + SMALLEST_BLOCK > filled:
            return MORE
        big_endian = reader["big_endian"] != 0
        kind = number_32(data, at, big_endian)
        if kind == SECTION_HEADER:  # its length is in the byte order of the section that it opens
            return BLOCK
        length = number_32(data, at + 4, big_endian)
        used = kind in (INTERFACE_DESCRIPTION, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
        if length < SMALLEST_BLOCK or length % 4 != 0 or length > (LARGEST_USED_BLOCK if used else LARGEST_BLOCK):
            return DAMAGED
        if not used:
            reader["skip"] = max(0, at + length - filled)
            reader["at"] = min(at + length, filled)
            if reader["skip"] > 0:
                return MORE
            continue
        if at + length > filled:
            return MORE
        if number_32(data, at + length - 4, big_endian) != length:
            return DAMAGED
        if kind == INTERFACE_DESCRIPTION:
            return BLOCK
        reader["at"] = at + length
        return _open_packet_block(data, at, kind, length, reader, interfaces, packet)


@compiled(_INT(BYTES, _INT, READER_TYPE, INTERFACE_TYPE[::1], PACKET_TYPE), inlined=True)
def next_frame(
    data: NDArray[np.uint8], filled: int, reader: np.void, interfaces: NDArray[np.void], packet: np.void
) -> int:
    """Put the next frame of `data[:filled]` into `packet`: GOES_ON, or why there is none (MORE, BLOCK, DAMAGED)."""
    if reader["format"] == PCAP:
        return _next_record(data, filled, reader, interfaces, packet)
    return _next_block(data, filled, reader, interfaces, packet)
