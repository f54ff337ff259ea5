"""What RTCP tells of running media: what became of the streams that we forwarded, and how far away the parties are.

A fold over the datagrams in the order in which they came, without I/O. RTCP is somebody else's word: it is published as
such, and only times that nobody can make up (see round_trips) become a delay.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from rtp_analyzer.measure.round_trips import FRESH_NS, LONGEST_MS, Reference, RoundTrips
from rtp_analyzer.packets.rtcp import (
    Goodbye,
    Packet,
    ReceiverReport,
    ReferenceDelay,
    ReferenceTime,
    ReportBlock,
    RtcpError,
    SenderReport,
    VoipMetrics,
    decode,
    middle,
)
from shared.events.calls import Party

SOURCES_A_PARTY: Final = 8  # SSRCs that are remembered; a hostile party names as many as it likes


@dataclass(frozen=True, slots=True)
class RtcpDatagram:
    """One that came from a party. `counterpart` gets what it sends, and sends what it gets: in an echo it is itself."""

    media_id: str
    sender: Party
    counterpart: Party | None  # None: nobody but us
    arrival_ns: int
    forwarded_ns: int | None  # when it had gone to the counterpart; None: it did not
    encrypted: bool
    octets: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What the party that we forwarded a stream to says of it. Moments are 0 before the first."""

    listener: Party
    block: ReportBlock | None = None
    block_ns: int = 0
    blocks: int = 0
    voip: VoipMetrics | None = None
    voip_ns: int = 0


@dataclass(slots=True)
class _Side:
    """One party of a medium."""

    trips: RoundTrips = field(default_factory=RoundTrips)  # between us and it
    heard: dict[int, Heard] = field(default_factory=dict)  # of the streams that it sends, by SSRC
    ended: dict[int, None] = field(default_factory=dict)  # those that it declared to be over


class MediumRtcp:
    """That of one medium."""

    def __init__(self) -> None:
        self._sides: dict[Party, _Side] = {}

    def take(self, datagram: RtcpDatagram, counterpart: Party, packets: Iterable[Packet]) -> None:
        """What the packets of a datagram say."""
        mine = self._sides.setdefault(datagram.sender, _Side())
        theirs = self._sides.setdefault(counterpart, _Side())
        for packet in packets:
            match packet:
                case SenderReport():
                    _pass(theirs, Reference("sr", packet.ssrc, middle(packet.ntp)), datagram)
                    _hear_blocks(mine, theirs, packet.blocks, datagram)
                case ReceiverReport():
                    _hear_blocks(mine, theirs, packet.blocks, datagram)
                case ReferenceTime():
                    _pass(theirs, Reference("xr", packet.ssrc, middle(packet.ntp)), datagram)
                case ReferenceDelay():
                    reference = Reference("xr", packet.ssrc, packet.last_report)
                    mine.trips.answered(reference, packet.delay_since, datagram.arrival_ns)
                case VoipMetrics():
                    heard = theirs.heard.get(packet.ssrc) or Heard(datagram.sender)
                    heard = replace(heard, voip=packet, voip_ns=datagram.arrival_ns)
                    _remember(theirs.heard, packet.ssrc, heard)
                case Goodbye():
                    for ssrc in packet.ssrcs:
                        _remember(mine.ended, ssrc, None)

    def heard(self, sender: Party, ssrc: int) -> Heard | None:
        """What is said at the other end of a stream."""
        side = self._sides.get(sender)
        return None if side is None else side.heard.get(ssrc)

    def has_ended(self, sender: Party, ssrc: int) -> bool:
        """Whether the sender of a stream declared its end with a BYE."""
        side = self._sides.get(sender)
        return side is not None and ssrc in side.ended

    def round_trips(self, party: Party) -> RoundTrips:
        """Those between us and a party."""
        return self._sides.get(party, _Side()).trips

    def round_trip_ms(self, now_ns: int) -> float | None:
        """Between the ends of the medium, through us: the latest. None while that to one of them is not known."""
        return _sum([side.trips.latest_ms(now_ns) for side in self._sides.values()])

    @property
    def mean_round_trip_ms(self) -> float | None:
        """The same, the mean of the whole time."""
        return _sum([side.trips.mean_ms for side in self._sides.values()])

    def claimed_round_trip_ms(self, now_ns: int) -> float | None:
        """The same as an end says in its VoIP metrics, the latest; None when that is old or absurd."""
        heard = [heard for side in self._sides.values() for heard in side.heard.values()]
        claims = [_claim(one) for one in heard if now_ns - one.voip_ns <= FRESH_NS]
        return max((claim for claim in claims if claim is not None), default=(0, None))[1]

    @property
    def rejected(self) -> int:
        """Answers with a time that cannot be true."""
        return sum(side.trips.rejected for side in self._sides.values())


