"""The layout of what is known about the sound of a stream: plain NumPy records. No logic."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# What a payload type is decoded with; of FORMAT and SAMPLE.
NOT_HEARD: Final = 0
A_LAW: Final = 1
MU_LAW: Final = 2
G722: Final = 3
G729: Final = 4
OPUS: Final = 5
CODECS: Final = {"PCMA": A_LAW, "PCMU": MU_LAW, "G722": G722, "G729": G729, "OPUS": OPUS}
FIRST_DECODED: Final = G722  # from here on by a library, below by a table

PAYLOAD_BYTES: Final = 320  # 40 ms of G.711 or G.722, 64 kbit/s of Opus at 40 ms

# One packet, copied for the ear.
SAMPLE: Final = np.dtype(
    [
        ("slot", np.int32),  # of its stream
        ("ssrc", np.uint32),
        ("arrival_ns", np.int64),
        ("sequence", np.uint16),
        ("bytes", np.uint16),  # that are here
        ("codec", np.uint8),
        ("payload", np.uint8, (PAYLOAD_BYTES,)),
    ],
    align=True,
)

# One packet that was decoded: which one of its batch, and its place in the 16-bit samples of all.
PIECE: Final = np.dtype(
    [("index", np.int32), ("rate", np.int32), ("first", np.int64), ("samples", np.int64)], align=True
)

# What was heard in a stretch of a stream. Seconds are of sound that was judged; squares are relative to full scale.
HEARD: Final = np.dtype(
    [
        ("packets", np.int64),
        ("judged_s", np.float64),
        ("square_s", np.float64),  # mean square times seconds
        ("active_s", np.float64),  # louder than silence
        ("active_square_s", np.float64),
        ("clipped_s", np.float64),
        ("peak", np.float64),
        ("dead_air_s", np.float64),  # longest; of a slice: that in which it ended
    ],
    align=True,
)

# One stream; beside its STREAM record.
HEARING: Final = np.dtype(
    [
        ("ssrc", np.uint32),
        ("open", np.uint8),
        ("decoded", np.uint8),  # by a library
        ("digital_ns", np.int64),  # since when there is digital silence; 0: there is none
        ("heard_ns", np.int64),  # arrival of the latest packet
        ("slice", HEARD),
        ("total", HEARD),
    ],
    align=True,
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder made of a batch of SAMPLEs: 16-bit samples, and the PIECEs that say whose they are."""

    batch: NDArray[np.void]
    pieces: NDArray[np.void]
    pcm: NDArray[np.int16]
    left: int  # packets for which there was no time
    idle: bool  # there would have been time for more than twice as many
