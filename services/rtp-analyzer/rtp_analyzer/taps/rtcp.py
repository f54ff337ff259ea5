"""RTCP on its way through: a copy of each datagram is kept until Python reads it. Compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, NANOSECONDS
from rtp_analyzer.taps.legs import RTCP_DATAGRAM, RTCP_KEPT_A_LEG, RTCP_NOT_KEPT, RTCP_OCTETS
from rtp_analyzer.taps.libc import CLOCK_REALTIME, clock_gettime, memcpy
from rtp_analyzer.taps.sources import LEG_TYPE

RTCP_TYPE: Final = numba.from_dtype(RTCP_DATAGRAM)


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE, numba.int64, numba.boolean, RTCP_TYPE[::1], COUNTER_ARRAY))
def keep_rtcp(
    loop: np.void,
    packet: NDArray[np.uint8],
    leg: np.void,
    index: int,
    forwarded: bool,
    rtcp: NDArray[np.void],
    counters: NDArray[np.int64],
) -> None:
    """Keep the RTCP datagram in hand, that leg `index` received and that was just `forwarded`, while there is room.

    The moment of sending is read from the clock of the kernel's receive times (SO_TIMESTAMPNS: CLOCK_REALTIME), so that
    the time a datagram waited for us is in no round trip.
    """
    place = loop["rtcp_kept"]
    if place == len(rtcp) or leg["rtcp_kept"] == RTCP_KEPT_A_LEG or loop["size"] > RTCP_OCTETS:
        counters[RTCP_NOT_KEPT] += 1
        return
    datagram = rtcp[place]
    datagram["leg"] = index
    datagram["size"] = loop["size"]
    datagram["arrival_ns"] = loop["arrival_ns"]
    datagram["forwarded_ns"] = 0
    if forwarded:
        clock_gettime(CLOCK_REALTIME, loop["clock_at"])
        datagram["forwarded_ns"] = loop["clock"][0] * NANOSECONDS + loop["clock"][1]
    memcpy(datagram["octets"].ctypes.data, packet.ctypes.data, loop["size"])
    leg["rtcp_kept"] += 1
    loop["rtcp_kept"] += 1
