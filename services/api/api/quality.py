"""From streams to directions to the call: how figures of several RTP streams become one row. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from api.fold import MeasuredStream, Signalling
from api.sound import combined
from shared.events import AudioHealth, Delay, Measures, Party

PARTIES: tuple[Party, Party] = ("caller", "callee")


@dataclass(frozen=True, slots=True)
class Direction:
    """What one party sends, as it arrived here. Null: not known."""

    mos: Annotated[float | None, Field(description="mean opinion score of the whole direction, 1 to 4.5")] = None
    mos_min: Annotated[float | None, Field(description="of the worst second")] = None
    r_factor: Annotated[float | None, Field(description="E-model transmission rating (G.107)")] = None
    packets_expected: Annotated[int | None, Field(description="from the sequence numbers (RFC 3550 A.3)")] = None
    packets_received: Annotated[int | None, Field(description="duplicates included")] = None
    packets_lost: int | None = None
    loss_percent: Annotated[float | None, Field(description="lost over expected, 0 to 100")] = None
    discard_percent: Annotated[float | None, Field(description="too late for a de-jitter buffer")] = None
    duplicates: int | None = None
    reordered: int | None = None
    jitter_ms: Annotated[float | None, Field(description="RFC 3550 A.8, the latest value")] = None
    jitter_max_ms: float | None = None
    rtt_ms: Annotated[float | None, Field(description="round trip, the latest; once it is over, the mean")] = None
    delay_ms: Annotated[float | None, Field(description="of the network, one way")] = None
    delay_source: Annotated[str | None, Field(description="of delay_ms: rtcp, rtcp-xr or configured")] = None
    burst_r: Annotated[float | None, Field(description="burst ratio (G.107), of the worst stream")] = None
    codec: str | None = None
    ptime_ms: Annotated[float | None, Field(description="milliseconds of sound in a packet, as seen")] = None
    ssrc: Annotated[int | None, Field(description="of the latest stream")] = None
    audio: Annotated[AudioHealth | None, Field(description="what was heard")] = None


UNKNOWN = Direction()


def directions_of(streams: Iterable[MeasuredStream]) -> dict[Party, Direction]:
    """The directions in which something was measured."""
    by_party: dict[Party, list[MeasuredStream]] = defaultdict(list)
    for stream in streams:
        by_party[stream.direction].append(stream)
    return {party: direction_of(found) for party, found in by_party.items()}


def direction_of(streams: list[MeasuredStream]) -> Direction:
    """Several SSRCs of a direction added up: counts are summed, scores weighted by packets.

    Scores of different scales (narrowband, wideband, fullband) are never averaged: the scale that most packets were
    judged on stands for the direction.
    """
    latest = max(streams, key=_moment)
    totals = [stream.total for stream in streams]
    expected = sum(total.packets_expected for total in totals)
    lost = sum(total.packets_lost for total in totals)
    mos, r_factor = _scores(streams)
    delay = _latest_delay(streams)
    return Direction(
        mos=mos,
        mos_min=min((stream.mos_min for stream in streams if stream.mos_min is not None), default=None),
        r_factor=r_factor,
        packets_expected=expected,
        packets_received=sum(total.packets_received for total in totals),
        packets_lost=lost,
        loss_percent=percent(lost, expected),
        discard_percent=_discard_percent(totals),
        duplicates=sum(total.duplicates for total in totals),
        reordered=sum(total.reordered for total in totals),
        jitter_ms=latest.total.jitter_ms,
        jitter_max_ms=max((total.jitter_max_ms for total in totals if total.jitter_max_ms is not None), default=None),
        rtt_ms=delay.rtt_ms if delay else None,
        delay_ms=delay.one_way_ms if delay else None,
        delay_source=delay.source if delay else None,
        burst_r=max((total.burst_r for total in totals if total.burst_r is not None), default=None),
        codec=latest.report.codec,
        ptime_ms=latest.report.ptime_ms,
        ssrc=latest.ssrc,
        audio=combined(stream.report.audio for stream in sorted(streams, key=_moment)),
    )


def _moment(stream: MeasuredStream) -> tuple[float, int]:
    return stream.total_at, stream.ssrc


def call_mos(directions: Mapping[Party, Direction]) -> float | None:
    """The score of the worse direction among those that have one."""
    return min((found.mos for found in directions.values() if found.mos is not None), default=None)


def codec_of(call: Signalling, directions: Mapping[Party, Direction]) -> str | None:
    """What the answer named; without one, what is on the wire."""
    seen = (found.codec for found in directions.values() if found.codec is not None)
    return call.signalled_codec or next(seen, None)


def percent(part: int, whole: int) -> float | None:
    """None without a whole: nothing expected is not 0 % lost."""
    return 100 * part / whole if whole else None


def _discard_percent(totals: list[Measures]) -> float | None:
    """Of the streams whose clock rate is known: of the others nobody can say what came too late."""
    known = [
        (total.packets_discarded, total.packets_expected) for total in totals if total.packets_discarded is not None
    ]
    return percent(sum(discarded for discarded, _ in known), sum(expected for _, expected in known))


def _latest_delay(streams: list[MeasuredStream]) -> Delay | None:
    """Of the newest stream that has one."""
    newest_last = sorted(streams, key=_moment)
    return next((stream.report.delay for stream in reversed(newest_last) if stream.report.delay), None)


def _scores(streams: list[MeasuredStream]) -> tuple[float | None, float | None]:
    """MOS and R, weighted by the packets of each stream."""
    scales: dict[str, list[tuple[int, float, float | None]]] = defaultdict(list)
    for stream in streams:
        quality = stream.total.quality
        if quality is not None and quality.mos is not None and stream.total.packets_expected:
            scales[quality.scale].append((stream.total.packets_expected, quality.mos, quality.r_factor))
    if not scales:
        return None, None
    judged = max(scales.values(), key=lambda rows: sum(packets for packets, _, _ in rows))
    mos = _mean([(packets, mos) for packets, mos, _ in judged])
    return mos, _mean([(packets, r_factor) for packets, _, r_factor in judged if r_factor is not None])


def _mean(weighted: list[tuple[int, float]]) -> float | None:
    if len(weighted) == 1:
        return weighted[0][1]  # to the last bit what was measured
    weight = sum(packets for packets, _ in weighted)
    return sum(packets * value for packets, value in weighted) / weight if weight else None
