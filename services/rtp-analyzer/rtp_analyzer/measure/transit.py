"""Transit times on the sender's media clock, and what they say: talkspurts, late packets, delay variation. Compiled."""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.delay_variation import close_window, sample, start_window
from rtp_analyzer.measure.drift import forget_points
from rtp_analyzer.measure.playout import play, rebase
from rtp_analyzer.measure.sequence import in_slice
from rtp_analyzer.measure.state import BUFFERS, STREAM, WINDOW

_STREAM: Final = numba.from_dtype(STREAM)
_VOID: Final = numba.void
_INT: Final = numba.int64
_FLOAT: Final = numba.float64


@compiled(_VOID(_STREAM, _INT, _INT, _INT))
def anchor(stream: np.void, arrival_ns: int, before_ns: int, clock_rate: int) -> None:
    """Count transit from this packet on: its timestamp cannot be compared with those before.

    `before_ns`: the arrival before it, or 0 to forget the open window of time.
    """
    if before_ns != 0:
        close_window(stream, before_ns)
    stream["anchor_ns"] = arrival_ns
    stream["media_units"] = 0
    stream["unit_ns"] = 1e9 / clock_rate
    stream["line_slope"] = 0.0
    stream["slice_first"] = stream["samples"]
    forget_points(stream)
    start_window(stream, arrival_ns)
    rebase(stream, 0)


@compiled(_VOID(_STREAM, _INT, _INT, _INT, numba.boolean))
def voice(stream: np.void, arrival_ns: int, before_ns: int, number: int, talkspurt: bool) -> None:
    """A voice packet with this extended sequence number; `talkspurt`: the first after a pause of the sender."""
    transit_ns = arrival_ns - stream["anchor_ns"] - np.int64(np.rint(stream["media_units"] * stream["unit_ns"]))
    sample(stream, arrival_ns, before_ns, transit_ns)
    if talkspurt:
        rebase(stream, transit_ns)
    late = play(stream, transit_ns)
    if late == 0:
        return
    stream["window"][number & (WINDOW - 1)] |= late
    if not in_slice(stream, number):
        for buffer in range(len(BUFFERS)):
            stream["recovered_discarded"][buffer] += late >> buffer & 1


@compiled(_VOID(_STREAM, _INT, _FLOAT))
def note_distance(stream: np.void, elapsed_ns: int, silence_s: float) -> None:
    """Keep the longest distance between arrivals, less the silence that the timestamps tell of."""
    distance_ns = elapsed_ns - np.int64(max(silence_s, 0.0) * 1e9)
    stream["delta_max_ns"] = max(stream["delta_max_ns"], distance_ns)
