"""What becomes of a UDP payload in a capture: a packet of a stream is measured, SIP goes to Python. Compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.formats import FORMAT, PAYLOAD_TYPES
from rtp_analyzer.measure.sequence import MAX_DROPOUT
from rtp_analyzer.measure.state import SLICE, STREAM
from rtp_analyzer.measure.stream import break_segment, cut_slice, observe, open_stream
from rtp_analyzer.packets.rtp import (
    HEADER_BYTES,
    PADDING_BIT,
    VALID,
    VERSION,
    VERSION_SHIFT,
    is_rtcp,
    locate_payload,
    read_header,
)
from rtp_analyzer.taps.capture.keys import (
    ANY_SOURCE,
    find_endpoint,
    mix,
    put_flow,
    rest_of,
    slot_of,
)
from rtp_analyzer.taps.capture.layout import (
    BYTES,
    COUNTER_ARRAY,
    FLOW,
    FLOW_TYPE,
    GOES_ON,
    KEY_TYPE,
    NO_ROOM,
    PACKET_TYPE,
    RTCP,
    RTP,
    SAMPLES,
    SIGNALLING,
    SLICES,
    UNTIMED,
)

SLICE_NS: Final = 1_000_000_000
# What SDP does not name must show itself to be a stream: RFC 3550 A.1, as strictly as the relay.
CONFIRM_AFTER: Final = 4
MAX_STEP: Final = 16
# A sender that moves to another address goes on in sequence, a ptime later. What comes sooner, or again, is the same
# packet seen on the other side of an address translation.
SHORTEST_MOVE_NS: Final = 5_000_000
_SAMPLED_BYTES: Final = 32
# In `used`: streams there are, and keys that moved streams have left behind.
STREAMS: Final = 0
MOVES: Final = 1
NONE: Final = -1
FULL: Final = -2
_SHORTEST_SIP: Final = 16

_INT: Final = numba.int64
_BLANK: Final = np.zeros(1, FLOW)
_BLANK["source_endpoint"] = _BLANK["target_endpoint"] = -1
STREAM_TYPE: Final = numba.from_dtype(STREAM)
SLICE_TYPE: Final = numba.from_dtype(SLICE)
FORMAT_TYPE: Final = numba.from_dtype(FORMAT)


@compiled(numba.boolean(PACKET_TYPE, FLOW_TYPE), inlined=True)
def _comes_from(packet: np.void, flow: np.void) -> bool:
    return bool(
        packet["source_low"] == flow["source_low"]
        and packet["source_port"] == flow["source_port"]
        and packet["source_high"] == flow["source_high"]
    )


@compiled(_INT(KEY_TYPE[::1], numba.uint64, PACKET_TYPE, FLOW_TYPE[::1], STREAM_TYPE[::1], _INT[::1], _INT, _INT))
def _moved_flow(
    keys: NDArray[np.void],
    seed: int,
    packet: np.void,
    flows: NDArray[np.void],
    streams: NDArray[np.void],
    used: NDArray[np.int64],
    ssrc: int,
    sequence: int,
) -> int:
    """The stream that this packet continues from another source (a NAT that forgot, a handover), NONE or FULL."""
    rest = rest_of(0, packet["target_port"], ssrc)
    slot = slot_of(keys, seed, ANY_SOURCE, 0, packet["target_high"], packet["target_low"], rest)
    index = keys[slot]["value"]
    if index < 0:
        return NONE
    flow = flows[index]
    ahead = (sequence - flow["next_sequence"]) & 0xFFFF
    if flow["retired"] != 0 or flow["proven"] == 0 or ahead >= MAX_DROPOUT:
        return NONE
    if packet["arrival_ns"] - flow["last_ns"] < SHORTEST_MOVE_NS:
        return NONE
    if used[MOVES] >= len(flows):
        return FULL
    used[MOVES] += 1
    flow["source_high"] = packet["source_high"]
    flow["source_low"] = packet["source_low"]
    flow["source_port"] = packet["source_port"]
    break_segment(streams[index])
    put_flow(keys, seed, flow, index)
    return index  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(_INT(KEY_TYPE[::1], numba.uint64, PACKET_TYPE, FLOW_TYPE[::1], STREAM_TYPE[::1], _INT[::1], _INT[::1], _INT))
def _new_flow(
    keys: NDArray[np.void],
    seed: int,
    packet: np.void,
    flows: NDArray[np.void],
    streams: NDArray[np.void],
    used: NDArray[np.int64],
    endpoint_formats: NDArray[np.int64],
    ssrc: int,
) -> int:
    """Open a stream, with the payload types of the one who gets it, else of the one who sends it; or FULL."""
    index = used[STREAMS]
    if index >= len(flows):
        return FULL
    used[STREAMS] += 1
    flows[index] = _BLANK[0]
    flow = flows[index]
    flow["source_high"] = packet["source_high"]
    flow["source_low"] = packet["source_low"]
    flow["target_high"] = packet["target_high"]
    flow["target_low"] = packet["target_low"]
    flow["source_port"] = packet["source_port"]
    flow["target_port"] = packet["target_port"]
    flow["ssrc"] = ssrc
    source = find_endpoint(keys, seed, packet["source_high"], packet["source_low"], packet["source_port"])
    target = find_endpoint(keys, seed, packet["target_high"], packet["target_low"], packet["target_port"])
    flow["source_endpoint"] = source
    flow["target_endpoint"] = target
    if target >= 0:
        flow["formats"] = endpoint_formats[target]
    elif source >= 0:
        flow["formats"] = endpoint_formats[source]
    flow["proven"] = source >= 0 or target >= 0
    open_stream(streams, index, ssrc, packet["arrival_ns"])
    put_flow(keys, seed, flow, index)
    return index  # type: ignore[no-any-return]  # as above


@compiled(numba.void(BYTES, _INT, _INT, FLOW_TYPE, _INT, _INT), inlined=True)
def _sample(data: NDArray[np.uint8], at: int, size: int, flow: np.void, sequence: int, timestamp: int) -> None:
    """Keep a digest of every eighth packet, by which a copy on another path is known."""
    if sequence & 7:
        return
    digest = np.uint64(sequence << 32 | timestamp)
    for i in range(min(size, _SAMPLED_BYTES)):
        digest = (digest ^ np.uint64(data[at + i])) * np.uint64(0x100000001B3)  # FNV-1a
    flow["samples"][(sequence >> 3) & (SAMPLES - 1)] = mix(digest, size)  # type: ignore[arg-type]  # a numba integer


@compiled(numba.boolean(STREAM_TYPE, FLOW_TYPE, _INT, SLICE_TYPE[::1], _INT[::1], _INT[::1], _INT))
def _cut_passed(
    stream: np.void,
    flow: np.void,
    arrival_ns: int,
    slices: NDArray[np.void],
    slice_flows: NDArray[np.int64],
    slice_count: NDArray[np.int64],
    index: int,
) -> bool:
    """Cut the slice that ended before this packet, and an empty one for the silence after it; false without room."""
    if slice_count[0] + 2 > len(slices):
        return False
    for _ in range(2):
        passed = (arrival_ns - stream["mark_ns"]) // SLICE_NS
        if passed < 1:
            break
        ends = stream["mark_ns"] + SLICE_NS
        if flow["last_ns"] < stream["mark_ns"]:  # nothing came since
            ends = stream["mark_ns"] + passed * SLICE_NS
        cut_slice(stream, ends, slices[slice_count[0]])
        slice_flows[slice_count[0]] = index
        slice_count[0] += 1
    return True


@compiled(numba.void(FLOW_TYPE, _INT))
def _prove(flow: np.void, sequence: int) -> None:
    """A stream is what sends CONFIRM_AFTER packets in sequence."""
    step = (sequence - flow["next_sequence"]) & 0xFFFF
    flow["run"] = flow["run"] + 1 if flow["run"] > 0 and step < MAX_STEP else 1
    if flow["run"] >= CONFIRM_AFTER:
        flow["proven"] = 1


@compiled(_INT(BYTES, PACKET_TYPE, COUNTER_ARRAY), inlined=True)
def _recognise(data: NDArray[np.uint8], packet: np.void, counters: NDArray[np.int64]) -> int:
    """RTP for what is to be measured, SIGNALLING for what may be SIP, GOES_ON for anything else."""
    at, captured = packet["at"], packet["captured"]
    if captured < HEADER_BYTES:
        return GOES_ON
    first = np.int64(data[at])
    if first >> VERSION_SHIFT != VERSION:
        # Three capital letters: the method of a request, or SIP.
        upper = 65 <= first <= 90 and 65 <= data[at + 1] <= 90 and 65 <= data[at + 2] <= 90
        return SIGNALLING if upper and captured >= _SHORTEST_SIP else GOES_ON
    if is_rtcp(data[at : at + captured], captured):
        counters[RTCP] += 1
        return GOES_ON
    if captured < packet["size"] and first & PADDING_BIT:
        data[at] = first & ~PADDING_BIT  # how much of it there is stands in what was not captured
    if packet["arrival_ns"] < 0:
        counters[UNTIMED] += 1
        return GOES_ON
    return RTP


@compiled(
    _INT(
        KEY_TYPE[::1],
        numba.uint64,
        PACKET_TYPE,
        FLOW_TYPE[::1],
        STREAM_TYPE[::1],
        _INT[::1],
        _INT[::1],
        _INT,
        _INT,
    ),
    inlined=True,
)
def _flow_of(
    keys: NDArray[np.void],
    seed: int,
    packet: np.void,
    flows: NDArray[np.void],
    streams: NDArray[np.void],
    used: NDArray[np.int64],
    endpoint_formats: NDArray[np.int64],
    ssrc: int,
    sequence: int,
) -> int:
    """The stream that a packet is of, which may be a new one; or FULL."""
    rest = rest_of(packet["source_port"], packet["target_port"], ssrc)
    high, low = packet["target_high"], packet["target_low"]
    slot = slot_of(keys, seed, packet["source_high"], packet["source_low"], high, low, rest)
    index = keys[slot]["value"]
    # A stream that moved on is found under its old source too; whether it came back is to be seen.
    if index >= 0 and flows[index]["retired"] == 0 and _comes_from(packet, flows[index]):
        return index  # type: ignore[no-any-return]  # numpy fields are Any
    index = _moved_flow(keys, seed, packet, flows, streams, used, ssrc, sequence)
    if index != NONE:
        return index
    return _new_flow(keys, seed, packet, flows, streams, used, endpoint_formats, ssrc)


@compiled(
    _INT(
        BYTES,
        PACKET_TYPE,
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
    ),
    inlined=True,
)
def take_datagram(
    data: NDArray[np.uint8],
    packet: np.void,
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
    """Measure the UDP payload in hand when it is RTP: GOES_ON, or what Python has to do before or instead."""
    kind = _recognise(data, packet, counters)
    if kind != RTP:
        return kind
    at, captured, arrival_ns = packet["at"], packet["captured"], packet["arrival_ns"]
    view = data[at : at + captured]
    fault, payload_at, payload_bytes = locate_payload(view, captured)
    if fault != VALID:
        return GOES_ON
    payload_type, marker, sequence, timestamp, ssrc = read_header(view)
    index = _flow_of(keys, seed, packet, flows, streams, used, endpoint_formats, ssrc, sequence)
    if index == FULL:
        return NO_ROOM
    flow = flows[index]
    if flow["over"] != 0:
        counters[RTP] += 1
        flow["after_end"] += 1
        return GOES_ON
    stream = streams[index]
    passed = arrival_ns - stream["mark_ns"] >= SLICE_NS
    if passed and not _cut_passed(stream, flow, arrival_ns, slices, slice_flows, slice_count, index):
        return SLICES
    counters[RTP] += 1
    known = formats[flow["formats"], payload_type]
    size = payload_bytes + packet["size"] - captured
    clock_rate = known["clock_rate"]
    observe(stream, arrival_ns, sequence, timestamp, payload_type, marker != 0, size, clock_rate, known["kind"])
    if flow["proven"] == 0:
        _prove(flow, sequence)
    flow["next_sequence"] = (sequence + 1) & 0xFFFF
    flow["last_ns"] = arrival_ns
    _sample(data, at + payload_at, captured - payload_at, flow, sequence, timestamp)
    return GOES_ON


def new_formats(rows: int) -> NDArray[np.void]:
    """Room for the FORMAT tables of `rows` descriptions."""
    return np.zeros((rows, PAYLOAD_TYPES), FORMAT)
