"""A capture file from its first byte to its report, through the same measurement as live media."""

import secrets
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from rtp_analyzer.taps.capture.calls import CallBook, Described, Ended
from rtp_analyzer.taps.capture.fragments import Reassembly
from rtp_analyzer.taps.capture.frames import enter_transport
from rtp_analyzer.taps.capture.layout import (
    BLOCK,
    COUNTERS,
    DAMAGED,
    FRAGMENT,
    FRAMES,
    MORE,
    NO_ROOM,
    PACKET,
    SEGMENT,
    SIGNALLING,
    SLICES,
    TCP,
    UDP,
    UDP_DATAGRAMS,
    UNMEASURED,
)
from rtp_analyzer.taps.capture.report import build
from rtp_analyzer.taps.capture.scan import scan
from rtp_analyzer.taps.capture.segments import TcpMessages
from rtp_analyzer.taps.capture.signalling import read_message, starts_message
from rtp_analyzer.taps.capture.source import CaptureSource, opened
from rtp_analyzer.taps.capture.tables import Host, StreamTables
from rtp_analyzer.taps.capture.take import take_datagram
from shared.captures import CaptureReport

SIP_PORT: Final = 5060
_PORTS: Final = 65_536
_WORD: Final = (1 << 64) - 1
_V4_MAPPED: Final = 0xFFFF << 32

Progress = Callable[[int], object]  # is told the bytes of the file that were read so far


def analyse(path: Path, progress: Progress | None = None) -> CaptureReport:
    """The streams and calls in a capture file. Raises CaptureError when it is none or cannot be read."""
    with opened(path) as file:
        return analyse_file(file, path.name, progress)


def analyse_file(file: BinaryIO, name: str, progress: Progress | None = None) -> CaptureReport:
    """The same of a file that is open, or a pipe. Only a part of it is ever in memory."""
    return _Analysis(CaptureSource(file, name), secrets.randbits(64)).run(name, progress)


class _Analysis:
    def __init__(self, source: CaptureSource, seed: int) -> None:
        self._source = source
        self._book = CallBook()
        self._tables = StreamTables(seed, self._book.endpoints)
        self._reassembly = Reassembly()
        self._tcp = TcpMessages()
        self._packet = np.zeros(1, PACKET)[0]
        self._counters = np.zeros(len(COUNTERS), np.int64)
        self._sip_ports = np.zeros(_PORTS, np.bool_)
        self._sip_ports[SIP_PORT] = True
        self._damage: str | None = None

    def run(self, name: str, progress: Progress | None) -> CaptureReport:
        source = self._source
        while True:
            outcome = self._scan()
            if outcome == BLOCK:
                taken = source.read_block()
                outcome = DAMAGED if taken is False else MORE if taken is None else outcome
            if outcome == DAMAGED:
                self._damage = f"the file is damaged after packet {int(self._counters[FRAMES])}"
                break
            if outcome == MORE:
                if not source.refill():
                    break
                if progress is not None:
                    progress(source.bytes_read)
            else:
                self._handle(outcome)
        self._tables.finish_all()
        return build(
            name,
            source.reader,
            dict(zip(COUNTERS, self._counters.tolist(), strict=True)),
            self._book.calls,
            self._tables.finished,
            truncated=self._damage is None and source.truncated,
            damage=self._damage,
        )

    def _scan(self) -> int:
        source, tables = self._source, self._tables
        return scan(
            source.data,
            source.filled,
            source.reader,
            source.interfaces,
            self._packet,
            self._sip_ports,
            tables.keys,
            tables.seed,
            tables.flows,
            tables.streams,
            tables.used,
            tables.endpoint_formats,
            tables.formats,
            tables.slices,
            tables.slice_flows,
            tables.slice_count,
            self._counters,
        )

    def _handle(self, outcome: int) -> None:
        """What `scan` leaves to Python."""
        if outcome == SIGNALLING:
            self._read(self._payload(), self._now_ns())
        elif outcome == SEGMENT:
            self._take_segment(self._payload())
        elif outcome == FRAGMENT:
            self._take_fragment()
        elif outcome == SLICES:
            self._tables.judge_slices()
        elif outcome == NO_ROOM and not self._tables.make_room(self._now_ns()):
            self._counters[UNMEASURED] += 1
            self._source.reader["held"] = 0

    def _payload(self) -> bytes:
        at = int(self._packet["at"])
        return self._source.data[at : at + int(self._packet["captured"])].tobytes()

    def _now_ns(self) -> int:
        return int(self._source.reader["last_ns"])

    def _read(self, data: bytes, at_ns: int) -> None:
        message = read_message(data)
        if message is None:
            return
        for change in self._book.read(message, at_ns):
            match change:
                case Described(endpoint, before):
                    self._tables.describe(
                        endpoint,
                        _host(endpoint.media.address),
                        is_new=before is None,
                        suspended=before is not None and before.media.sends != endpoint.media.sends,
                    )
                case Ended(call):
                    self._tables.end(tuple(call.ends.values()))

    def _take_segment(self, data: bytes) -> None:
        packet = self._packet
        if starts_message(data):
            # Its further segments need not begin like SIP. One of the two ports is the server's; which does not matter.
            self._sip_ports[packet["source_port"]] = self._sip_ports[packet["target_port"]] = True
        source = int(packet["source_high"]) << 64 | int(packet["source_low"])
        target = int(packet["target_high"]) << 64 | int(packet["target_low"])
        connection = (source, int(packet["source_port"]), target, int(packet["target_port"]))
        for message in self._tcp.add(connection, int(packet["tcp_sequence"]), data):
            self._read(message, self._now_ns())

    def _take_fragment(self) -> None:
        packet = self._packet
        source = int(packet["source_high"]) << 64 | int(packet["source_low"])
        target = int(packet["target_high"]) << 64 | int(packet["target_low"])
        whole = self._reassembly.add(
            (source, target, int(packet["protocol"]), int(packet["fragment"])),
            int(packet["fragment_at"]),
            self._payload(),
            last=bool(packet["fragment_last"]),
            arrival_ns=self._now_ns(),
        )
        if whole is not None:
            self._take_whole(np.frombuffer(bytearray(whole), np.uint8))

    def _take_whole(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        """A packet that was put together: what `scan` does with others."""
        packet, tables = self._packet, self._tables
        packet["at"] = 0
        packet["captured"] = packet["size"] = len(data)
        entered = enter_transport(data, packet)
        captured = data[int(packet["at"]) : int(packet["at"]) + int(packet["captured"])].tobytes()
        if entered == TCP:
            self._take_segment(captured)
        if entered != UDP:
            return
        self._counters[UDP_DATAGRAMS] += 1
        outcome = NO_ROOM
        for _ in range(3):
            outcome = take_datagram(
                data,
                packet,
                tables.keys,
                tables.seed,
                tables.flows,
                tables.streams,
                tables.used,
                tables.endpoint_formats,
                tables.formats,
                tables.slices,
                tables.slice_flows,
                tables.slice_count,
                self._counters,
            )
            if outcome == SIGNALLING:
                self._read(captured, self._now_ns())
            if outcome not in (NO_ROOM, SLICES):
                return
            self._handle(outcome)


def _host(address: str) -> Host:
    """An address as in the packets: 128 bits in two words, IPv4 as ::ffff:a.b.c.d."""
    parsed = ip_address(address)
    number = int(parsed) if parsed.version == 6 else _V4_MAPPED | int(parsed)
    return number >> 64, number & _WORD
