"""RTCP packets (RFC 3550 6, RFC 3611) as values: who sent how much, what of it arrived, how it sounded there.

A datagram is one or more packets end to end; with RFC 5506 it need not begin with a report. What this monitor has no
use for (SDES, APP, feedback, unknown types and blocks) is skipped by its length.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from rtp_analyzer.packets.rtp import PADDING_BIT, VERSION, VERSION_SHIFT

#   0                   1                   2                   3
#   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |V=2|P|  count  |  packet type  |   length in words, minus one  |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                       SSRC of the sender                      |
#  +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
Concealment = Literal["standard", "enhanced", "disabled"]

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
GOODBYE: Final = 203
EXTENDED_REPORT: Final = 207

# RFC 3611 4: block types of an extended report.
RECEIVER_REFERENCE_TIME: Final = 4
DELAY_SINCE_LAST_REFERENCE: Final = 5
VOIP_METRICS: Final = 7

_COUNT_MASK: Final = 0x1F
_HEADER: Final = struct.Struct("!BBH")
_WORD: Final = struct.Struct("!I")
_REPORT_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER_INFO: Final = struct.Struct("!QIII")
_REFERENCE_TIME: Final = struct.Struct("!Q")
_DELAY_BLOCK: Final = struct.Struct("!III")
_VOIP_PACKETS: Final = struct.Struct("!IBBBBHHHH")
_VOIP_SOUND: Final = struct.Struct("!bbBBBBBBBxHHH")
_PERCENT: Final = 100 / 256  # RFC 3550 6.4.1, RFC 3611 4.7.1: a share as 8 bits
_UNAVAILABLE: Final = 127  # RFC 3611 4.7.4, 4.7.5
# RFC 3611 4.7.6: how a receiver conceals loss, and what buffer it has; what is not here is unspecified.
_CONCEALMENTS: Final[dict[int, Concealment]] = {3: "standard", 2: "enhanced", 1: "disabled"}
_ADAPTIVE: Final = {3: True, 2: False}


class RtcpError(ValueError):
    """The datagram is not RTCP; the message says why."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream (RFC 3550 6.4.1)."""

    ssrc: int  # of the stream
    fraction_lost_percent: float  # since the report before
    cumulative_lost: int  # expected less received: below zero with duplicates
    highest_sequence: int  # 16 bits of wraps, 16 of sequence number
    jitter: int  # in units of the stream's timestamps
    last_report: int  # LSR: the middle 32 bits of the NTP time of the last SR that came; 0: none yet
    delay_since: int  # DLSR: from its arrival to this report, in 1/65536 s


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a sender says of itself, and of what it receives (RFC 3550 6.4.1)."""

    ssrc: int
    ntp: int  # its clock: 32 bits of seconds, 32 of fraction. It may be anything: wall clock, uptime, zero
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What one that does not send at the moment says of what it receives (RFC 3550 6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources have ended (RFC 3550 6.6)."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """The clock of a receiver that sends no SR (RFC 3611 4.4)."""

    ssrc: int
    ntp: int


@dataclass(frozen=True, slots=True)
class ReferenceDelay:
    """An answer to a ReferenceTime, as LSR and DLSR are one to an SR (RFC 3611 4.5)."""

    ssrc: int  # of the receiver that is answered
    last_report: int
    delay_since: int


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """The quality of one stream as its receiver computes it (RFC 3611 4.7). None: it says that it does not know."""

    ssrc: int  # of the stream
    loss_percent: float  # in the network
    discard_percent: float  # too late or too early for its buffer
    burst_density_percent: float
    gap_density_percent: float
    burst_duration_ms: int
    gap_duration_ms: int
    round_trip_ms: int | None  # between the RTP ends
    end_system_delay_ms: int | None
    signal_level_dbm: int | None
    noise_level_dbm: int | None
    echo_return_loss_db: int | None
    gmin: int
    r_factor: int | None  # 0 to 100
    external_r_factor: int | None
    mos_lq: float | None  # 1.0 to 5.0
    mos_cq: float | None
    concealment: Concealment | None
    buffer_adaptive: bool | None
    buffer_nominal_ms: int
    buffer_maximum_ms: int
    buffer_absolute_maximum_ms: int


Packet = SenderReport | ReceiverReport | Goodbye | ReferenceTime | ReferenceDelay | VoipMetrics


def decode(datagram: bytes) -> tuple[Packet, ...]:
    """The packets of an RTCP datagram that mean something here, XR blocks each for itself, in their order.

    Raises:
        RtcpError: a length, version, count or padding is wrong anywhere (RFC 3550 A.2). Nothing of it is believed then.
    """
    if not datagram:
        raise RtcpError("empty")
    return tuple(packet for kind, count, body in _split(datagram) for packet in _packets(kind, count, body))


def middle(ntp: int) -> int:
    """The middle 32 bits of an NTP time: what LSR and LRR hold of it."""
    return ntp >> 16 & 0xFFFFFFFF


def _split(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Packet type, count and body (what follows the first word, without padding) of each packet."""
    at = 0
    while at < len(datagram):
        if len(datagram) - at < _HEADER.size:
            raise RtcpError("ends within a header")
        first, kind, words = _HEADER.unpack_from(datagram, at)
        if first >> VERSION_SHIFT != VERSION:
            raise RtcpError("version is not 2")
        end = at + 4 * (words + 1)
        if end > len(datagram):
            raise RtcpError("length exceeds the datagram")
        body = datagram[at + _HEADER.size : end]
        if first & PADDING_BIT:
            # RFC 3550 6.4.1: on the last packet alone; its last octet counts the padding, itself included.
            if end != len(datagram):
                raise RtcpError("padding before the last packet")
            if not body or not 0 < body[-1] <= len(body) or body[-1] % 4:
                raise RtcpError("padding is longer than the packet, zero, or not of whole words")
            body = body[: -body[-1]]
        yield kind, first & _COUNT_MASK, body
        at = end


