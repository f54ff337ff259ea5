"""The loop over the packets of a capture that are in memory; compiled. What is rare it hands to Python."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.capture.blocks import next_frame
from rtp_analyzer.taps.capture.frames import ETHERNET, LINK_TYPES, enter_frame
from rtp_analyzer.taps.capture.layout import (
    BYTES,
    COUNTER_ARRAY,
    CUT_OFF,
    FLOW_TYPE,
    FRAGMENT,
    FRAMES,
    GOES_ON,
    INTERFACE_TYPE,
    KEY_TYPE,
    NO_ROOM,
    PACKET_TYPE,
    READER_TYPE,
    SEGMENT,
    SHORTENED,
    SLICES,
    TCP,
    UDP,
    UDP_DATAGRAMS,
    UNKNOWN_LINK,
    UNREADABLE,
)
from rtp_analyzer.taps.capture.take import FORMAT_TYPE, SLICE_TYPE, STREAM_TYPE, take_datagram

_INT: Final = numba.int64


@compiled(numba.void(READER_TYPE, PACKET_TYPE, COUNTER_ARRAY), inlined=True)
def _count(reader: np.void, packet: np.void, counters: NDArray[np.int64]) -> None:
    counters[FRAMES] += 1
    arrival_ns = packet["arrival_ns"]
    if arrival_ns >= 0:
        if reader["first_ns"] < 0:
            reader["first_ns"] = arrival_ns
        reader["last_ns"] = max(reader["last_ns"], arrival_ns)
    if packet["captured"] < packet["size"]:
        counters[SHORTENED] += 1
    if packet["link_type"] != ETHERNET and packet["link_type"] not in LINK_TYPES:
        counters[UNKNOWN_LINK] += 1


@compiled(numba.boolean(BYTES, PACKET_TYPE, numba.boolean[::1]))
def _may_be_sip(data: NDArray[np.uint8], packet: np.void, sip_ports: NDArray[np.bool_]) -> bool:
    """Whether a TCP segment is of a connection that carries SIP, or begins as SIP does."""
    if packet["captured"] <= 0:
        return False
    if sip_ports[packet["source_port"]] or sip_ports[packet["target_port"]]:
        return True
    at = packet["at"]
    if packet["captured"] < 3:
        return False
    return bool(65 <= data[at] <= 90 and 65 <= data[at + 1] <= 90 and 65 <= data[at + 2] <= 90)


@compiled(
    _INT(
        BYTES,
        _INT,
        READER_TYPE,
        INTERFACE_TYPE[::1],
        PACKET_TYPE,
        numba.boolean[::1],
        KEY_TYPE[::1],
        numba.uint64,
        FLOW_TYPE[::1],
        STREAM_TYPE[::1],
        _INT[::1],
        _INT[::1],
        FORMAT_TYPE[:, ::1],
        SLICE_TYPE[::1],
        _INT[::1],
        _INT[::1],
        COUNTER_ARRAY,
    )
)
def scan(
    data: NDArray[np.uint8],
    filled: int,
    reader: np.void,
    interfaces: NDArray[np.void],
    packet: np.void,
    sip_ports: NDArray[np.bool_],
    keys: NDArray[np.void],
    seed: int,
    flows: NDArray[np.void],
    streams: NDArray[np.void],
    used: NDArray[np.int64],
    endpoint_formats: NDArray[np.int64],
    formats: NDArray[np.void],
    slices: NDArray[np.void],
    slice_flows: NDArray[np.int64],
    slice_count: NDArray[np.int64],
    counters: NDArray[np.int64],
) -> int:
    """Go through the packets of `data[:filled]` until Python has something to do, and say what (layout.py)."""
    while True:
        if reader["held"] == 0:
            outcome = next_frame(data, filled, reader, interfaces, packet)
            if outcome != GOES_ON:
                return outcome
            _count(reader, packet, counters)
            entered = enter_frame(data, packet)
            if entered == FRAGMENT:
                return FRAGMENT
            if entered == CUT_OFF:
                counters[UNREADABLE] += 1
            if entered == TCP and _may_be_sip(data, packet, sip_ports):
                return SEGMENT
            if entered != UDP:
                continue
            counters[UDP_DATAGRAMS] += 1
        outcome = take_datagram(
            data,
            packet,
            keys,
            seed,
            flows,
            streams,
            used,
            endpoint_formats,
            formats,
            slices,
            slice_flows,
            slice_count,
            counters,
        )
        reader["held"] = outcome in (NO_ROOM, SLICES)
        if outcome != GOES_ON:
            return outcome
