"""What the relay hands out once a second: a SLICE of each proven stream, taken while the packet loop stands still."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import SLICE
from rtp_analyzer.measure.stream import cut_slice
from rtp_analyzer.taps.datagrams import COUNTER_ARRAY
from rtp_analyzer.taps.legs import CUT, LOOP_LAGGED, SOCKET_DROPPED, STREAMS_A_LEG
from rtp_analyzer.taps.sources import LEG_TYPE, SENDER_TYPE, STREAM_TYPE, forget

# A sender that goes on under another SSRC does not come back to the old one (RFC 3550 8.2); packets of both may still
# cross on the way, for less than a second.
SUPERSEDED_AFTER_NS: Final = 5_000_000_000

_INT: Final = numba.int64
_CUT: Final = numba.from_dtype(CUT)
_SLICE: Final = numba.from_dtype(SLICE)


@compiled(_INT(STREAM_TYPE[::1], SENDER_TYPE[::1], _INT))
def _latest_ns(streams: NDArray[np.void], senders: NDArray[np.void], first: int) -> int:
    """When the leg's proven streams last sent, 0 without any."""
    latest = 0
    for slot in range(first, first + STREAMS_A_LEG):
        if streams[slot]["open"] != 0 and senders[slot]["confirmed"] != 0:
            latest = max(latest, senders[slot]["last_ns"])
    return latest


@compiled(
    _INT(
        LEG_TYPE[::1],
        STREAM_TYPE[::1],
        SENDER_TYPE[::1],
        _INT,
        _INT,
        numba.boolean,
        _CUT[::1],
        _SLICE[::1],
        _INT,
        COUNTER_ARRAY,
    )
)
def cut_leg(
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    index: int,
    at_ns: int,
    closing: bool,
    cuts: NDArray[np.void],
    slices: NDArray[np.void],
    count: int,
    counters: NDArray[np.int64],
) -> int:
    """Append the slices of one leg at `count` and return the new count; `closing` ends all its streams.

    A stream without a new packet for SUPERSEDED_AFTER_NS ends when another one has taken its place; silence alone
    (hold, DTX) does not end it.
    """
    leg = legs[index]
    first = index * STREAMS_A_LEG
    latest_ns = _latest_ns(streams, senders, first)
    impaired = SOCKET_DROPPED if leg["drops"] != leg["drops_marked"] else 0
    if leg["lagged"] != 0:
        impaired |= LOOP_LAGGED
    for slot in range(first, first + STREAMS_A_LEG):
        if streams[slot]["open"] == 0:
            continue
        silent = at_ns - senders[slot]["last_ns"] > SUPERSEDED_AFTER_NS
        if senders[slot]["confirmed"] == 0:
            if silent or closing:
                forget(streams, senders, slot, counters)
            continue
        ended = closing or (silent and senders[slot]["last_ns"] < latest_ns)
        cut_slice(streams[slot], at_ns, slices[count])
        cut = cuts[count]
        cut["leg"] = index
        cut["slot"] = slot
        cut["impaired"] = impaired
        cut["ended"] = ended
        cut["source"] = senders[slot]["source"]
        count += 1
        if ended:
            streams[slot]["open"] = 0
    leg["drops_marked"] = leg["drops"]
    leg["lagged"] = 0
    return count


@compiled(_INT(LEG_TYPE[::1], STREAM_TYPE[::1], SENDER_TYPE[::1], _INT, _CUT[::1], _SLICE[::1], COUNTER_ARRAY))
def cut_all(
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    at_ns: int,
    cuts: NDArray[np.void],
    slices: NDArray[np.void],
    counters: NDArray[np.int64],
) -> int:
    """The slices of all legs; returns how many. `cuts` and `slices` have room for every stream there can be."""
    count = 0
    for index in range(len(legs)):
        if legs[index]["active"] != 0:
            count = cut_leg(legs, streams, senders, index, at_ns, False, cuts, slices, count, counters)
    return count
