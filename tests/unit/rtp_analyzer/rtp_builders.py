"""RTP streams as lists of arrivals, what may happen to them on the way, and a replay through the measurement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.state import SLICE, STREAM
from rtp_analyzer.measure.stream import cut_slice, observe, open_stream
from shared.events.media import PayloadFormat

SSRC = 0x11223344
START_NS = 1_700_000_000_000_000_000
NS_PER_MS = 1_000_000

TELEPHONE_EVENT = PayloadFormat(payload_type=101, encoding="TELEPHONE-EVENT", clock_rate=8000)
OPUS = PayloadFormat(payload_type=111, encoding="OPUS", clock_rate=48000, channels=2)
FORMATS = known_formats((TELEPHONE_EVENT, OPUS))
FORMAT_TABLE = format_table(FORMATS)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One RTP packet as it reaches us; numbers wrap as on the wire, `at_ms` counts from the first packet's due time."""

    at_ms: float
    sequence: int
    timestamp: int
    payload_type: int = 8
    marker: bool = False
    payload_bytes: int = 160


def steady(
    count: int,
    *,
    ptime_ms: float = 20,
    payload_type: int = 8,
    clock_rate: int = 8000,
    first_sequence: int = 1000,
    first_timestamp: int = 50_000,
    start_ms: float = 0,
    payload_bytes: int = 160,
) -> list[Arrival]:
    """`count` packets of a talkspurt, each exactly in time."""
    units = round(clock_rate * ptime_ms / 1000)
    return [
        Arrival(
            at_ms=start_ms + i * ptime_ms,
            sequence=(first_sequence + i) & 0xFFFF,
            timestamp=(first_timestamp + i * units) & 0xFFFFFFFF,
            payload_type=payload_type,
            payload_bytes=payload_bytes,
        )
        for i in range(count)
    ]


def following(previous: Arrival, count: int, *, pause_ms: float, ptime_ms: float = 20) -> list[Arrival]:
    """A talkspurt that goes on in sequence and timestamp `pause_ms` after a packet."""
    return steady(
        count,
        ptime_ms=ptime_ms,
        first_sequence=previous.sequence + 1,
        first_timestamp=previous.timestamp + round(pause_ms * 8),
        start_ms=previous.at_ms + pause_ms,
    )


def without(packets: Sequence[Arrival], lost: Iterable[int]) -> list[Arrival]:
    """The packets but those with these indices."""
    gone = set(lost)
    return [packet for i, packet in enumerate(packets) if i not in gone]


def twice(packets: Sequence[Arrival], copied: Iterable[int]) -> list[Arrival]:
    """The packets with these indices arrive a second time, 1 ms later."""
    again = set(copied)
    return [
        copy
        for i, packet in enumerate(packets)
        for copy in ([packet, replace(packet, at_ms=packet.at_ms + 1)] if i in again else [packet])
    ]


def later(packets: Sequence[Arrival], delay_ms: Mapping[int, float]) -> list[Arrival]:
    """The packets with these indices take longer; all in the order in which they arrive then."""
    moved = [replace(packet, at_ms=packet.at_ms + delay_ms.get(i, 0)) for i, packet in enumerate(packets)]
    return sorted(moved, key=lambda packet: packet.at_ms)


def new_stream(ssrc: int = SSRC) -> np.void:
    """A STREAM record that is open and has no packets."""
    streams = np.zeros(1, STREAM)
    open_stream(streams, 0, ssrc, START_NS)
    record: np.void = streams[0]
    return record


def see(stream: np.void, packet: Arrival, table: NDArray[np.void] = FORMAT_TABLE) -> int:
    """Let the measurement observe a packet."""
    known = table[packet.payload_type]
    return observe(
        stream,
        START_NS + round(packet.at_ms * NS_PER_MS),
        packet.sequence,
        packet.timestamp,
        packet.payload_type,
        packet.marker,
        packet.payload_bytes,
        int(known["clock_rate"]),
        int(known["kind"]),
    )


def cut(stream: np.void, at_ms: float) -> np.void:
    """The slice that ends now."""
    slices = np.zeros(1, SLICE)
    cut_slice(stream, START_NS + round(at_ms * NS_PER_MS), slices[0])
    record: np.void = slices[0]
    return record


def measure(packets: Sequence[Arrival], table: NDArray[np.void] = FORMAT_TABLE) -> np.void:
    """The figures of a whole stream in one slice."""
    stream = new_stream()
    for packet in packets:
        see(stream, packet, table)
    return cut(stream, packets[-1].at_ms if packets else 0)


def measure_slices(packets: Sequence[Arrival], cuts_before: Iterable[int]) -> list[np.void]:
    """The slices of a stream that is cut before the packets with these indices, and at its end."""
    stream = new_stream()
    boundaries = set(cuts_before)
    slices = []
    for i, packet in enumerate(packets):
        if i in boundaries:
            slices.append(cut(stream, packet.at_ms))
        see(stream, packet)
    return [*slices, cut(stream, packets[-1].at_ms)]


def lost(record: np.void, stretch: str = "total") -> int:
    """Unique loss of a SLICE record."""
    return int(record[f"{stretch}_expected"]) - int(record[f"{stretch}_unique"])
