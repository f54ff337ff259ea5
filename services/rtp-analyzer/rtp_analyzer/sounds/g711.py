"""G.711 with NumPy: samples to octets and octets to samples, in both laws."""

import numpy as np
from numpy.typing import NDArray


def a_law(samples: NDArray[np.float64]) -> NDArray[np.uint8]:
    """G.711 A-law of samples within -1..1 (13 bits: 4096 steps of each sign), even bits inverted."""
    magnitude = np.minimum(np.abs(samples) * 4096, 4095).astype(np.int64)
    # Segments 1..7 double in width; segment 0 is as wide as the first.
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    shift = np.maximum(segment, 1)
    step = (magnitude >> shift) & 0x0F
    sign = np.where(samples >= 0, 0x80, 0)
    return np.asarray((sign | segment << 4 | step) ^ 0x55, np.uint8)


def mu_law(samples: NDArray[np.float64]) -> NDArray[np.uint8]:
    """G.711 µ-law of samples within -1..1 (14 bits: 8159 steps of each sign), all bits inverted."""
    bias = 33
    magnitude = np.minimum(np.abs(samples) * 8159, 8158).astype(np.int64) + bias
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 5
    step = (magnitude >> (segment + 1)) & 0x0F
    sign = np.where(samples >= 0, 0, 0x80)
    return np.asarray(~(sign | segment << 4 | step) & 0xFF, np.uint8)


def from_a_law(octets: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The samples, within -1..1, in the middle of their steps (G.711 table 1)."""
    plain = octets.astype(np.int64) ^ 0x55
    segment, step = (plain >> 4) & 7, plain & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.asarray(np.where(plain & 0x80, magnitude, -magnitude) / 4096, np.float64)


def from_mu_law(octets: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The samples, within -1..1, in the middle of their steps (G.711 table 2)."""
    plain = ~octets.astype(np.int64) & 0xFF
    magnitude = ((2 * (plain & 15) + 33) << ((plain >> 4) & 7)) - 33
    return np.asarray(np.where(plain & 0x80, -magnitude, magnitude) / 8159, np.float64)
