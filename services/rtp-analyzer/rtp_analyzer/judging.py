"""From the streams of a medium to the verdict on its call. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rtp_analyzer.measure.slices import StreamContext, quality, rating_for
from rtp_analyzer.quality.verdict import Arrived, Direction, Onward, judge
from shared.events import MediaAssigned, MediaUpdated, Party, StreamReport
from shared.events.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Measured:
    """One stream so far: its report, the record that this was made from, and how much of its loss is our own."""

    report: StreamReport
    record: np.void
    context: StreamContext
    dropped_by_us: int


def verdict_on(
    media: MediaAssigned | MediaUpdated, streams: Iterable[Measured], refused: Mapping[Party, int]
) -> Verdict:
    """Of a party that sent several streams (its SSRC changed), the one with most packets counts."""
    longest: dict[Party, Measured] = {}
    for stream in streams:
        known = longest.get(stream.report.direction)
        if known is None or _sent(known) < _sent(stream):
            longest[stream.report.direction] = stream
    talking_s = max((_lasted_s(stream.report) for stream in longest.values()), default=0.0)
    directions = [
        Direction(
            sender=leg.party,
            receiver=media.receiver_of(leg.party),
            may_send=leg.sends,
            arrived=_arrived(longest[leg.party]) if leg.party in longest else None,
            refused=refused.get(leg.party, 0),
            onward=_onward(longest[leg.party]) if leg.party in longest else None,
            rtt_ms=_rtt_ms(list(longest.values()), leg.party, media),
            one_way_ms=_one_way_ms(longest.get(leg.party)),
        )
        for leg in media.legs
    ]
    return judge(directions, talking_s)


def _sent(stream: Measured) -> int:
    return stream.report.total.packets_expected


def _lasted_s(report: StreamReport) -> float:
    return report.ended_at - report.started_at


def _arrived(stream: Measured) -> Arrived:
    report, total = stream.report, stream.report.total
    heard = report.audio
    return Arrived(
        packets_expected=total.packets_expected,
        packets_lost=total.packets_lost,
        cumulative_lost=total.cumulative_lost or 0,
        discards=total.packets_discarded or 0,
        discard_percent=total.discard_percent,
        timestamp_steps=report.timestamp_steps,
        drift_ppm=report.drift_ppm,
        dropped_by_us=stream.dropped_by_us,
        quality=total.quality,
        dead_air_s=heard.dead_air_s if heard else None,
        clipping_percent=heard.clipping_percent if heard else None,
    )


def _onward(stream: Measured) -> Onward | None:
    remote, expected = stream.report.remote, stream.report.total.packets_expected
    if remote is None or remote.cumulative_lost is None:
        return None
    lost = min(max(remote.cumulative_lost, 0), expected)
    return Onward(remote.cumulative_lost, quality(rating_for(stream.record, stream.context), expected, lost))


def _rtt_ms(streams: Sequence[Measured], party: Party, media: MediaAssigned | MediaUpdated) -> float | None:
    """Between a party and us: it answers about the streams that it gets."""
    for stream in streams:
        remote = stream.report.remote
        if remote is not None and media.receiver_of(stream.report.direction) == party:
            return remote.rtt_mean_ms
    return None


def _one_way_ms(stream: Measured | None) -> float | None:
    delay = stream.report.delay if stream else None
    return None if delay is None else delay.one_way_ms
