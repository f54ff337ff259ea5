"""How loud, how silent, how clipped a piece of sound is, and the sums over a stream: compiled, no I/O."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import HEARD, HEARING
from rtp_analyzer.compiled import compiled

# 1.0 is the highest value that a codec can encode (RFC 6464 4: 0 dBov is a square wave of it). The step below the
# highest of G.711 is 0.968 in both laws.
FULL_SCALE: Final = 0.97
# A peak of the wave cut off stays at full scale; a peak that just touches it does not for three samples at 8 kHz.
CLIPPED_RUN: Final = 3
# The smallest step of either sign of G.711 is 1/4032 (A-law) or 2/8031 (u-law): what transcoders make of digital zero.
DIGITAL_PEAK: Final = 2.5e-4
# 24 dB below the nominal level of speech, -26 dBov (ITU-T P.56 and P.800 as they are used); rooms are at -65 to -55.
SILENCE_DBOV: Final = -50.0
SILENCE_SQUARE: Final = 10 ** (SILENCE_DBOV / 10)
# Packets that come after such a pause are another stretch: in between there was nothing to be heard (hold, DTX).
PAUSE_NS: Final = 10_000_000_000
NANOSECOND: Final = 1e-9

_HEARD: Final = numba.from_dtype(HEARD)
_HEARING: Final = numba.from_dtype(HEARING)
_FLOAT: Final = numba.float64
_BLANK: Final = np.zeros(1, HEARING)


@compiled("UniTuple(float64, 3)(float32[::1])")
def judge(sound: NDArray[np.float32]) -> tuple[float, float, float]:
    """(mean square, peak, clipped share) of at least one sample, relative to full scale. All zero: digital silence.

    Digital silence is what no microphone makes: all samples equal, or none above the smallest step of G.711. Clipped
    are CLIPPED_RUN samples and more in a row at full scale with the same sign.
    """
    square = 0.0
    peak = 0.0
    clipped = 0
    run = 0
    steady = True
    before = sound[0]
    for value in sound:
        square += value * value
        peak = max(peak, abs(value))
        steady = steady and value == before
        if abs(value) < FULL_SCALE or value * before < 0:
            run = 0
        if abs(value) >= FULL_SCALE:
            run += 1
        if run == CLIPPED_RUN:
            clipped += CLIPPED_RUN
        elif run > CLIPPED_RUN:
            clipped += 1
        before = value
    if steady or peak <= DIGITAL_PEAK:
        return 0.0, 0.0, 0.0
    return square / len(sound), peak, clipped / len(sound)


@compiled(numba.void(_HEARD, _FLOAT, _FLOAT, _FLOAT, _FLOAT))
def _add(heard: np.void, seconds: float, square: float, peak: float, clipped: float) -> None:
    heard["packets"] += 1
    heard["judged_s"] += seconds
    heard["square_s"] += square * seconds
    heard["clipped_s"] += clipped * seconds
    heard["peak"] = max(heard["peak"], peak)
    if square >= SILENCE_SQUARE:
        heard["active_s"] += seconds
        heard["active_square_s"] += square * seconds


@compiled(numba.void(_HEARING[::1], numba.int64, numba.uint32, numba.boolean))
def open_hearing(hearings: NDArray[np.void], slot: int, ssrc: int, decoded: bool) -> None:
    """Begin with a stream, unless it is the one that is heard there already."""
    hearing = hearings[slot]
    if hearing["open"] == 0 or hearing["ssrc"] != ssrc:
        hearings[slot] = _BLANK[0]
        hearing["open"] = 1
        hearing["ssrc"] = ssrc
    hearing["decoded"] = decoded


@compiled(numba.void(_HEARING))
def pause_hearing(hearing: np.void) -> None:
    """What comes next is no continuation of the silence so far (hold)."""
    hearing["digital_ns"] = 0


@compiled(numba.void(_HEARING, numba.int64, numba.float32[::1], numba.int64))
def hear(hearing: np.void, arrival_ns: int, sound: NDArray[np.float32], rate: int) -> None:
    """Book a packet with at least one sample; packets of a stream come in the order of their arrival."""
    square, peak, clipped = judge(sound)
    _add(hearing["slice"], len(sound) / rate, square, peak, clipped)
    _add(hearing["total"], len(sound) / rate, square, peak, clipped)
    if peak > 0 or arrival_ns - hearing["heard_ns"] > PAUSE_NS:
        hearing["digital_ns"] = 0
    if peak == 0 and hearing["digital_ns"] == 0:
        hearing["digital_ns"] = arrival_ns
    hearing["heard_ns"] = arrival_ns
    dead_s = 0.0
    if hearing["digital_ns"] != 0:
        dead_s = (arrival_ns - hearing["digital_ns"]) * NANOSECOND
    hearing["slice"]["dead_air_s"] = dead_s
    hearing["total"]["dead_air_s"] = max(hearing["total"]["dead_air_s"], dead_s)
