"""The measurement of one stream, packet by packet and slice by slice: RFC 3550 A.8 and the ptime, compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.sequence import DUPLICATE, SEQUENCE_NUMBERS, STRAY, book, expected
from rtp_analyzer.measure.state import EVENT, NO_PAYLOAD_TYPE, SLICE, STREAM, VOICE

HALF_TIMESTAMPS: Final = 1 << 31

JITTER_GAIN: Final = 1 / 16  # RFC 3550 A.8
# A timestamp that moves this far against the clock was set anew by the sender; no network delays a packet so long
# and then delivers it (VoIPmonitor draws this line at 5 s, rtpengine at 100 s).
TIMESTAMP_RESET_S: Final = 10.0
# A sender that stopped its media clock during a pause: |D| > 10 ptime + 500 ms, while no packet is missing.
STEP_PTIMES: Final = 10
STEP_S: Final = 0.5
DEFAULT_PTIME_S: Final = 0.02  # RFC 3551 4.2, until the stream has shown its own
MAX_PTIME_S: Final = 0.2  # RFC 3551 4.2
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
    stream["mark_ns"] = at_ns


@compiled(_VOID(_STREAM))
def break_segment(stream: np.void) -> None:
    """Let the next packet open a new segment: the path changed or media was suspended, so a gap is no loss."""
    stream["segment_due"] = 1


@compiled(_VOID(_STREAM, numba.float64, numba.boolean))
def _add_jitter(stream: np.void, deviation_s: float, sender_may_step: bool) -> None:
    """RFC 3550 A.8 with |D| = `deviation_s`: as written, and with the sender's own timestamp steps taken out."""
    if deviation_s >= TIMESTAMP_RESET_S:
        stream["steps"] += 1
        return
    # RFC 3550 A.8: J += (|D| - J) / 16
    jitter_s = stream["jitter_s"] + (deviation_s - stream["jitter_s"]) * JITTER_GAIN
    stream["jitter_s"] = jitter_s
    stream["jitter_max_s"] = max(stream["jitter_max_s"], jitter_s)
    stream["slice_jitter_max_s"] = max(stream["slice_jitter_max_s"], jitter_s)
    stream["jitter_samples"] += 1
    ptime_s = stream["ptime_s"] if stream["ptime_s"] > 0 else DEFAULT_PTIME_S
    if sender_may_step and deviation_s > STEP_PTIMES * ptime_s + STEP_S:
        stream["steps"] += 1
        return
    steady_s = stream["steady_jitter_s"] + (deviation_s - stream["steady_jitter_s"]) * JITTER_GAIN
    stream["steady_jitter_s"] = steady_s
    stream["steady_jitter_max_s"] = max(stream["steady_jitter_max_s"], steady_s)


@compiled(_VOID(_STREAM))
def _forget_weight(stream: np.void) -> None:
    """What packets weighed so far says nothing of those of another codec, or of another length."""
    stream["voice_packets"] = 0
    stream["voice_octets"] = 0


@compiled(_VOID(_STREAM, _INT, _INT))
def _learn_ptime(stream: np.void, advance: int, clock_rate: int) -> None:
    """Two equal distances between consecutive voice packets of a talkspurt are the ptime."""
    if advance <= 0 or advance > clock_rate * MAX_PTIME_S:
        return
    if stream["ptime_candidate"] == advance and stream["ptime_s"] != advance / clock_rate:
        stream["ptime_s"] = advance / clock_rate
        _forget_weight(stream)
    stream["ptime_candidate"] = advance


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
    # An empty packet keeps a NAT binding open (RFC 6263 4.6), under a payload type that says nothing of the codec.
    if (kind == VOICE and payload_bytes > 0) or stream["payload_type"] == NO_PAYLOAD_TYPE:
        if stream["payload_type"] != payload_type:
            _forget_weight(stream)
        stream["payload_type"] = payload_type
        stream["clock_rate"] = clock_rate
    # RFC 4733: every packet of an event repeats its start, so D would grow with its length.
    if kind == EVENT or clock_rate == 0:
        return outcome

    paced = kind == VOICE and payload_bytes > MAX_SILENCE_OCTETS
    if paced:
        stream["voice_packets"] += 1
        stream["voice_octets"] += payload_bytes
    # RFC 7160: timestamps of another clock rate cannot be compared.
    if stream["media_clock_rate"] == clock_rate:
        # Modulo 2^32, signed: the timestamp wraps too.
        advance = (
            (timestamp - stream["media_timestamp"] + HALF_TIMESTAMPS) & (2 * HALF_TIMESTAMPS - 1)
        ) - HALF_TIMESTAMPS
        elapsed_s = (arrival_ns - stream["media_arrival_ns"]) * 1e-9
        _add_jitter(stream, abs(elapsed_s - advance / clock_rate), marker or contiguous)
        consecutive = number == ((stream["media_sequence"] + 1) & (SEQUENCE_NUMBERS - 1))
        if paced and stream["media_paced"] != 0 and consecutive and not marker:
            _learn_ptime(stream, advance, clock_rate)
    else:
        stream["ptime_candidate"] = 0
    stream["media_arrival_ns"] = arrival_ns
    stream["media_timestamp"] = timestamp
    stream["media_clock_rate"] = clock_rate
    stream["media_sequence"] = number
    stream["media_paced"] = paced
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
    stream["recovered"] = 0
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
    out["first_arrival_ns"] = stream["first_arrival_ns"]
    out["last_arrival_ns"] = stream["last_arrival_ns"]
    out["started_ns"] = stream["mark_ns"]
    out["ended_ns"] = at_ns
    _write_interval(stream, out)
    _write_total(stream, out)
    _mark(stream, at_ns)
