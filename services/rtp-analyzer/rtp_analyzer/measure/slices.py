"""From what was counted to what is published: SLICE records become the values of `vqm:metrics`. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Final, TypedDict

import numpy as np

from rtp_analyzer.measure.state import NO_PAYLOAD_TYPE
from rtp_analyzer.quality.choice import MeanPacket, rating_of
from rtp_analyzer.quality.codecs import CodecRating
from rtp_analyzer.quality.verdict import judge
from shared.events.calls import Party
from shared.events.media import PayloadFormat
from shared.events.metrics import Measures, Quality, Slice, StreamReport

NANOSECONDS: Final = 1e9
# Loss of a handful of packets is no percentage: one of five lost would print the worst MOS there is.
MIN_PACKETS_FOR_MOS: Final = 10
# The first and the last slice of a stream may be short: one packet lost there weighs many times as much.
MIN_SLICE_FOR_MOS_S: Final = 0.5
_TOO_SHORT: Final = Quality(grounding="none", assumption="too short to judge")
# RFC 3550 6.4.1: the cumulative number of packets lost is a signed number of 24 bits.
_MAX_CUMULATIVE_LOST: Final = 2**23 - 1
# RFC 3711 5.2: the authentication tag behind the payload of SRTP has 80 bits, unless another suite was chosen.
_SRTP_TAG_OCTETS: Final = 10
# A slice cut after the wall clock was set back would have no length.
_SHORTEST_SLICE_S: Final = 1e-3


@dataclass(frozen=True, slots=True)
class StreamContext:
    """Whose stream it is, and what its payload types mean (see formats.known_formats)."""

    call_id: str
    media_id: str
    direction: Party
    source: str | None
    formats: Mapping[int, PayloadFormat]
    encrypted: bool = False

    def encoding(self, payload_type: int) -> str | None:
        """The codec's name in SDP, or None when nobody named it."""
        known = self.formats.get(payload_type)
        return known.encoding if known else None


def cumulative_lost(expected: int, received: int) -> int:
    """Lost packets as RFC 3550 A.3 and its receiver reports count them: duplicates hide loss, may be negative."""
    return max(-_MAX_CUMULATIVE_LOST - 1, min(expected - received, _MAX_CUMULATIVE_LOST))


def quality(rating: CodecRating, expected: int, lost: int) -> Quality:
    """MOS-LQ of a stretch in which `lost` of `expected` packets are missing, or why there is none."""
    if rating.grounding != "none" and expected < MIN_PACKETS_FOR_MOS:
        return _TOO_SHORT
    return judge(rating, loss_percent=100 * lost / expected if expected else 0.0)


def _rating(cut: np.void, context: StreamContext) -> CodecRating:
    octets, ptime_ms = float(cut["voice_octets_mean"]), float(cut["ptime_ms"])
    if context.encrypted:
        octets -= _SRTP_TAG_OCTETS
    packet = None if isnan(octets) or isnan(ptime_ms) else MeanPacket(octets, ptime_ms)
    return rating_of(context.formats.get(int(cut["payload_type"])), packet)


def _milliseconds(seconds: float) -> float | None:
    return None if isnan(seconds) else seconds * 1000


def _measures(cut: np.void, stretch: str, rating: CodecRating) -> Measures:
    expected, unique = int(cut[f"{stretch}_expected"]), int(cut[f"{stretch}_unique"])
    received, lost = int(cut[f"{stretch}_received"]), expected - unique
    return Measures(
        packets_expected=expected,
        packets_received=received,
        packets_lost=lost,
        cumulative_lost=cumulative_lost(expected, received),
        loss_percent=100 * lost / expected if expected else None,
        duplicates=int(cut[f"{stretch}_duplicates"]),
        reordered=int(cut[f"{stretch}_reordered"]),
        bytes_received=int(cut[f"{stretch}_octets"]),
        jitter_ms=_milliseconds(float(cut[f"{stretch}_jitter_s"])),
        jitter_max_ms=_milliseconds(float(cut[f"{stretch}_jitter_max_s"])),
        quality=quality(rating, expected, lost),
    )


def interval_measures(cut: np.void, context: StreamContext) -> Measures:
    """The slice alone. A packet that comes after its slice was cut corrects the total, no later slice."""
    measures = _measures(cut, "interval", _rating(cut, context))
    rated = measures.quality is not None and measures.quality.mos is not None
    if rated and _length_s(cut) < MIN_SLICE_FOR_MOS_S:
        return measures.model_copy(update={"quality": _TOO_SHORT})
    return measures


def total_measures(cut: np.void, context: StreamContext) -> Measures:
    """The stream so far."""
    return _measures(cut, "total", _rating(cut, context))


def build_slice(cut: np.void, context: StreamContext, impaired: bool = False) -> Slice:
    """The slice that `cut_slice` wrote. `impaired`: our own socket dropped packets meanwhile."""
    return Slice(
        **_identity(cut, context),
        started_at=int(cut["started_ns"]) / NANOSECONDS,
        duration_s=max(_length_s(cut), _SHORTEST_SLICE_S),
        interval=interval_measures(cut, context),
        total=total_measures(cut, context),
        impaired=impaired,
    )


def build_report(cut: np.void, context: StreamContext, mos_min: float | None) -> StreamReport:
    """The final figures of a stream from its last cut. `mos_min` is the lowest MOS of its slices."""
    return StreamReport(
        **_identity(cut, context),
        started_at=int(cut["first_arrival_ns"]) / NANOSECONDS,
        ended_at=int(cut["last_arrival_ns"]) / NANOSECONDS,
        mos_min=mos_min,
        total=total_measures(cut, context),
    )


class _Identity(TypedDict):
    """What a slice and a report both say of their stream."""

    call_id: str
    media_id: str
    direction: Party
    ssrc: int
    codec: str | None
    payload_type: int | None
    clock_rate: int | None
    ptime_ms: float | None
    source: str | None


def _identity(cut: np.void, context: StreamContext) -> _Identity:
    payload_type = int(cut["payload_type"])
    return {
        "call_id": context.call_id,
        "media_id": context.media_id,
        "direction": context.direction,
        "ssrc": int(cut["ssrc"]),
        "codec": context.encoding(payload_type),
        "payload_type": None if payload_type == NO_PAYLOAD_TYPE else payload_type,
        "clock_rate": int(cut["clock_rate"]) or None,
        "ptime_ms": _known(float(cut["ptime_ms"])),
        "source": context.source,
    }


def _length_s(cut: np.void) -> float:
    return (int(cut["ended_ns"]) - int(cut["started_ns"])) / NANOSECONDS


def _known(value: float) -> float | None:
    return None if isnan(value) else value
