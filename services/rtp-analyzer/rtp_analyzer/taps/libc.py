"""The C library's calls that the packet loop makes itself, and the memory layouts that Linux expects of them.

The layouts are those of 64-bit little-endian Linux (x86_64 and aarch64), where they differ in `epoll_event` alone.
"""

import ctypes
import os
import platform
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import types


def _external(name: str, signature: Any) -> Callable[..., int]:
    """A function of libc for compiled code. numba links it by name, so that the machine code can be cached."""
    function: Callable[..., int] = types.ExternalFunction(name, signature)
    return function


# Addresses travel as plain integers; an array gives its own with `array.ctypes.data`.
_SIZE: Final = types.uintp
_INT: Final = types.int32
recvmsg: Final = _external("recvmsg", types.intp(_INT, _SIZE, _INT))
sendto: Final = _external("sendto", types.intp(_INT, _SIZE, _SIZE, _INT, _SIZE, types.uint32))
epoll_wait: Final = _external("epoll_wait", _INT(_INT, _SIZE, _INT, _INT))
read: Final = _external("read", types.intp(_INT, _SIZE, _SIZE))
memcpy: Final = _external("memcpy", types.uintp(_SIZE, _SIZE, _SIZE))
clock_gettime: Final = _external("clock_gettime", _INT(_INT, _SIZE))
timerfd_settime: Final = _external("timerfd_settime", _INT(_INT, _INT, _SIZE, _SIZE))
usleep: Final = _external("usleep", _INT(types.uint32))
pthread_mutex_lock: Final = _external("pthread_mutex_lock", _INT(_SIZE))
pthread_mutex_unlock: Final = _external("pthread_mutex_unlock", _INT(_SIZE))

SOL_SOCKET: Final = 1
SO_TIMESTAMPNS: Final = 35  # also the type of the control message, which holds a timespec
SO_RXQ_OVFL: Final = 40  # the same; it holds the socket's drops so far, 32 bits
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40
MSG_NOSIGNAL: Final = 0x4000

MUTEX_BYTES: Final = 64  # pthread_mutex_t has 40 on x86_64, 48 on aarch64; all zero is PTHREAD_MUTEX_INITIALIZER

# Packed on x86_64 only (the kernel's EPOLL_PACKED).
_EVENT_DATA_AT = 4 if platform.machine() in ("x86_64", "AMD64") else 8
EPOLL_EVENT: Final = np.dtype(
    {
        "names": ["events", "data"],
        "formats": [np.uint32, np.uint64],
        "offsets": [0, _EVENT_DATA_AT],
        "itemsize": _EVENT_DATA_AT + 8,
    }
)
MSGHDR: Final = np.dtype(
    {
        "names": ["name", "name_bytes", "vectors", "vector_count", "control", "control_bytes", "flags"],
        "formats": [np.uint64, np.uint32, np.uint64, np.uint64, np.uint64, np.uint64, np.int32],
        "offsets": [0, 8, 16, 24, 32, 40, 48],
        "itemsize": 56,
    }
)
IOVEC: Final = np.dtype([("base", np.uint64), ("bytes", np.uint64)])

CLOCK_REALTIME: Final = 0  # what receive timestamps are of
CLOCK_MONOTONIC: Final = 1
TFD_TIMER_ABSTIME: Final = 1
_TFD_FLAGS = 0o2004000  # TFD_NONBLOCK | TFD_CLOEXEC
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Interval(ctypes.Structure):
    """struct itimerspec: period, then first expiry."""

    _fields_ = [
        ("period_s", ctypes.c_long),
        ("period_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    ]


def open_timer() -> int:
    """A timerfd on the monotonic clock, not yet running (os.timerfd_create comes with Python 3.13)."""
    fd: int = _LIBC.timerfd_create(CLOCK_MONOTONIC, _TFD_FLAGS)
    if fd < 0:
        raise _os_error("timerfd_create")
    return fd


def set_timer(fd: int, period_ns: int) -> None:
    """Lets the timer expire every `period_ns` (below one second) from now on; 0 stops it."""
    interval = _Interval(0, period_ns, 0, period_ns)
    if _LIBC.timerfd_settime(fd, 0, ctypes.byref(interval), None) < 0:
        raise _os_error("timerfd_settime")


class Mutex:
    """A pthread mutex in NumPy memory, which compiled code and Python can both hold.

    Waiting for it releases the GIL. `raised` tells the compiled side that Python waits (pthread mutexes are not fair).
    """

    def __init__(self, memory: int, raised: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        self._memory = ctypes.c_void_p(memory)
        self._raised = raised

    def __enter__(self) -> None:
        self._raised[0] = 1
        _LIBC.pthread_mutex_lock(self._memory)
        self._raised[0] = 0

    def __exit__(self, *_: object) -> None:
        _LIBC.pthread_mutex_unlock(self._memory)


def _os_error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
