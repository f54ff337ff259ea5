"""One datagram in, one datagram out: the compiled socket calls, with the kernel's receive time and drop count."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.addresses import WORDS
from rtp_analyzer.taps.legs import (
    CONTROL_WORDS,
    LOOP,
    NO_DESTINATION,
    SEND_FAILED,
    SOCKET_DROPS,
    TRUNCATED,
)
from rtp_analyzer.taps.libc import (
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    MSG_TRUNC,
    SO_RXQ_OVFL,
    SO_TIMESTAMPNS,
    SOL_SOCKET,
    recvmsg,
    sendto,
)
from rtp_analyzer.taps.sources import LEG_TYPE

NANOSECONDS: Final = 1_000_000_000
_CONTROL_HEADER_WORDS: Final = 2  # struct cmsghdr: length (8), level (4), type (4)
# Level and type of a control message as one little-endian word.
_TIMESTAMP: Final = np.uint64(SOL_SOCKET | SO_TIMESTAMPNS << 32)
_OVERFLOW: Final = np.uint64(SOL_SOCKET | SO_RXQ_OVFL << 32)

BYTES: Final = numba.uint8[::1]
COUNTER_ARRAY: Final = numba.int64[::1]
LOOP_TYPE: Final = numba.from_dtype(LOOP)
_WORDS: Final = numba.types.NestedArray(numba.uint64, (WORDS,))  # as a field of a record


@compiled(numba.void(LOOP_TYPE, LEG_TYPE, COUNTER_ARRAY))
def _read_control(loop: np.void, leg: np.void, counters: NDArray[np.int64]) -> None:
    """The kernel's receive time of the packet, and how many packets this socket has dropped so far."""
    control = loop["control"]
    words_left = np.int64(loop["message"]["control_bytes"]) // 8
    at = np.int64(0)
    while words_left >= _CONTROL_HEADER_WORDS:
        length = np.int64(control[at])
        if length < 8 * _CONTROL_HEADER_WORDS:
            return
        if control[at + 1] == _TIMESTAMP:
            loop["arrival_ns"] = np.int64(control[at + 2]) * NANOSECONDS + np.int64(control[at + 3])
        elif control[at + 1] == _OVERFLOW:
            drops = np.uint32(control[at + 2] & np.uint64(0xFFFFFFFF))
            counters[SOCKET_DROPS] += np.int64(np.uint32(drops - leg["drops"]))
            leg["drops"] = drops
        words = (length + 7) // 8
        words_left -= words
        at += words


@compiled(numba.boolean(LOOP_TYPE, numba.int32, LEG_TYPE, COUNTER_ARRAY))
def receive(loop: np.void, fd: int, leg: np.void, counters: NDArray[np.int64]) -> bool:
    """Take one datagram of a leg into the packet buffer; false when there is none, or when it does not fit."""
    message = loop["message"]
    message["name_bytes"] = 8 * len(loop["name"])
    message["control_bytes"] = 8 * CONTROL_WORDS
    loop["name"][3] = np.uint64(0)  # a sockaddr_in6 ends within this word
    size = recvmsg(fd, loop["message_at"], MSG_DONTWAIT)
    if size < 0:
        return False
    loop["size"] = size
    _read_control(loop, leg, counters)
    if message["flags"] & MSG_TRUNC:
        counters[TRUNCATED] += 1
        leg["refused"] += 1
        return False
    return True


@compiled(numba.boolean(LOOP_TYPE, BYTES, numba.int32, _WORDS, COUNTER_ARRAY))
def send(
    loop: np.void, packet: NDArray[np.uint8], fd: int, to: NDArray[np.uint64], counters: NDArray[np.int64]
) -> bool:
    """Send the packet buffer to an address; false when there is none, or when the kernel refuses."""
    if to[0] == 0:
        counters[NO_DESTINATION] += 1
        return False
    flags = MSG_DONTWAIT | MSG_NOSIGNAL
    if sendto(fd, packet.ctypes.data, loop["size"], flags, to.ctypes.data, loop["address_bytes"]) < 0:
        counters[SEND_FAILED] += 1
        return False
    return True
