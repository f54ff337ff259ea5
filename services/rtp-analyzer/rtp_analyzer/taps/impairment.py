"""What the extension 997 does on purpose to an echo on its way back: calibrated loss and jitter, compiled.

Each packet is dropped with the given chance. The delay of those that pass is a walk over 0, 1 and 2 steps of J:
each packet is held exactly one step more or less than the one sent before it; from the middle, up or down by chance.
So |D(i-1,i)| of RFC 3550 A.8 is J for every packet that arrives, and the interarrival jitter of a sender without
any converges to J itself, from below: after n packets it is J * (1 - (15/16)**n). The mean delay is J, the longest 2 J.
No packet overtakes another. Where packets come closer together than J (a ptime below it), what is held waits behind
what is ahead of it, and the jitter stays below J.
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, NANOSECONDS, send
from rtp_analyzer.taps.legs import (
    DROPPED_ON_PURPOSE,
    HELD_PACKETS,
    IMPAIRMENT,
    NOT_HELD,
    RELAYED,
)
from rtp_analyzer.taps.libc import CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, clock_gettime, memcpy, read, timerfd_settime
from rtp_analyzer.taps.sources import LEG_TYPE

LOSS_SCALE: Final = 1 << 32
MIDDLE: Final = 1  # of the walk

_INT: Final = numba.int64
IMPAIRMENT_TYPE: Final = numba.from_dtype(IMPAIRMENT)
HELD_TYPE: Final = numba.uint8[:, :, ::1]


@compiled(numba.uint64(IMPAIRMENT_TYPE))
def draw(impairment: np.void) -> int:
    """64 random bits: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    state = np.uint64(impairment["random"]) + np.uint64(0x9E3779B97F4A7C15)
    impairment["random"] = state
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))  # type: ignore[return-value]  # NumPy's integers are integers to numba


@compiled(_INT(LOOP_TYPE))
def _now_ns(loop: np.void) -> int:
    clock_gettime(CLOCK_MONOTONIC, loop["clock_at"])
    return loop["clock"][0] * NANOSECONDS + loop["clock"][1]  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(numba.void(LOOP_TYPE, _INT))
def _set_alarm(loop: np.void, at_ns: int) -> None:
    loop["alarm_ns"] = at_ns
    loop["alarm"][2] = at_ns // NANOSECONDS
    loop["alarm"][3] = at_ns % NANOSECONDS
    timerfd_settime(loop["alarm_fd"], TFD_TIMER_ABSTIME, loop["alarm_at"], 0)


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE, COUNTER_ARRAY))
def _send_back(loop: np.void, packet: NDArray[np.uint8], leg: np.void, counters: NDArray[np.int64]) -> None:
    if leg["deaf"] == 0 and send(loop, packet, leg["rtp_fd"], leg["source"], counters):
        counters[RELAYED] += 1


@compiled(numba.void(LOOP_TYPE, LEG_TYPE[::1], IMPAIRMENT_TYPE, HELD_TYPE, _INT, _INT, COUNTER_ARRAY))
def _send_due(
    loop: np.void,
    legs: NDArray[np.void],
    impairment: np.void,
    held: NDArray[np.uint8],
    row: int,
    now_ns: int,
    counters: NDArray[np.int64],
) -> None:
    while impairment["held"] > 0 and impairment["due_ns"][impairment["first"]] <= now_ns:
        first = impairment["first"]
        loop["size"] = impairment["sizes"][first]
        _send_back(loop, held[row, first], legs[impairment["leg"]], counters)
        impairment["first"] = (first + 1) % HELD_PACKETS
        impairment["held"] -= 1


@compiled(numba.void(LOOP_TYPE, LEG_TYPE[::1], IMPAIRMENT_TYPE[::1], HELD_TYPE, COUNTER_ARRAY))
def send_held(
    loop: np.void,
    legs: NDArray[np.void],
    impairments: NDArray[np.void],
    held: NDArray[np.uint8],
    counters: NDArray[np.int64],
) -> None:
    """Send every held packet whose time has come, and set the alarm for the next."""
    if read(loop["alarm_fd"], loop["expirations_at"], 8) != 8:
        return
    now_ns = _now_ns(loop)
    next_ns = 0
    for row in range(loop["impairments"]):
        impairment = impairments[row]
        if impairment["held"] == 0:
            continue
        _send_due(loop, legs, impairment, held, row, now_ns, counters)
        due_ns = impairment["due_ns"][impairment["first"]]
        if impairment["held"] > 0 and (next_ns == 0 or due_ns < next_ns):
            next_ns = due_ns
    _set_alarm(loop, int(next_ns))


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE[::1], _INT, IMPAIRMENT_TYPE[::1], HELD_TYPE, COUNTER_ARRAY))
def echo_impaired(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    index: int,
    impairments: NDArray[np.void],
    held: NDArray[np.uint8],
    counters: NDArray[np.int64],
) -> None:
    """Drop the RTP packet in hand, or send it back after its delay. The source of leg `index` is certain."""
    row = np.int64(legs[index]["impairment"])
    impairment = impairments[row]
    bits = draw(impairment)
    if bits >> np.uint64(32) < np.uint64(impairment["loss"]):
        counters[DROPPED_ON_PURPOSE] += 1
        return
    if impairment["held"] == HELD_PACKETS:
        counters[NOT_HELD] += 1
        return
    up = impairment["steps"] < MIDDLE or (impairment["steps"] == MIDDLE and bits & np.uint64(1) != 0)
    impairment["steps"] += 1 if up else -1
    now_ns = _now_ns(loop)
    due_ns = now_ns + impairment["steps"] * impairment["step_ns"]
    if impairment["held"] == 0 and due_ns <= now_ns:
        _send_back(loop, packet, legs[index], counters)
        return
    last = (impairment["first"] + impairment["held"]) % HELD_PACKETS
    if impairment["held"] > 0:
        due_ns = max(due_ns, impairment["due_ns"][(last + HELD_PACKETS - 1) % HELD_PACKETS])
    impairment["due_ns"][last] = due_ns
    impairment["sizes"][last] = loop["size"]
    memcpy(held[row, last].ctypes.data, packet.ctypes.data, loop["size"])
    impairment["held"] += 1
    if loop["alarm_ns"] == 0 or due_ns < loop["alarm_ns"]:
        _set_alarm(loop, due_ns)
