"""Where a packet goes next: to the other party, or back to its sender once that one is certain. Compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.packets.rtp import read_header
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, send
from rtp_analyzer.taps.legs import RELAYED, RTCP_RELAYED
from rtp_analyzer.taps.sources import LEG_TYPE, SENDER_TYPE, STREAM_TYPE, find_stream

_INT: Final = numba.int64


@compiled(numba.boolean(LOOP_TYPE, BYTES, LEG_TYPE[::1], _INT, COUNTER_ARRAY))
def forward_rtp(
    loop: np.void, packet: NDArray[np.uint8], legs: NDArray[np.void], index: int, counters: NDArray[np.int64]
) -> bool:
    """Send on what came to the RTP port of leg `index`; RTCP that shares the port (RFC 5761) too. False: it was not.

    An echo goes to a proven source only: whoever forges a source address would choose our victim.
    """
    target = legs[index]
    echo = target["echo"] != 0
    if not echo:
        if target["peer"] < 0:
            return False
        target = legs[target["peer"]]
    elif target["deaf"] != 0:
        return False
    to = target["remote"]
    if target["locked"] != 0:
        to = target["source"]
    elif echo:
        to = loop["nowhere"]
    if not send(loop, packet, target["rtp_fd"], to, counters):
        return False
    counters[RELAYED] += 1
    return True


@compiled(numba.boolean(LOOP_TYPE, BYTES, LEG_TYPE[::1], _INT, COUNTER_ARRAY))
def forward_rtcp(
    loop: np.void, packet: NDArray[np.uint8], legs: NDArray[np.void], index: int, counters: NDArray[np.int64]
) -> bool:
    """Send on what came to the RTCP port of leg `index`, from the RTCP port of the target. False: it was not."""
    target = legs[index]
    echo = target["echo"] != 0
    if not echo:
        if target["peer"] < 0:
            return False
        target = legs[target["peer"]]
    to = target["remote_rtcp"]
    if target["rtcp_locked"] != 0:
        to = target["rtcp_source"]
    elif echo:
        to = loop["nowhere"]
    sent = send(loop, packet, target["rtcp_fd"], to, counters)
    if sent:
        counters[RTCP_RELAYED] += 1
    return bool(sent)


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE, STREAM_TYPE[::1], SENDER_TYPE[::1], _INT))
def lock_rtcp(
    loop: np.void,
    packet: NDArray[np.uint8],
    leg: np.void,
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    first: int,
) -> None:
    """Take the source of this RTCP packet as the party's when it names the SSRC of a proven stream of a locked leg.

    `first` is the leg's first stream slot. The sender's SSRC stands where RTP has the timestamp:
    octets 4 to 7 (RFC 3550 6.4).
    """
    if leg["locked"] == 0 or leg["rtcp_locked"] != 0:
        return
    slot = find_stream(streams, first, read_header(packet)[3])
    if slot >= 0 and senders[slot]["confirmed"] != 0:
        leg["rtcp_locked"] = 1
        leg["rtcp_source"] = loop["name"]