def _packets(kind: int, count: int, body: bytes) -> Iterator[Packet]:
    if kind == SENDER_REPORT:
        yield _sender_report(count, body)
    elif kind == RECEIVER_REPORT:
        (ssrc,) = _unpack(_WORD, body, 0, "receiver report")
        yield ReceiverReport(ssrc, _report_blocks(count, body, _WORD.size))
    elif kind == GOODBYE:
        yield Goodbye(_unpack(struct.Struct(f"!{count}I"), body, 0, "BYE"))
    elif kind == EXTENDED_REPORT:
        yield from _extended_report(body)


#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |              NTP timestamp, most significant word             |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |             NTP timestamp, least significant word             |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                         RTP timestamp                         |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                     sender's packet count                     |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                      sender's octet count                     |
#  +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
def _sender_report(count: int, body: bytes) -> SenderReport:
    (ssrc,) = _unpack(_WORD, body, 0, "sender report")
    ntp, rtp_timestamp, packets, octets = _unpack(_SENDER_INFO, body, _WORD.size, "sender report")
    blocks = _report_blocks(count, body, _WORD.size + _SENDER_INFO.size)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks)


#  +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
#  |                       SSRC of the stream                      |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  | fraction lost |       cumulative number of packets lost       |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |           extended highest sequence number received           |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                      interarrival jitter                      |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                         last SR (LSR)                         |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                   delay since last SR (DLSR)                  |
#  +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
def _report_blocks(count: int, body: bytes, at: int) -> tuple[ReportBlock, ...]:
    """What follows the blocks is an extension of some profile, and skipped."""
    return tuple(_report_block(body, at + i * _REPORT_BLOCK.size) for i in range(count))


def _report_block(body: bytes, at: int) -> ReportBlock:
    ssrc, lost, highest, jitter, last_report, delay_since = _unpack(_REPORT_BLOCK, body, at, "report block")
    cumulative = lost & 0xFFFFFF
    if cumulative & 0x800000:  # signed, 24 bits
        cumulative -= 1 << 24
    return ReportBlock(ssrc, (lost >> 24) * _PERCENT, cumulative, highest, jitter, last_report, delay_since)


