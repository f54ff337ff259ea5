"""Who may send to a leg, which streams it has, and when a source is certain: restricted latching, compiled.

Only the host of a party's SDP and the host of its signalling may send. The first of them that sends CONFIRM_AFTER
packets in sequence under one SSRC is the party's source from then on; nothing else is accepted until SDP changes.
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import STREAM
from rtp_analyzer.measure.stream import break_segment, open_stream
from rtp_analyzer.taps.addresses import PORT_MASK, WORDS
from rtp_analyzer.taps.legs import LEG, REFUSED, SENDER, STREAMS_A_LEG, UNMEASURED

# Asterisk's strictrtp asks for 4 in sequence too; a guess of one SSRC and four sequence numbers in 80 ms is unlikely.
CONFIRM_AFTER: Final = 4
MAX_STEP: Final = 16  # packets lost in between do not break the proof

_MASK: Final = np.uint64(PORT_MASK)
_INT: Final = numba.int64
_WORDS: Final = numba.types.NestedArray(numba.uint64, (WORDS,))  # as a field of a record
LEG_TYPE: Final = numba.from_dtype(LEG)
STREAM_TYPE: Final = numba.from_dtype(STREAM)
SENDER_TYPE: Final = numba.from_dtype(SENDER)


@compiled(numba.boolean(_WORDS, _WORDS))
def same(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> bool:
    """Whether two socket addresses are equal."""
    return bool(one[0] == other[0] and one[1] == other[1] and one[2] == other[2] and one[3] == other[3])


@compiled(numba.boolean(_WORDS, _WORDS))
def same_host(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> bool:
    """Whether two socket addresses differ at most in the port."""
    if (one[0] ^ other[0]) & _MASK:
        return False
    return bool(one[1] == other[1] and one[2] == other[2] and one[3] == other[3])


@compiled(numba.boolean(LEG_TYPE, _WORDS))
def may_send(leg: np.void, source: NDArray[np.uint64]) -> bool:
    """Whether a packet from `source` belongs to the party of this leg."""
    if leg["locked"] != 0:
        return same(source, leg["source"])
    return same_host(source, leg["media_host"]) or same_host(source, leg["signalling_host"])


@compiled(numba.boolean(LEG_TYPE, _WORDS))
def may_send_rtcp(leg: np.void, source: NDArray[np.uint64]) -> bool:
    """The same for the RTCP port, where the party's port is another one than for RTP."""
    if leg["rtcp_locked"] != 0:
        return same(source, leg["rtcp_source"])
    if leg["locked"] != 0:
        return same_host(source, leg["source"])
    return may_send(leg, source)


@compiled(_INT(STREAM_TYPE[::1], _INT, numba.uint32))
def find_stream(streams: NDArray[np.void], first: int, ssrc: int) -> int:
    """The slot of this SSRC among those of the leg that begin at `first`, or -1."""
    for slot in range(first, first + STREAMS_A_LEG):
        if streams[slot]["open"] != 0 and streams[slot]["ssrc"] == ssrc:
            return slot
    return -1


@compiled(_INT(LEG_TYPE, STREAM_TYPE[::1], SENDER_TYPE[::1], _INT, _WORDS))
def find_room(
    leg: np.void,
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    first: int,
    source: NDArray[np.uint64],
) -> int:
    """A free slot for a new stream, else the one that waits longest for its proof; -1 when all are proven.

    Somebody else on the same host cannot push out what comes from the very address that SDP names.
    """
    named = same(source, leg["remote"])
    oldest = -1
    for slot in range(first, first + STREAMS_A_LEG):
        if streams[slot]["open"] == 0:
            return slot
        if senders[slot]["confirmed"] != 0 or (not named and same(senders[slot]["source"], leg["remote"])):
            continue
        if oldest < 0 or senders[slot]["last_ns"] < senders[oldest]["last_ns"]:
            oldest = slot
    return oldest


@compiled(numba.void(STREAM_TYPE[::1], SENDER_TYPE[::1], _INT, numba.int64[::1]))
def forget(streams: NDArray[np.void], senders: NDArray[np.void], slot: int, counters: NDArray[np.int64]) -> None:
    """Free a slot whose packets never amounted to a stream."""
    if streams[slot]["open"] != 0:
        counters[UNMEASURED] += senders[slot]["packets"]
        streams[slot]["open"] = 0


@compiled(_INT(LEG_TYPE, STREAM_TYPE[::1], SENDER_TYPE[::1], _INT, numba.uint32, _WORDS, _INT, numba.int64[::1]))
def stream_of(
    leg: np.void,
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    first: int,
    ssrc: int,
    source: NDArray[np.uint64],
    arrival_ns: int,
    counters: NDArray[np.int64],
) -> int:
    """The slot where a packet of this SSRC is measured, opened if need be; -1 when the leg has too many streams."""
    slot = find_stream(streams, first, ssrc)
    if slot >= 0:
        if not same(senders[slot]["source"], source):
            # The same stream on a new path (re-INVITE, NAT): what was lost in between is not loss.
            senders[slot]["source"] = source
            senders[slot]["run"] = 0
            break_segment(streams[slot])
        return slot
    slot = find_room(leg, streams, senders, first, source)
    if slot < 0:
        return -1
    forget(streams, senders, slot, counters)
    open_stream(streams, slot, ssrc, arrival_ns)
    sender = senders[slot]
    sender["source"] = source
    sender["run"] = 0
    sender["packets"] = 0
    sender["confirmed"] = 0
    return slot


@compiled(numba.boolean(SENDER_TYPE, numba.uint16))
def in_sequence(sender: np.void, sequence: int) -> bool:
    """Note the sequence number; true once CONFIRM_AFTER packets of this sender came in order."""
    step = (np.int64(sequence) - np.int64(sender["next_sequence"])) & 0xFFFF
    sender["run"] = sender["run"] + 1 if sender["run"] > 0 and step < MAX_STEP else 1
    sender["next_sequence"] = sequence + 1
    return bool(sender["run"] >= CONFIRM_AFTER)


@compiled(numba.void(LEG_TYPE, STREAM_TYPE[::1], SENDER_TYPE[::1], _INT, _INT, numba.int64[::1]))
def lock(
    leg: np.void,
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    first: int,
    proven: int,
    counters: NDArray[np.int64],
) -> None:
    """Take the source of the stream `proven` as the party's, and drop what others had begun."""
    leg["locked"] = 1
    leg["source"] = senders[proven]["source"]
    for slot in range(first, first + STREAMS_A_LEG):
        if slot == proven or streams[slot]["open"] == 0 or senders[slot]["confirmed"] != 0:
            continue
        if not same(senders[slot]["source"], leg["source"]):
            leg["refused"] += senders[slot]["packets"]
            counters[REFUSED] += senders[slot]["packets"]
            streams[slot]["open"] = 0
