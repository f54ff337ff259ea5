"""De-jitter buffers simulated: which packets come too late to be played, and how long the others wait, compiled.

Transit is arrival less timestamp. A buffer plays each packet its depth after a base: a packet is discarded if and only
if its transit exceeds base + depth. The base is the transit of the first packet of a talkspurt, and each second that of
the fastest packet but one in that second: neither a drifting clock nor a longer path makes every packet late for ever,
and no single packet that comes early moves it.
"""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import BUFFERS, STREAM

_MS: Final = 1_000_000
FIXED_50_NS: Final = 50 * _MS
FIXED_200_NS: Final = 200 * _MS
ADAPTIVE: Final = BUFFERS.index("adaptive500")
# The adaptive buffer aims at the worst delay variation of the last seconds and a packet of margin. It grows at once
# and gives back an eighth of its excess a second.
ADAPTIVE_START_NS: Final = 60 * _MS
ADAPTIVE_MIN_NS: Final = 40 * _MS
ADAPTIVE_MAX_NS: Final = 500 * _MS
ADAPTIVE_MARGIN_NS: Final = 20 * _MS
ADAPTIVE_SHRINK: Final = 8

_NONE_NS: Final = np.iinfo(np.int64).max

_STREAM: Final = numba.from_dtype(STREAM)
_VOID: Final = numba.void
_INT: Final = numba.int64


@compiled(_VOID(_STREAM))
def set_depths(stream: np.void) -> None:
    """The buffers of a new stream."""
    depth_ns = stream["depth_ns"]
    depth_ns[0] = FIXED_50_NS
    depth_ns[1] = FIXED_200_NS
    depth_ns[ADAPTIVE] = ADAPTIVE_START_NS


@compiled(_VOID(_STREAM))
def _forget_lows(stream: np.void) -> None:
    stream["low_ns"] = _NONE_NS
    stream["next_low_ns"] = _NONE_NS


@compiled(_VOID(_STREAM, _INT))
def rebase(stream: np.void, transit_ns: int) -> None:
    """A talkspurt begins with a packet of this transit: it is played when the depth has passed."""
    stream["base_ns"] = transit_ns
    _forget_lows(stream)


@compiled(_INT(_STREAM, _INT))
def play(stream: np.void, transit_ns: int) -> int:
    """Put a packet into all buffers; bit i of the result says that it is too late for buffer i."""
    if transit_ns < stream["low_ns"]:
        stream["next_low_ns"] = stream["low_ns"]
        stream["low_ns"] = transit_ns
    elif transit_ns < stream["next_low_ns"]:
        stream["next_low_ns"] = transit_ns
    above_ns = transit_ns - stream["base_ns"]
    depth_ns = stream["depth_ns"]
    held_ns = stream["held_ns"]
    discarded = stream["discarded"]
    late = 0
    for buffer in range(len(BUFFERS)):
        if above_ns > depth_ns[buffer]:
            discarded[buffer] += 1
            late |= 1 << buffer
        else:
            held_ns[buffer] += depth_ns[buffer] - above_ns
    stream["judged"] += 1
    stream["peak_ns"] = max(stream["peak_ns"], above_ns)
    wanted_ns = min(above_ns + ADAPTIVE_MARGIN_NS, ADAPTIVE_MAX_NS)
    depth_ns[ADAPTIVE] = max(depth_ns[ADAPTIVE], wanted_ns)
    return late


@compiled(_VOID(_STREAM))
def settle(stream: np.void) -> None:
    """A window of time is over: let the base follow and the adaptive buffer shrink."""
    if stream["low_ns"] != _NONE_NS:
        stream["base_ns"] = stream["low_ns"] if stream["next_low_ns"] == _NONE_NS else stream["next_low_ns"]
    _forget_lows(stream)
    peak_ns = max(stream["peak_ns"], stream["peak_before_ns"])
    stream["peak_before_ns"] = stream["peak_ns"]
    stream["peak_ns"] = 0
    excess_ns = stream["depth_ns"][ADAPTIVE] - max(peak_ns + ADAPTIVE_MARGIN_NS, ADAPTIVE_MIN_NS)
    if excess_ns > 0:
        stream["depth_ns"][ADAPTIVE] -= excess_ns // ADAPTIVE_SHRINK
