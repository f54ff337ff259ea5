"""The memory of one relay: the tables that the packet loop and Python share, and the mutex between them."""

import os
import select
import socket
import threading

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import HEARING, SAMPLE
from rtp_analyzer.measure.formats import FORMAT, PAYLOAD_TYPES
from rtp_analyzer.measure.state import SLICE, STREAM
from rtp_analyzer.taps.addresses import SOCKADDR_BYTES
from rtp_analyzer.taps.legs import (
    COUNTERS,
    CUT,
    HELD_PACKETS,
    IMPAIRMENT,
    LEG,
    LOOP,
    PACKET_BYTES,
    RTCP_DATAGRAM,
    RTCP_KEPT,
    SENDER,
    STREAMS_A_LEG,
)
from rtp_analyzer.taps.libc import EPOLL_EVENT, Mutex, open_timer
from rtp_analyzer.taps.loop import ALARM, MAX_EVENTS, NOBODY, STOP, TIMER, run
from rtp_analyzer.taps.sampling import SHORTEST_PERIOD
from rtp_analyzer.taps.sound import SOUND_PACKET_BYTES

MAX_DESCRIPTORS = 1 << 20
SAMPLES_A_LEG = 12  # in a second, and as much again as a tick may be late
SPARE_SAMPLES = 1000  # where there are few legs, one may have packets of 2.5 ms


class LoopMemory:
    """All tables, one entry a leg or stream, and the descriptors that the loop waits on."""

    def __init__(self, legs: int, family: socket.AddressFamily, max_descriptors: int) -> None:
        self.legs = np.zeros(legs, LEG)
        self.streams = np.zeros(legs * STREAMS_A_LEG, STREAM)
        self.senders = np.zeros(legs * STREAMS_A_LEG, SENDER)
        self.formats = np.zeros((legs, PAYLOAD_TYPES), FORMAT)
        # Both sides are mere address space until they are used, from the first sample on.
        self.samples = np.zeros((2, SAMPLES_A_LEG * legs + SPARE_SAMPLES), SAMPLE)
        self.hearings = np.zeros(legs * STREAMS_A_LEG, HEARING)
        self.impairments = np.zeros(legs, IMPAIRMENT)
        self.impairments["leg"] = -1
        # Mere address space until it is used: rows are taken from the first on, so that it costs what is held at once.
        self._held = np.zeros((legs, HELD_PACKETS, PACKET_BYTES), np.uint8)
        self.sound_legs = np.zeros(legs, np.int32)
        self.counters = np.zeros(len(COUNTERS), np.int64)
        self.owners = np.full(min(max_descriptors, MAX_DESCRIPTORS), NOBODY, np.int32)
        self._rtcp = np.zeros(RTCP_KEPT, RTCP_DATAGRAM)
        self.cuts = np.zeros(legs * STREAMS_A_LEG, CUT)
        self.slices = np.zeros(legs * STREAMS_A_LEG, SLICE)
        self._packet = np.zeros(PACKET_BYTES, np.uint8)
        self._sound_packet = np.zeros(SOUND_PACKET_BYTES, np.uint8)
        self._events = np.zeros(MAX_EVENTS, EPOLL_EVENT)
        self._loop = np.zeros(1, LOOP)
        self.loop = self._loop[0]
        self.epoll = select.epoll()
        self.timer_fd = open_timer()
        self._alarm_fd = open_timer()
        self._stop_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._fill_loop(SOCKADDR_BYTES[family])
        self.mutex = Mutex(self._address_of("mutex"), self._loop["raised"])
        self._thread = threading.Thread(target=self._run, name="packet-loop", daemon=True)

    def _address_of(self, field: str) -> int:
        return int(self._loop[field].ctypes.data)

    def _fill_loop(self, address_bytes: int) -> None:
        loop = self.loop
        loop["epoll_fd"] = self.epoll.fileno()
        loop["timer_fd"] = self.timer_fd
        loop["alarm_fd"] = self._alarm_fd
        loop["address_bytes"] = address_bytes
        loop["run_period"] = SHORTEST_PERIOD
        loop["vector"]["base"] = self._packet.ctypes.data
        loop["vector"]["bytes"] = PACKET_BYTES
        loop["message"]["name"] = self._address_of("name")
        loop["message"]["vectors"] = self._address_of("vector")
        loop["message"]["vector_count"] = 1
        loop["message"]["control"] = self._address_of("control")
        loop["clock_at"] = self._address_of("clock")
        loop["alarm_at"] = self._address_of("alarm")
        loop["mutex_at"] = self._address_of("mutex")
        loop["message_at"] = self._address_of("message")
        loop["expirations_at"] = self._address_of("expirations")
        self.watch(self._stop_fd, STOP)
        self.watch(self.timer_fd, TIMER)
        self.watch(self._alarm_fd, ALARM)

    def _run(self) -> None:
        run(
            self.loop,
            self._packet,
            self._sound_packet,
            self._events,
            self.owners,
            self.legs,
            self.streams,
            self.senders,
            self.formats,
            self.samples,
            self.impairments,
            self._held,
            self.sound_legs,
            self._rtcp,
            self.counters,
        )

    def start(self) -> None:
        """Runs the packet loop in a thread of its own, outside the GIL."""
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ends the loop and closes what it waited on. Sockets are their opener's business."""
        if self._thread.is_alive():
            os.eventfd_write(self._stop_fd, 1)
            self._thread.join()
        self.epoll.close()
        os.close(self.timer_fd)
        os.close(self._alarm_fd)
        os.close(self._stop_fd)

    def take_rtcp(self) -> NDArray[np.void]:
        """The RTCP datagrams that came since the last time. The packet loop must stand still."""
        taken = self._rtcp[: int(self.loop["rtcp_kept"])].copy()
        self.loop["rtcp_kept"] = 0
        self.legs["rtcp_kept"] = 0
        return taken

    def watch(self, descriptor: int, owner: int) -> None:
        """Serves a descriptor as `owner` (see loop.py) from now on."""
        self.owners[descriptor] = owner
        self.epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        self.epoll.unregister(descriptor)
        self.owners[descriptor] = NOBODY
