"""What the measurement costs: CPU time a packet and a slice, memory a stream. `python -m tests.bench.observing`"""

import time

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import SLICE, STREAM, VOICE
from rtp_analyzer.measure.stream import cut_slice, observe, open_stream

PACKETS = 1_000_000
ROUNDS = 5  # the best one counts: other programs only ever add
PACKETS_A_SLICE = 50
START_NS = 10**18
PTIME_NS = 20_000_000
UNITS = 160

_STREAMS = numba.from_dtype(STREAM)[::1]
_SLICES = numba.from_dtype(SLICE)[::1]
_INTS = numba.int64[::1]


@compiled(numba.void(_STREAMS, _SLICES, _INTS, _INTS, numba.int64))
def replay(
    streams: NDArray[np.void],
    slices: NDArray[np.void],
    arrivals_ns: NDArray[np.int64],
    numbers: NDArray[np.int64],
    packets_a_slice: int,
) -> None:
    """Observe packet i as one of stream i modulo their count; cut all when each had `packets_a_slice` (0: never)."""
    count = len(streams)
    for i in range(len(arrivals_ns)):
        number = numbers[i]
        timestamp = number * UNITS & 0xFFFFFFFF
        observe(streams[i % count], arrivals_ns[i], number & 0xFFFF, timestamp, 8, False, 160, 8000, VOICE)
        if packets_a_slice > 0 and (i + 1) % (packets_a_slice * count) == 0:
            for index in range(count):
                cut_slice(streams[index], arrivals_ns[i], slices[index])


def cpu_s(streams: int, jitter_ms: float, loss: float, packets_a_slice: int) -> float:
    """Seconds of CPU for PACKETS packets, the best of ROUNDS."""
    random = np.random.default_rng(3550)
    sent = np.flatnonzero(random.random(2 * PACKETS // streams) >= loss)[: PACKETS // streams]
    numbers = np.repeat(sent, streams).astype(np.int64)
    delays_ns = random.exponential(1, len(numbers)) * jitter_ms * 1e6
    arrivals_ns = START_NS + numbers * PTIME_NS + delays_ns.astype(np.int64)
    best_s = float("inf")
    for _ in range(ROUNDS):
        records, slices = np.zeros(streams, STREAM), np.zeros(streams, SLICE)
        for index in range(streams):
            open_stream(records, index, index, START_NS)
        began_s = time.process_time()
        replay(records, slices, arrivals_ns, numbers, packets_a_slice)
        best_s = min(best_s, time.process_time() - began_s)
    return best_s


def main() -> None:
    for streams, jitter_ms, loss in ((1, 0, 0), (1, 5, 0.05), (1000, 0, 0), (1000, 5, 0.05)):
        observing_s = cpu_s(streams, jitter_ms, loss, 0)
        cutting_s = cpu_s(streams, jitter_ms, loss, PACKETS_A_SLICE) - observing_s
        packet_ns = observing_s / PACKETS * 1e9
        slice_us = cutting_s / (PACKETS / PACKETS_A_SLICE) * 1e6
        case = f"{streams:5} streams, {jitter_ms} ms of jitter, {loss:.0%} lost"
        print(f"{case}: {packet_ns:5.1f} ns a packet, {slice_us:4.1f} µs a slice")
    print(f"{STREAM.itemsize} bytes a stream, {SLICE.itemsize} a slice")


if __name__ == "__main__":
    main()
