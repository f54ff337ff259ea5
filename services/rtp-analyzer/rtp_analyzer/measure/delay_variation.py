"""Packet delay variation: percentiles of transit above its minimum (RFC 5481), free of clock drift, compiled.

Of a slice, exactly, from its latest 256 packets. Of the whole stream, from a histogram above the lower envelope of
transit: its bins are 65 us wide up to 2 ms, then 1/16 to 1/32 of their value.
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.drift import MAX_DRIFT, add_point, estimate, intercept, slope, watched_s
from rtp_analyzer.measure.playout import settle
from rtp_analyzer.measure.state import BINS, SAMPLES, STREAM, WINDOW_SAMPLES

WINDOW_NS: Final = 1_000_000_000
PERCENTILES: Final = (0.50, 0.95, 0.99)
MIN_VARIATION_SAMPLES: Final = 2
_UNIT_BITS: Final = 16  # the narrowest bin, in ns
_OCTAVE: Final = 16  # bins while the value doubles
# The histogram moves only when the envelope has moved by more than the error that a move adds.
_MAX_LAG_NS: Final = 500_000.0

_STREAM: Final = numba.from_dtype(STREAM)
_VOID: Final = numba.void
_INT: Final = numba.int64
_FLOAT: Final = numba.float64
_PERCENTILES: Final = numba.types.NestedArray(numba.float64, (len(PERCENTILES),))  # as a field of a record


@compiled(_INT(_FLOAT))
def bin_of(above_ns: float) -> int:
    """The bin of a delay variation; one below zero counts as zero, one beyond the last bin as the last."""
    units = int(min(max(above_ns, 0.0), 1e15)) >> _UNIT_BITS
    octaves = 0
    while units >= 2 * _OCTAVE:
        units >>= 1
        octaves += 1
    return min(octaves * _OCTAVE + units, BINS - 1)


@compiled(_FLOAT(_INT))
def value_of(index: int) -> float:
    """The middle of a bin in ns; 0 of the first."""
    if index == 0:
        return 0.0
    octaves = max(index // _OCTAVE - 1, 0)
    return (index - octaves * _OCTAVE + 0.5) * (1 << (octaves + _UNIT_BITS))


@compiled(_VOID(_STREAM, _INT))
def start_window(stream: np.void, arrival_ns: int) -> None:
    """Begin a window of time with the packet that is about to be sampled."""
    stream["window_started_ns"] = arrival_ns
    stream["window_first"] = stream["samples"]
    stream["window_low_ns"] = np.iinfo(np.int64).max


@compiled(_VOID(_STREAM))
def _move_bins(stream: np.void) -> None:
    """Let the histogram follow the envelope that has fallen below (or risen above) the one it counts from."""
    lag_ns = stream["line_lag_ns"]
    bins = stream["bins"]
    moved = np.zeros(BINS, np.uint32)
    for index in range(BINS):
        if bins[index] > 0:
            moved[bin_of(value_of(index) + lag_ns)] += bins[index]
    for index in range(BINS):
        bins[index] = moved[index]
    stream["line_lag_ns"] = 0.0


@compiled(_VOID(_STREAM, _FLOAT))
def _fit_line(stream: np.void, mean_s: float) -> None:
    """Take the envelope of all points so far; `mean_s` is the mean time of what the histogram holds."""
    steepness = slope(stream)
    if abs(steepness) > MAX_DRIFT or watched_s(stream) < stream["drift_span_s"]:
        steepness = 0.0 if np.isnan(stream["drift"]) else stream["drift"]
    line_ns = intercept(stream, steepness) * 1e9
    if stream["point_count"] > 1:
        fallen_ns = stream["line_ns"] - line_ns + (stream["line_slope"] - steepness) * mean_s * 1e9
        stream["line_lag_ns"] += fallen_ns
        if abs(stream["line_lag_ns"]) > _MAX_LAG_NS:
            _move_bins(stream)
    stream["line_slope"] = steepness
    stream["line_ns"] = line_ns


@compiled(_VOID(_STREAM))
def _lower_line(stream: np.void) -> None:
    """Bring the envelope down to the open window, as if that had ended."""
    at_s = (stream["window_low_at_ns"] - stream["anchor_ns"]) * 1e-9
    under_ns = stream["line_ns"] + stream["line_slope"] * at_s * 1e9 - stream["window_low_ns"]
    if stream["point_count"] == 0:
        stream["line_ns"] -= under_ns
    elif under_ns > 0:
        stream["line_ns"] -= under_ns
        stream["line_lag_ns"] += under_ns
        _move_bins(stream)


@compiled(_VOID(_STREAM, _INT))
def _count_window(stream: np.void, ended_ns: int) -> None:
    """Put the samples of the open window into the bins. They are taken to have come in equal distances."""
    bins = stream["bins"]
    first, count = stream["window_first"], stream["samples"] - stream["window_first"]
    start_ns = stream["window_started_ns"] - stream["anchor_ns"]
    step_ns = (ended_ns - stream["window_started_ns"]) / max(count - 1, 1)
    for i in range(count):
        line_ns = stream["line_ns"] + stream["line_slope"] * (start_ns + i * step_ns)
        bins[bin_of(stream["transits_ns"][(first + i) % SAMPLES] - line_ns)] += 1


@compiled(_VOID(_STREAM, _INT))
def close_window(stream: np.void, ended_ns: int) -> None:
    """End the window of time whose last packet came at `ended_ns`."""
    if stream["samples"] == stream["window_first"]:
        return
    mean_s = stream["points_s"] / max(stream["point_count"], 1)
    add_point(stream, (stream["window_low_at_ns"] - stream["anchor_ns"]) * 1e-9, stream["window_low_ns"] * 1e-9)
    _fit_line(stream, mean_s)
    estimate(stream)
    _count_window(stream, ended_ns)
    settle(stream)


@compiled(_VOID(_STREAM, _INT, _INT, _INT))
def sample(stream: np.void, arrival_ns: int, before_ns: int, transit_ns: int) -> None:
    """Note a transit time; `before_ns` is the arrival of the sample before."""
    since_ns = arrival_ns - stream["window_started_ns"]
    if (
        since_ns >= WINDOW_NS
        or since_ns < 0  # the wall clock was set back
        or stream["samples"] - stream["window_first"] >= WINDOW_SAMPLES
    ):
        close_window(stream, before_ns)
        start_window(stream, arrival_ns)
    if transit_ns < stream["window_low_ns"]:
        stream["window_low_ns"] = transit_ns
        stream["window_low_at_ns"] = arrival_ns
    stream["transits_ns"][stream["samples"] % SAMPLES] = transit_ns
    stream["samples"] += 1


@compiled(_INT(_INT, _FLOAT))
def _rank(count: int, share: float) -> int:
    """Which of `count` values in order is this percentile (the nearest rank, from 1)."""
    return max(int(np.ceil(share * count)), 1)


@compiled(_VOID(_STREAM, _INT, _PERCENTILES))
def stream_percentiles(stream: np.void, ended_ns: int, out: NDArray[np.float64]) -> None:
    """The percentiles of the whole stream in seconds, NaN without two samples; `ended_ns`: the last arrival."""
    out[:] = np.nan
    if stream["samples"] < MIN_VARIATION_SAMPLES:
        return
    kept, kept_line_ns, kept_lag_ns = np.empty(BINS, np.uint32), stream["line_ns"], stream["line_lag_ns"]
    kept[:] = stream["bins"]
    _lower_line(stream)
    _count_window(stream, ended_ns)
    bins = stream["bins"]
    total = 0
    for index in range(BINS):
        total += bins[index]
    for i in range(len(PERCENTILES)):
        rank = _rank(total, PERCENTILES[i])
        index = 0
        below = np.int64(bins[0])
        while below < rank:
            index += 1
            below += bins[index]
        out[i] = value_of(index) * 1e-9
    stream["bins"][:] = kept
    stream["line_ns"] = kept_line_ns
    stream["line_lag_ns"] = kept_lag_ns


@compiled(_VOID(_STREAM, _PERCENTILES))
def slice_percentiles(stream: np.void, out: NDArray[np.float64]) -> None:
    """The percentiles of the current slice in seconds, NaN without two samples."""
    out[:] = np.nan
    first = max(stream["slice_first"], stream["samples"] - SAMPLES)
    count = stream["samples"] - first
    if count < MIN_VARIATION_SAMPLES:
        return
    transits = np.empty(count, np.int64)
    for i in range(count):
        transits[i] = stream["transits_ns"][(first + i) % SAMPLES]
    transits.sort()
    for i in range(len(PERCENTILES)):
        out[i] = (transits[_rank(count, PERCENTILES[i]) - 1] - transits[0]) * 1e-9
