"""What timestamps say beside arrivals: RFC 3550 A.8, the ptime, pauses of the sender. Compiled."""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.sequence import FRESH, SEQUENCE_NUMBERS
from rtp_analyzer.measure.state import STREAM, VOICE
from rtp_analyzer.measure.transit import anchor, note_distance, voice

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

_STREAM: Final = numba.from_dtype(STREAM)
_VOID: Final = numba.void
_INT: Final = numba.int64  # of every integer: numba makes int64 with uint64 a float


@compiled(numba.float64(_STREAM))
def _ptime_s(stream: np.void) -> float:
    return stream["ptime_s"] if stream["ptime_s"] > 0 else DEFAULT_PTIME_S


@compiled(numba.boolean(_STREAM, numba.float64, numba.boolean))
def _add_jitter(stream: np.void, deviation_s: float, sender_may_step: bool) -> bool:
    """RFC 3550 A.8 with |D| = `deviation_s`: as written, and with the sender's own timestamp steps taken out.

    True when the sender has stepped.
    """
    if deviation_s >= TIMESTAMP_RESET_S:
        stream["steps"] += 1
        return True
    # RFC 3550 A.8: J += (|D| - J) / 16
    jitter_s = stream["jitter_s"] + (deviation_s - stream["jitter_s"]) * JITTER_GAIN
    stream["jitter_s"] = jitter_s
    stream["jitter_max_s"] = max(stream["jitter_max_s"], jitter_s)
    stream["slice_jitter_max_s"] = max(stream["slice_jitter_max_s"], jitter_s)
    stream["jitter_samples"] += 1
    if sender_may_step and deviation_s > STEP_PTIMES * _ptime_s(stream) + STEP_S:
        stream["steps"] += 1
        return True
    steady_s = stream["steady_jitter_s"] + (deviation_s - stream["steady_jitter_s"]) * JITTER_GAIN
    stream["steady_jitter_s"] = steady_s
    stream["steady_jitter_max_s"] = max(stream["steady_jitter_max_s"], steady_s)
    return False


@compiled(_VOID(_STREAM))
def forget_weight(stream: np.void) -> None:
    """What packets weighed so far says nothing of those of another codec, or of another length."""
    stream["voice_packets"] = 0
    stream["voice_octets"] = 0


@compiled(numba.boolean(_STREAM, _INT, _INT))
def _learn_ptime(stream: np.void, advance: int, clock_rate: int) -> bool:
    """Two equal distances between consecutive voice packets of a talkspurt are the ptime; true when it is another."""
    if advance <= 0 or advance > clock_rate * MAX_PTIME_S:
        return False
    confirmed = stream["ptime_candidate"] == advance
    stream["ptime_candidate"] = advance
    if not confirmed:
        return False
    known_s = stream["ptime_s"]
    stream["ptime_s"] = advance / clock_rate
    if known_s == stream["ptime_s"]:
        return False
    forget_weight(stream)
    return bool(known_s > 0)


@compiled(numba.boolean(_STREAM, _INT, _INT, _INT, _INT, _INT, numba.boolean, numba.boolean, numba.boolean, _INT))
def _compare(
    stream: np.void,
    outcome: int,
    number: int,
    arrival_ns: int,
    before_ns: int,
    timestamp: int,
    marker: bool,
    contiguous: bool,
    paced: bool,
    clock_rate: int,
) -> bool:
    """Compare a packet with the one before it on the same media clock; true when it begins a talkspurt."""
    # Modulo 2^32, signed: the timestamp wraps too.
    advance = ((timestamp - stream["media_timestamp"] + HALF_TIMESTAMPS) & (2 * HALF_TIMESTAMPS - 1)) - HALF_TIMESTAMPS
    elapsed_s = (arrival_ns - stream["media_arrival_ns"]) * 1e-9
    advance_s = advance / clock_rate
    stream["media_units"] += advance
    if _add_jitter(stream, abs(elapsed_s - advance_s), marker or contiguous):
        anchor(stream, arrival_ns, before_ns, clock_rate)
        return True
    if outcome != FRESH:
        return False
    moved = (number - stream["media_sequence"]) & (SEQUENCE_NUMBERS - 1)
    marked = marker and stream["media_marked"] == 0  # a marker on every packet says nothing
    if paced and stream["media_paced"] != 0 and moved == 1 and not marked and _learn_ptime(stream, advance, clock_rate):
        # A packet leaves when its last sample exists: another length moves all transit times by the difference.
        anchor(stream, arrival_ns, 0, clock_rate)
        return True
    ptime_s = _ptime_s(stream)
    silence_s = advance_s - moved * ptime_s
    silent = silence_s > ptime_s
    resumed = marked or advance < 0  # a timestamp that goes back is the sender's doing
    if silent or not resumed:
        note_distance(stream, arrival_ns - before_ns, silence_s)
    return bool(silent or resumed)


@compiled(_VOID(_STREAM, _INT))
def resume(stream: np.void, before_ns: int) -> None:
    """The packet that was set aside has opened a segment: let the buffers have it too."""
    arrival_ns = stream["media_arrival_ns"]
    anchor(stream, arrival_ns, before_ns, stream["media_clock_rate"])
    if stream["candidate_kind"] == VOICE:
        voice(stream, arrival_ns, before_ns, stream["base_sequence"], True)


@compiled(
    _VOID(_STREAM, _INT, _INT, _INT, _INT, _INT, numba.boolean, numba.boolean, numba.boolean, numba.boolean, _INT)
)
def follow(
    stream: np.void,
    outcome: int,
    number: int,
    arrival_ns: int,
    before_ns: int,
    timestamp: int,
    marker: bool,
    contiguous: bool,
    spoken: bool,
    paced: bool,
    clock_rate: int,
) -> None:
    """Measure the time of a packet that has a media timestamp; `spoken`: of the codec, `paced`: a whole packet of it.

    `before_ns`: the arrival before it; `contiguous`: its number follows the highest.
    """
    # RFC 7160: timestamps of another clock rate cannot be compared.
    if stream["media_clock_rate"] == clock_rate:
        talkspurt = _compare(
            stream, outcome, number, arrival_ns, before_ns, timestamp, marker, contiguous, paced, clock_rate
        )
    else:
        stream["ptime_candidate"] = 0
        anchor(stream, arrival_ns, before_ns, clock_rate)
        talkspurt = True
    # Noise that comes late is no voice that is missing.
    if spoken:
        back = (stream["max_sequence"] - number) & (SEQUENCE_NUMBERS - 1)
        voice(stream, arrival_ns, before_ns, stream["max_sequence"] - back, talkspurt)
    stream["media_arrival_ns"] = arrival_ns
    stream["media_timestamp"] = timestamp
    stream["media_clock_rate"] = clock_rate
    stream["media_sequence"] = number
    stream["media_paced"] = paced
    stream["media_marked"] = marker