class Rtcp:
    """That of all media of one worker."""

    def __init__(self) -> None:
        self._media: dict[str, MediumRtcp] = {}
        self._malformed = 0
        self._encrypted = 0
        self._rejected = 0  # of media that are over

    def hear(self, datagram: RtcpDatagram) -> None:
        """Takes in what it says. What is encrypted, or no RTCP, says nothing and is counted."""
        if datagram.encrypted:  # RFC 3711 3.4: all but the first 8 octets
            self._encrypted += 1
            return
        try:
            packets = decode(datagram.octets)
        except RtcpError:
            self._malformed += 1
            return
        if datagram.counterpart is not None:
            medium = self._media.setdefault(datagram.media_id, MediumRtcp())
            medium.take(datagram, datagram.counterpart, packets)

    def of(self, media_id: str) -> MediumRtcp:
        """What was heard of a medium so far."""
        return self._media.get(media_id) or MediumRtcp()

    def forget(self, media_id: str) -> None:
        """The medium is over."""
        self._rejected += self.of(media_id).rejected
        self._media.pop(media_id, None)

    def counters(self) -> dict[str, int]:
        """Totals since the start, by metric name."""
        return {
            "rtcp_malformed": self._malformed,
            "rtcp_encrypted": self._encrypted,
            "round_trips_rejected": self._rejected + sum(medium.rejected for medium in self._media.values()),
        }


_Known = TypeVar("_Known")


def _remember(known: dict[int, _Known], ssrc: int, value: _Known) -> None:
    """Sets it as the newest, in the place of the oldest when there are too many."""
    known.pop(ssrc, None)
    if len(known) == SOURCES_A_PARTY:
        del known[next(iter(known))]
    known[ssrc] = value


def _pass(receiver: _Side, reference: Reference, datagram: RtcpDatagram) -> None:
    if datagram.forwarded_ns is not None:
        receiver.trips.passed(reference, datagram.forwarded_ns)


def _hear_blocks(mine: _Side, theirs: _Side, blocks: Iterable[ReportBlock], datagram: RtcpDatagram) -> None:
    """The sender says of `theirs` streams what it got of them, and answers the reports that came with them."""
    for block in blocks:
        reference = Reference("sr", block.ssrc, block.last_report)
        mine.trips.answered(reference, block.delay_since, datagram.arrival_ns)
        heard = theirs.heard.get(block.ssrc) or Heard(datagram.sender)
        heard = replace(heard, block=block, block_ns=datagram.arrival_ns, blocks=heard.blocks + 1)
        _remember(theirs.heard, block.ssrc, heard)


def _claim(heard: Heard) -> tuple[int, float] | None:
    """When, and how long a round trip its listener said to have measured."""
    claimed_ms = None if heard.voip is None else heard.voip.round_trip_ms
    return None if claimed_ms is None or claimed_ms > LONGEST_MS else (heard.voip_ns, float(claimed_ms))


def _sum(parts: list[float | None]) -> float | None:
    """None when any part is not known, or there is none."""
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None
