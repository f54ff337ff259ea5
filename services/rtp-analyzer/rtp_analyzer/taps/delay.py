"""How long a packet waits in us: from the kernel's receive time until it was sent on, as a histogram. Compiled."""

from collections.abc import Sequence
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.datagrams import COUNTER_ARRAY, LOOP_TYPE, NANOSECONDS
from rtp_analyzer.taps.legs import DELAY_BUCKETS, LAGGED
from rtp_analyzer.taps.libc import CLOCK_REALTIME, clock_gettime
from rtp_analyzer.taps.sources import LEG_TYPE

BUCKETS_AN_OCTAVE: Final = 4  # of microseconds: a percentile is at most 19 % too high
# The shortest de-jitter buffer that a stream is judged by: what we delay longer, the other party may not hear.
LAG_NS: Final = 50_000_000


@compiled(numba.void(LOOP_TYPE, LEG_TYPE, COUNTER_ARRAY))
def note_delay(loop: np.void, leg: np.void, counters: NDArray[np.int64]) -> None:
    """Book the packet in hand, which came to `leg` and was just sent on. A clock set back meanwhile is no delay."""
    clock_gettime(CLOCK_REALTIME, loop["clock_at"])
    waited_ns = loop["clock"][0] * NANOSECONDS + loop["clock"][1] - loop["arrival_ns"]
    if waited_ns > LAG_NS:
        leg["lagged"] = 1
        counters[LAGGED] += 1
    bucket = np.int64(0)
    if waited_ns > 1000:
        bucket = min(np.int64(BUCKETS_AN_OCTAVE * np.log2(waited_ns / 1000)), np.int64(DELAY_BUCKETS - 1))
    loop["delays"][bucket] += 1


def percentile_ms(counts: Sequence[int], share: float) -> float | None:
    """What so large a share of the packets did not exceed, by their number in each bucket; None without packets."""
    total = sum(counts)
    seen = 0
    for bucket, count in enumerate(counts):
        seen += count
        if total and seen >= share * total:
            return float(2 ** ((bucket + 1) / BUCKETS_AN_OCTAVE)) / 1000
    return None
