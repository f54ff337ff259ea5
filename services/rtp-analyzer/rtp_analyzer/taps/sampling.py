"""Which packets are copied for the ear, and the copying: compiled. What is heard in them is found out elsewhere."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import FIRST_DECODED, NOT_HEARD, PAYLOAD_BYTES, SAMPLE
from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.stream import MAX_SILENCE_OCTETS
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE
from rtp_analyzer.taps.legs import AUDIO_NOT_SAMPLED, AUDIO_SAMPLED
from rtp_analyzer.taps.libc import memcpy

ONE_OF: Final = 5  # packets of G.711, each of which speaks for itself
RUN: Final = 10  # packets in sequence: other decoders need the ones before
SHORTEST_PERIOD: Final = 50  # packets from run to run: a second
LONGEST_PERIOD: Final = 400  # when there is no time to decode more

SAMPLES_TYPE: Final = numba.from_dtype(SAMPLE)[:, ::1]


@compiled(numba.boolean(numba.int64, numba.int64, numba.int64, numba.int64))
def is_due(codec: int, sequence: int, payload_bytes: int, period: int) -> bool:
    """Whether this packet of its stream is heard. Streams begin anywhere, so they do not all come at once.

    Silence descriptors are no sound of the party.
    """
    if codec == NOT_HEARD or payload_bytes <= MAX_SILENCE_OCTETS:
        return False
    if codec < FIRST_DECODED:
        return sequence % ONE_OF == 0
    return sequence % period < RUN


@compiled(
    numba.void(
        LOOP_TYPE,
        BYTES,
        numba.int64,
        numba.int64,
        numba.int64,
        numba.int64,
        numba.uint32,
        numba.int64,
        SAMPLES_TYPE,
        COUNTER_ARRAY,
    )
)
def sample(
    loop: np.void,
    packet: NDArray[np.uint8],
    payload_at: int,
    payload_bytes: int,
    codec: int,
    slot: int,
    ssrc: int,
    sequence: int,
    samples: NDArray[np.void],
    counters: NDArray[np.int64],
) -> None:
    """Copy the packet in hand into the side of `samples` that Python does not read now. Of G.711 the beginning will do.

    Where there is no room it is counted as not sampled.
    """
    side = loop["samples_side"]
    count = loop["samples"]
    if count == samples.shape[1] or (codec >= FIRST_DECODED and payload_bytes > PAYLOAD_BYTES):
        counters[AUDIO_NOT_SAMPLED] += 1
        return
    copy = samples[side, count]
    copy["slot"] = slot
    copy["ssrc"] = ssrc
    copy["arrival_ns"] = loop["arrival_ns"]
    copy["sequence"] = sequence
    copy["codec"] = codec
    copy["bytes"] = min(payload_bytes, PAYLOAD_BYTES)
    memcpy(copy["payload"].ctypes.data, packet[payload_at:].ctypes.data, copy["bytes"])
    loop["samples"] = count + 1
    counters[AUDIO_SAMPLED] += 1
