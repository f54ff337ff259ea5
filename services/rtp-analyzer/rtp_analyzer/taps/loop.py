"""The packet loop of the relay: wait, receive, check the source, measure, send on. It never touches Python."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.formats import FORMAT
from rtp_analyzer.measure.sequence import FRESH
from rtp_analyzer.measure.stream import observe
from rtp_analyzer.packets.rtp import VALID, is_rtcp, locate_payload, read_header
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, receive
from rtp_analyzer.taps.delay import note_delay
from rtp_analyzer.taps.forward import forward_rtcp, forward_rtp, lock_rtcp
from rtp_analyzer.taps.impairment import HELD_TYPE, IMPAIRMENT_TYPE, echo_impaired, send_held
from rtp_analyzer.taps.legs import (
    NO_IMPAIRMENT,
    NOT_RTP,
    RECEIVED,
    REFUSED,
    RTCP_RECEIVED,
    STREAMS_A_LEG,
    UNMEASURED,
)
from rtp_analyzer.taps.libc import (
    EPOLL_EVENT,
    epoll_wait,
    pthread_mutex_lock,
    pthread_mutex_unlock,
    usleep,
)
from rtp_analyzer.taps.rtcp import RTCP_TYPE, keep_rtcp
from rtp_analyzer.taps.sampling import SAMPLES_TYPE, is_due, sample
from rtp_analyzer.taps.sound import send_sounds
from rtp_analyzer.taps.sources import (
    LEG_TYPE,
    SENDER_TYPE,
    STREAM_TYPE,
    in_sequence,
    lock,
    may_send,
    may_send_rtcp,
    stream_of,
)

MAX_EVENTS: Final = 256
_YIELD_US: Final = 50  # enough for a waiting thread to wake up and take the mutex

# `owners[fd]`: twice the leg's index, plus 1 for its RTCP socket; or one of these.
NOBODY: Final = -1
STOP: Final = -2
TIMER: Final = -3
ALARM: Final = -4

_INT: Final = numba.int64
_LEGS: Final = LEG_TYPE[::1]
_STREAMS: Final = STREAM_TYPE[::1]
_SENDERS: Final = SENDER_TYPE[::1]
_FORMATS: Final = numba.from_dtype(FORMAT)[:, ::1]
_IMPAIRMENTS: Final = IMPAIRMENT_TYPE[::1]
_RTCP: Final = RTCP_TYPE[::1]
_EVENTS: Final = numba.from_dtype(EPOLL_EVENT)[::1]


@compiled(
    numba.void(LOOP_TYPE, BYTES, _LEGS, _STREAMS, _SENDERS, _FORMATS, SAMPLES_TYPE, _INT, _INT, _INT, COUNTER_ARRAY)
)
def _measure(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    formats: NDArray[np.void],
    samples: NDArray[np.void],
    index: int,
    payload_at: int,
    payload_bytes: int,
    counters: NDArray[np.int64],
) -> None:
    """Book the RTP packet in hand to its stream. A source that proves itself with it locks the leg."""
    payload_type, marker, sequence, timestamp, ssrc = read_header(packet)
    leg = legs[index]
    arrival_ns = loop["arrival_ns"]
    first = index * STREAMS_A_LEG
    slot = stream_of(leg, streams, senders, first, ssrc, loop["name"], arrival_ns, counters)
    if slot < 0:
        counters[UNMEASURED] += 1
        return
    known = formats[index, payload_type]
    clock_rate = known["clock_rate"]
    kind = known["kind"]
    outcome = observe(
        streams[slot], arrival_ns, sequence, timestamp, payload_type, marker != 0, payload_bytes, clock_rate, kind
    )
    sender = senders[slot]
    sender["last_ns"] = arrival_ns
    sender["packets"] += 1
    if (sender["confirmed"] == 0 or leg["locked"] == 0) and in_sequence(sender, sequence):
        sender["confirmed"] = 1
        if leg["locked"] == 0:
            lock(leg, streams, senders, first, slot, counters)
    codec = known["codec"]
    # Asked here, because a call with arrays costs as much as all the rest.
    if is_due(codec, sequence, payload_bytes, loop["run_period"]) and outcome == FRESH and sender["confirmed"] != 0:
        sample(loop, packet, payload_at, payload_bytes, codec, slot, ssrc, sequence, samples, counters)


@compiled(
    numba.void(
        LOOP_TYPE,
        BYTES,
        _LEGS,
        _STREAMS,
        _SENDERS,
        _FORMATS,
        SAMPLES_TYPE,
        _IMPAIRMENTS,
        HELD_TYPE,
        _RTCP,
        _INT,
        COUNTER_ARRAY,
    )
)
def _serve_rtp_port(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    formats: NDArray[np.void],
    samples: NDArray[np.void],
    impairments: NDArray[np.void],
    held: NDArray[np.uint8],
    rtcp: NDArray[np.void],
    index: int,
    counters: NDArray[np.int64],
) -> None:
    leg = legs[index]
    if leg["active"] == 0 or not receive(loop, leg["rtp_fd"], leg, counters):
        return
    if not may_send(leg, loop["name"]):
        leg["refused"] += 1
        counters[REFUSED] += 1
        return
    leg["heard"] += 1
    if is_rtcp(packet, loop["size"]):
        counters[RTCP_RECEIVED] += 1
        forwarded = forward_rtp(loop, packet, legs, index, counters)
        keep_rtcp(loop, packet, leg, index, forwarded, rtcp, counters)
        return
    fault, payload_at, payload_bytes = locate_payload(packet, loop["size"])
    if fault != VALID:
        leg["refused"] += 1
        counters[NOT_RTP] += 1
        return
    counters[RECEIVED] += 1
    _measure(loop, packet, legs, streams, senders, formats, samples, index, payload_at, payload_bytes, counters)
    if leg["impairment"] != NO_IMPAIRMENT and leg["locked"] != 0:
        echo_impaired(loop, packet, legs, index, impairments, held, counters)
        return
    if forward_rtp(loop, packet, legs, index, counters):
        note_delay(loop, leg, counters)


@compiled(numba.void(LOOP_TYPE, BYTES, _LEGS, _STREAMS, _SENDERS, _RTCP, _INT, COUNTER_ARRAY))
def _serve_rtcp_port(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    rtcp: NDArray[np.void],
    index: int,
    counters: NDArray[np.int64],
) -> None:
    leg = legs[index]
    if leg["active"] == 0 or not receive(loop, leg["rtcp_fd"], leg, counters):
        return
    if not may_send_rtcp(leg, loop["name"]):
        leg["refused"] += 1
        counters[REFUSED] += 1
        return
    if not is_rtcp(packet, loop["size"]):
        leg["refused"] += 1
        counters[NOT_RTP] += 1
        return
    leg["heard"] += 1
    counters[RTCP_RECEIVED] += 1
    lock_rtcp(loop, packet, leg, streams, senders, index * STREAMS_A_LEG)
    forwarded = forward_rtcp(loop, packet, legs, index, counters)
    keep_rtcp(loop, packet, leg, index, forwarded, rtcp, counters)


@compiled(
    numba.void(
        LOOP_TYPE,
        BYTES,
        BYTES,
        _EVENTS,
        numba.int32[::1],
        _LEGS,
        _STREAMS,
        _SENDERS,
        _FORMATS,
        SAMPLES_TYPE,
        _IMPAIRMENTS,
        HELD_TYPE,
        numba.int32[::1],
        _RTCP,
        COUNTER_ARRAY,
    )
)
def run(
    loop: np.void,
    packet: NDArray[np.uint8],
    sound_packet: NDArray[np.uint8],
    events: NDArray[np.void],
    owners: NDArray[np.int32],
    legs: NDArray[np.void],
    streams: NDArray[np.void],
    senders: NDArray[np.void],
    formats: NDArray[np.void],
    samples: NDArray[np.void],
    impairments: NDArray[np.void],
    held: NDArray[np.uint8],
    sound_legs: NDArray[np.int32],
    rtcp: NDArray[np.void],
    counters: NDArray[np.int64],
) -> None:
    """Serve all sockets until the stop descriptor becomes readable.

    It holds the mutex while it works on a batch and gives it up while it waits. Each ready socket gives one datagram a
    round, so that a flood on one port cannot starve the others.
    """
    stopped = False
    while not stopped:
        ready = epoll_wait(loop["epoll_fd"], events.ctypes.data, MAX_EVENTS, -1)
        if loop["raised"] != 0:
            usleep(_YIELD_US)
        pthread_mutex_lock(loop["mutex_at"])
        for i in range(ready):
            owner = owners[np.int64(events[i]["data"] & np.uint64(0x7FFFFFFF))]
            if owner == STOP:
                stopped = True
            elif owner == TIMER:
                send_sounds(loop, sound_packet, legs, sound_legs, counters)
            elif owner == ALARM:
                send_held(loop, legs, impairments, held, counters)
            elif owner >= 0 and owner & 1:
                _serve_rtcp_port(loop, packet, legs, streams, senders, rtcp, owner >> 1, counters)
            elif owner >= 0:
                index = owner >> 1
                _serve_rtp_port(
                    loop, packet, legs, streams, senders, formats, samples, impairments, held, rtcp, index, counters
                )
        pthread_mutex_unlock(loop["mutex_at"])