#   0                   1                   2                   3
#   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |   block type  | type-specific |     length in words of the    |
#  |               |               |   contents, without this word |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
def _extended_report(body: bytes) -> Iterator[Packet]:
    """RFC 3611 2 and 3: the SSRC of who reports, then blocks."""
    (reporter,) = _unpack(_WORD, body, 0, "extended report")
    at = _WORD.size
    while at < len(body):
        kind, _, words = _unpack(_HEADER, body, at, "report block")
        at += _HEADER.size
        end = at + 4 * words
        if end > len(body):
            raise RtcpError("length of a block exceeds its extended report")
        yield from _block(reporter, kind, body[at:end])
        at = end


def _block(reporter: int, kind: int, contents: bytes) -> Iterator[Packet]:
    if kind == RECEIVER_REFERENCE_TIME:
        _has_length(contents, _REFERENCE_TIME.size, "reference time")
        yield ReferenceTime(reporter, *_REFERENCE_TIME.unpack(contents))
    elif kind == DELAY_SINCE_LAST_REFERENCE:
        if len(contents) % _DELAY_BLOCK.size:
            raise RtcpError("length of a DLRR block is wrong")
        for answer in _DELAY_BLOCK.iter_unpack(contents):
            yield ReferenceDelay(*answer)
    elif kind == VOIP_METRICS:
        _has_length(contents, _VOIP_PACKETS.size + _VOIP_SOUND.size, "VoIP metrics")
        yield _voip_metrics(contents)


#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |                        SSRC of source                         |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |   loss rate   | discard rate  | burst density |  gap density  |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |       burst duration          |         gap duration          |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |     round trip delay          |       end system delay        |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  | signal level  |  noise level  |     RERL      |     Gmin      |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |   R factor    | ext. R factor |    MOS-LQ     |    MOS-CQ     |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |   RX config   |   reserved    |          JB nominal           |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#  |          JB maximum           |          JB abs max           |
#  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
def _voip_metrics(contents: bytes) -> VoipMetrics:
    ssrc, loss, discard, burst_density, gap_density, *delays_ms = _VOIP_PACKETS.unpack_from(contents)
    burst_ms, gap_ms, round_trip_ms, end_system_ms = delays_ms
    signal, noise, echo, gmin, *verdicts, receiver, nominal_ms, maximum_ms, absolute_maximum_ms = (
        _VOIP_SOUND.unpack_from(contents, _VOIP_PACKETS.size)
    )
    r_factor, external_r_factor, mos_lq, mos_cq = verdicts
    return VoipMetrics(
        ssrc=ssrc,
        loss_percent=loss * _PERCENT,
        discard_percent=discard * _PERCENT,
        burst_density_percent=burst_density * _PERCENT,
        gap_density_percent=gap_density * _PERCENT,
        burst_duration_ms=burst_ms,
        gap_duration_ms=gap_ms,
        # RFC 3611 4.7.3: 0 until there is an estimate.
        round_trip_ms=round_trip_ms or None,
        end_system_delay_ms=end_system_ms or None,
        signal_level_dbm=_known(signal),
        noise_level_dbm=_known(noise),
        echo_return_loss_db=_known(echo),
        gmin=gmin,
        r_factor=_rating(r_factor),
        external_r_factor=_rating(external_r_factor),
        mos_lq=_opinion(mos_lq),
        mos_cq=_opinion(mos_cq),
        concealment=_CONCEALMENTS.get(receiver >> 6),
        buffer_adaptive=_ADAPTIVE.get(receiver >> 4 & 3),
        buffer_nominal_ms=nominal_ms,
        buffer_maximum_ms=maximum_ms,
        buffer_absolute_maximum_ms=absolute_maximum_ms,
    )


def _known(value: int) -> int | None:
    return None if value == _UNAVAILABLE else value


def _rating(value: int) -> int | None:
    # RFC 3611 4.7.5: 0 to 100; other values are invalid and to be ignored.
    return value if value <= 100 else None


def _opinion(tenths: int) -> float | None:
    # RFC 3611 4.7.5: 10 to 50.
    return tenths / 10 if 10 <= tenths <= 50 else None


def _unpack(layout: struct.Struct, body: bytes, at: int, what: str) -> tuple[int, ...]:
    if at + layout.size > len(body):
        raise RtcpError(f"a {what} is truncated")
    return layout.unpack_from(body, at)


def _has_length(contents: bytes, octets: int, what: str) -> None:
    if len(contents) != octets:
        raise RtcpError(f"length of a {what} block is wrong")
