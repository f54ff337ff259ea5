"""Tables of numbers as JSON, compiled: a thousand streams a second make a hundred thousand numbers."""

from collections.abc import Mapping
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled

DECIMALS: Final = 6  # of a millisecond: the nanosecond of a receive timestamp
_SCALE: Final = 10**DECIMALS
_LONGEST: Final = 27  # octets of a number
_LARGEST: Final = 9e18  # what fits 64 bits: beyond any count or time there is

_BYTES: Final = numba.uint8[::1]
_INT: Final = numba.int64
_ZERO: Final = 48  # "0"


@compiled(_INT(_BYTES, _INT, _INT, _INT))
def _write_digits(out: NDArray[np.uint8], at: int, value: np.int64, least: int) -> int:
    """Write a value that is not negative with at least so many digits; return the place behind it."""
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    digits = max(digits, least)
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + value % 10
        value //= 10
    return at + digits


@compiled(_INT(_BYTES, _INT, numba.float64))
def write_number(out: NDArray[np.uint8], at: int, value: float) -> int:
    """Write a JSON number of at most DECIMALS decimals, `null` for what is none; return the place behind it."""
    if not abs(value) < _LARGEST:
        for letter in (110, 117, 108, 108):
            out[at] = letter
            at += 1
        return at
    whole = np.int64(abs(value))
    fraction = np.int64(np.rint((abs(value) - whole) * _SCALE))
    if fraction == _SCALE:
        whole += 1
        fraction = np.int64(0)
    if value < 0 and whole + fraction > 0:
        out[at] = 45
        at += 1
    at = _write_digits(out, at, whole, 1)
    if fraction > 0:
        out[at] = 46
        at = _write_digits(out, at + 1, fraction, DECIMALS)
        while out[at - 1] == _ZERO:
            at -= 1
    return at


@compiled(numba.void(numba.float64[:, ::1], _BYTES, numba.int64[::1], _BYTES, numba.int64[::1]))
def _write_rows(
    columns: NDArray[np.float64],
    keys: NDArray[np.uint8],
    key_ends: NDArray[np.int64],
    out: NDArray[np.uint8],
    row_ends: NDArray[np.int64],
) -> None:
    """One row after another; what stands before each number is in `keys`, up to its end in `key_ends`."""
    at = 0
    for row in range(columns.shape[1]):
        start = 0
        for column in range(columns.shape[0]):
            for place in range(start, key_ends[column]):
                out[at] = keys[place]
                at += 1
            start = key_ends[column]
            at = write_number(out, at, columns[column, row])
        row_ends[row] = at


def members(columns: Mapping[str, NDArray[np.generic]]) -> list[str]:
    """Each row as the members of a JSON object, without its braces; NaN is null. Whole numbers are exact to 2^53."""
    keys = [f'{"," if number else ""}"{name}":'.encode() for number, name in enumerate(columns)]
    table = np.array(list(columns.values()), np.float64)
    rows = table.shape[1]
    literals = np.frombuffer(bytearray(b"".join(keys)), np.uint8)  # compiled code takes no read-only array
    ends = np.cumsum([len(key) for key in keys], dtype=np.int64)
    out = np.empty(rows * (len(literals) + len(keys) * _LONGEST), np.uint8)
    row_ends = np.empty(rows, np.int64)
    _write_rows(table, literals, ends, out, row_ends)
    written = out[: row_ends[-1] if rows else 0].tobytes().decode("ascii")
    starts = [0, *row_ends[:-1].tolist()]
    return [written[start:end] for start, end in zip(starts, row_ends.tolist(), strict=False)]
