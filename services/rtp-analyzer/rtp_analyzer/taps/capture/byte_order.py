"""Numbers in bytes, in both orders; compiled."""

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled


@compiled("int64(uint8[::1], int64)")
def big_8(data: NDArray[np.uint8], at: int) -> int:
    """The byte at `at`."""
    return np.int64(data[at])  # type: ignore[return-value]  # a numba integer


@compiled("int64(uint8[::1], int64)")
def big_16(data: NDArray[np.uint8], at: int) -> int:
    """The big-endian number of two bytes at `at`."""
    return big_8(data, at) << 8 | big_8(data, at + 1)


@compiled("int64(uint8[::1], int64)")
def big_32(data: NDArray[np.uint8], at: int) -> int:
    """The big-endian number of four bytes at `at`."""
    return big_16(data, at) << 16 | big_16(data, at + 2)


@compiled("uint64(uint8[::1], int64)")
def big_64(data: NDArray[np.uint8], at: int) -> int:
    """The big-endian number of eight bytes at `at`."""
    return np.uint64(big_32(data, at)) << np.uint64(32) | np.uint64(big_32(data, at + 4))  # type: ignore[return-value]  # a numba integer


@compiled("int64(uint8[::1], int64, boolean)")
def number_16(data: NDArray[np.uint8], at: int, big_endian: bool) -> int:
    """The number of two bytes at `at` in the order of the file."""
    if big_endian:
        return big_16(data, at)
    return big_8(data, at + 1) << 8 | big_8(data, at)


@compiled("int64(uint8[::1], int64, boolean)")
def number_32(data: NDArray[np.uint8], at: int, big_endian: bool) -> int:
    """The number of four bytes at `at` in the order of the file."""
    if big_endian:
        return big_32(data, at)
    return number_16(data, at + 2, False) << 16 | number_16(data, at, False)
