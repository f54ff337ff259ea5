"""The measurement of one stream, packet by packet and slice by slice: what is asked of each. Compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.bursts import begin_slice, finish
from rtp_analyzer.measure.delay_variation import slice_percentiles, stream_percentiles
from rtp_analyzer.measure.playout import set_depths
from rtp_analyzer.measure.sequence import (
    DUPLICATE,
    RESTARTED,
    SEQUENCE_NUMBERS,
    STRAY,
    book,
    expected,
    judge_window,
)
from rtp_analyzer.measure.state import BUFFERS, COMFORT_NOISE, EVENT, NO_PAYLOAD_TYPE, SLICE, STREAM, VOICE
from rtp_analyzer.measure.timing import follow, forget_weight, resume

# AMR and EVS silence descriptors have up to 7 octets, G.729B's has 2: not a whole voice packet.
MAX_SILENCE_OCTETS: Final = 7

_BLANK: Final = np.zeros(1, STREAM)
_STREAM: Final = numba.from_dtype(STREAM)
_SLICE: Final = numba.from_dtype(SLICE)
_VOID: Final = numba.void
_INT: Final = numba.int64  # of every integer: numba makes int64 with uint64 a float


@compiled(_VOID(_STREAM[::1], _INT, _INT, _INT))
def open_stream(streams: NDArray[np.void], index: int, ssrc: int, at_ns: int) -> None:
    """Make `streams[index]` a new stream without packets, whose first slice begins at `at_ns`."""
    streams[index] = _BLANK[0]
    stream = streams[index]
    stream["open"] = 1
    stream["ssrc"] = ssrc
    stream["payload_type"] = NO_PAYLOAD_TYPE
    stream["candidate"] = -1
    stream["drift"] = np.nan
    stream["mark_ns"] = at_ns
    set_depths(stream)


@compiled(_VOID(_STREAM))
def break_segment(stream: np.void) -> None:
    """Let the next packet open a new segment: the path changed or media was suspended, so a gap is no loss."""
    stream["segment_due"] = 1


@compiled(_INT(_STREAM, _INT, _INT, _INT, _INT, numba.boolean, _INT, _INT, _INT))
def observe(
    stream: np.void,
    arrival_ns: int,
    sequence: int,
    timestamp: int,
    payload_type: int,
    marker: bool,
    payload_bytes: int,
    clock_rate: int,
    kind: int,
) -> int:
    """Count one RTP packet of this SSRC and direction; say what became of it (FRESH and the others of sequence.py).

    `arrival_ns` is the receive timestamp and the only clock. `clock_rate` and `kind` (VOICE, COMFORT_NOISE, EVENT)
    belong to the payload type; a clock rate of 0 means that nobody named it: no jitter then.
    """
    number = sequence & (SEQUENCE_NUMBERS - 1)
    contiguous = number == ((stream["max_sequence"] + 1) & (SEQUENCE_NUMBERS - 1))
    outcome = book(stream, number, arrival_ns, timestamp, payload_bytes, clock_rate, kind)
    if outcome in (STRAY, DUPLICATE):
        return outcome
    if stream["received"] == 1:
        stream["first_arrival_ns"] = arrival_ns
        stream["last_arrival_ns"] = arrival_ns
    before_ns = stream["last_arrival_ns"]
    stream["last_arrival_ns"] = arrival_ns
    # An empty packet keeps a NAT binding open (RFC 6263 4.6), under a payload type that says nothing of the codec.
    if (kind == VOICE and payload_bytes > 0) or stream["payload_type"] == NO_PAYLOAD_TYPE:
        if stream["payload_type"] != payload_type:
            forget_weight(stream)
        stream["payload_type"] = payload_type
        stream["clock_rate"] = clock_rate
    # RFC 4733: every packet of an event repeats its start, so D would grow with its length.
    if kind == EVENT:
        stream["events"] += 1
        return outcome
    if kind == COMFORT_NOISE:
        stream["comfort_noise"] += 1
    if clock_rate == 0:
        return outcome

    if outcome == RESTARTED and stream["media_clock_rate"] != 0:
        resume(stream, before_ns)
    paced = kind == VOICE and payload_bytes > MAX_SILENCE_OCTETS
    if paced:
        stream["voice_packets"] += 1
        stream["voice_octets"] += payload_bytes
    follow(
        stream,
        outcome,
        number,
        arrival_ns,
        before_ns,
        timestamp,
        marker,
        contiguous,
        kind == VOICE,
        paced,
        clock_rate,
    )
    return outcome


@compiled(_VOID(_STREAM, _SLICE))
def _write_interval(stream: np.void, out: np.void) -> None:
    out["interval_expected"] = expected(stream) - stream["mark_expected"]
    out["interval_received"] = stream["received"] - stream["mark_received"]
    out["interval_unique"] = stream["unique"] - stream["mark_unique"] - stream["recovered"]
    out["interval_recovered"] = stream["recovered"]
    out["interval_duplicates"] = stream["duplicates"] - stream["mark_duplicates"]
    out["interval_reordered"] = stream["reordered"] - stream["mark_reordered"]
    out["interval_octets"] = stream["octets"] - stream["mark_octets"]
    out["interval_judged"] = stream["judged"] - stream["mark_judged"]
    for buffer in range(len(BUFFERS)):
        discarded = stream["discarded"][buffer] - stream["mark_discarded"][buffer]
        held_ns = stream["held_ns"][buffer] - stream["mark_held_ns"][buffer]
        played = out["interval_judged"] - discarded
        recovered = stream["recovered_discarded"][buffer]
        out["interval_discarded"][buffer] = discarded - recovered
        out["interval_recovered_discarded"][buffer] = recovered
        out["interval_hold_s"][buffer] = held_ns / played * 1e-9 if played > 0 else np.nan
    slice_percentiles(stream, out["interval_variation_s"])
    measured = stream["jitter_samples"] > stream["mark_jitter_samples"]
    out["interval_jitter_s"] = stream["jitter_s"] if measured else np.nan
    out["interval_jitter_max_s"] = stream["slice_jitter_max_s"] if measured else np.nan


@compiled(_VOID(_STREAM, _SLICE))
def _write_total(stream: np.void, out: np.void) -> None:
    out["total_expected"] = expected(stream)
    out["total_received"] = stream["received"]
    out["total_unique"] = stream["unique"]
    out["total_duplicates"] = stream["duplicates"]
    out["total_reordered"] = stream["reordered"]
    out["total_octets"] = stream["octets"]
    out["total_judged"] = stream["judged"]
    for buffer in range(len(BUFFERS)):
        played = stream["judged"] - stream["discarded"][buffer]
        out["total_discarded"][buffer] = stream["discarded"][buffer]
        out["total_hold_s"][buffer] = stream["held_ns"][buffer] / played * 1e-9 if played > 0 else np.nan
    stream_percentiles(stream, stream["last_arrival_ns"], out["total_variation_s"])
    measured = stream["jitter_samples"] > 0
    out["total_jitter_s"] = stream["jitter_s"] if measured else np.nan
    out["total_jitter_max_s"] = stream["jitter_max_s"] if measured else np.nan
    out["steady_jitter_s"] = stream["steady_jitter_s"] if measured else np.nan
    out["steady_jitter_max_s"] = stream["steady_jitter_max_s"] if measured else np.nan


@compiled(_VOID(_STREAM, _INT))
def _mark(stream: np.void, at_ns: int) -> None:
    stream["mark_ns"] = at_ns
    stream["mark_base"] = stream["base_sequence"]
    stream["mark_max"] = stream["max_sequence"] if stream["has_sequence"] != 0 else stream["base_sequence"] - 1
    stream["mark_expected"] = expected(stream)
    stream["mark_received"] = stream["received"]
    stream["mark_unique"] = stream["unique"]
    stream["mark_duplicates"] = stream["duplicates"]
    stream["mark_reordered"] = stream["reordered"]
    stream["mark_octets"] = stream["octets"]
    stream["mark_jitter_samples"] = stream["jitter_samples"]
    stream["mark_judged"] = stream["judged"]
    stream["mark_discarded"] = stream["discarded"]
    stream["mark_held_ns"] = stream["held_ns"]
    stream["slice_first"] = stream["samples"]
    stream["recovered"] = 0
    stream["recovered_discarded"][:] = 0
    stream["slice_jitter_max_s"] = 0.0


@compiled(_VOID(_STREAM, _INT, _SLICE))
def cut_slice(stream: np.void, at_ns: int, out: np.void) -> None:
    """Write the slice that ends at `at_ns` and the stream so far into the SLICE record `out`; begin the next slice."""
    out["ssrc"] = stream["ssrc"]
    out["payload_type"] = stream["payload_type"]
    out["clock_rate"] = stream["clock_rate"]
    out["ptime_ms"] = stream["ptime_s"] * 1000 if stream["ptime_s"] > 0 else np.nan
    out["voice_octets_mean"] = stream["voice_octets"] / stream["voice_packets"] if stream["voice_packets"] else np.nan
    out["segments"] = stream["segments"]
    out["strays"] = stream["strays"]
    out["steps"] = stream["steps"]
    out["events"] = stream["events"]
    out["comfort_noise"] = stream["comfort_noise"]
    out["delta_max_s"] = stream["delta_max_ns"] * 1e-9 if stream["delta_max_ns"] > 0 else np.nan
    out["drift"] = stream["drift"]
    out["losses"] = stream["losses"]
    judge_window(stream, out["losses"])
    finish(out["losses"])
    out["first_arrival_ns"] = stream["first_arrival_ns"]
    out["last_arrival_ns"] = stream["last_arrival_ns"]
    out["started_ns"] = stream["mark_ns"]
    out["ended_ns"] = at_ns
    _write_interval(stream, out)
    _write_total(stream, out)
    begin_slice(stream["losses"])
    _mark(stream, at_ns)
