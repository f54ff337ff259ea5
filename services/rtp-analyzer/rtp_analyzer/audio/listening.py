"""From copied packets to what is heard of their streams: G.711 by its tables, other codecs from what a library made of
them. Compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.levels import hear, open_hearing
from rtp_analyzer.audio.state import A_LAW, FIRST_DECODED, HEARING, MU_LAW, PAYLOAD_BYTES, PIECE, SAMPLE
from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import STREAM
from rtp_analyzer.sounds.g711 import from_a_law, from_mu_law

G711_RATE: Final = 8000

_SAMPLES: Final = numba.from_dtype(SAMPLE)[::1]
_STREAMS: Final = numba.from_dtype(STREAM)[::1]
_HEARINGS: Final = numba.from_dtype(HEARING)[::1]
_FULL_SCALE_PCM: Final = np.float32(1 / 32767)


def _tables() -> NDArray[np.float32]:
    """By law, each octet as a fraction of the highest."""
    octets = np.arange(256, dtype=np.uint8)
    tables = np.zeros((MU_LAW + 1, 256), np.float32)
    for law, decode in ((A_LAW, from_a_law), (MU_LAW, from_mu_law)):
        plain = decode(octets)
        tables[law] = plain / np.max(plain)
    return tables


TABLES: Final = _tables()


@compiled(numba.int64(_SAMPLES, numba.float32[:, ::1], _STREAMS, _HEARINGS, numba.int64[::1]))
def hear_samples(
    samples: NDArray[np.void],
    tables: NDArray[np.float32],
    streams: NDArray[np.void],
    hearings: NDArray[np.void],
    others: NDArray[np.int64],
) -> int:
    """Book the G.711 of a batch of SAMPLEs; returns how many of them need a decoder, their indices in `others`.

    A packet of a stream that no longer has its slot is passed over.
    """
    sound = np.empty(PAYLOAD_BYTES, np.float32)
    count = 0
    for index in range(len(samples)):
        sample = samples[index]
        if sample["codec"] >= FIRST_DECODED:
            others[count] = index
            count += 1
            continue
        slot = sample["slot"]
        if streams[slot]["ssrc"] != sample["ssrc"]:
            continue
        octets = np.int64(sample["bytes"])
        for i in range(octets):
            sound[i] = tables[sample["codec"], sample["payload"][i]]
        open_hearing(hearings, slot, sample["ssrc"], False)
        hear(hearings[slot], sample["arrival_ns"], sound[:octets], G711_RATE)
    return count


@compiled(numba.void(_SAMPLES, numba.from_dtype(PIECE)[::1], numba.int16[::1], _STREAMS, _HEARINGS))
def hear_decoded(
    samples: NDArray[np.void],
    pieces: NDArray[np.void],
    pcm: NDArray[np.int16],
    streams: NDArray[np.void],
    hearings: NDArray[np.void],
) -> None:
    """Book what was decoded of a batch of SAMPLEs."""
    for i in range(len(pieces)):
        piece = pieces[i]
        sample = samples[piece["index"]]
        slot = sample["slot"]
        if streams[slot]["ssrc"] != sample["ssrc"]:
            continue
        sound = pcm[piece["first"] : piece["first"] + piece["samples"]] * _FULL_SCALE_PCM
        open_hearing(hearings, slot, sample["ssrc"], True)
        hear(hearings[slot], sample["arrival_ns"], sound, piece["rate"])
