"""What RTCP adds to what we measure: the delay between the phones, MOS-CQ with it, the word of the other end. Pure."""

from dataclasses import asdict
from typing import Final

from rtp_analyzer.measure.round_trips import RoundTrips
from rtp_analyzer.measure.rtcp import Heard, MediumRtcp
from rtp_analyzer.packets.rtcp import VoipMetrics
from rtp_analyzer.quality.delay import mouth_to_ear
from rtp_analyzer.quality.verdict import conversational
from shared.events.metrics import Delay, DelayParts, Measures, RemoteReport, Slice, StreamReport, VoipReport

NANOSECONDS: Final = 1e9


def annotate_slice(piece: Slice, medium: MediumRtcp, configured_ms: float | None, now_ns: int) -> Slice:
    """The slice with its delay at `now_ns`. `configured_ms`: one way, for when RTCP tells nothing."""
    claimed_ms = medium.claimed_round_trip_ms(now_ns)
    latest = _to_the_ear(network_delay(medium.round_trip_ms(now_ns), claimed_ms, configured_ms), piece, piece.interval)
    mean = _to_the_ear(network_delay(medium.mean_round_trip_ms, claimed_ms, configured_ms), piece, piece.total)
    return piece.model_copy(
        update={
            "delay": latest,
            "interval": _with_delay(piece.interval, latest),
            "total": _with_delay(piece.total, mean),
            "remote": _remote_of(piece, medium, now_ns),
            "goodbye": medium.has_ended(piece.direction, piece.ssrc),
        }
    )


def annotate_report(report: StreamReport, medium: MediumRtcp, configured_ms: float | None, now_ns: int) -> StreamReport:
    """The report with the mean delay of the whole time."""
    claimed_ms = medium.claimed_round_trip_ms(now_ns)
    mean = _to_the_ear(network_delay(medium.mean_round_trip_ms, claimed_ms, configured_ms), report, report.total)
    return report.model_copy(
        update={
            "delay": mean,
            "total": _with_delay(report.total, mean),
            "remote": _remote_of(report, medium, now_ns),
            "goodbye": medium.has_ended(report.direction, report.ssrc),
        }
    )


def network_delay(measured_ms: float | None, claimed_ms: float | None, configured_ms: float | None) -> Delay | None:
    """From round trips, measured and claimed, and a configured one-way delay: the best of what is known."""
    if measured_ms is not None:
        return Delay(one_way_ms=measured_ms / 2, rtt_ms=measured_ms, source="rtcp")
    if claimed_ms is not None:
        return Delay(one_way_ms=claimed_ms / 2, rtt_ms=claimed_ms, source="rtcp-xr")
    if configured_ms is not None:
        return Delay(one_way_ms=configured_ms, source="configured")
    return None


def remote_report(heard: Heard, trips: RoundTrips, clock_rate: int | None, now_ns: int) -> RemoteReport:
    """What is said at the other end of a stream, and how far from us that is."""
    block = heard.block
    return RemoteReport(
        at=max(heard.block_ns, heard.voip_ns) / NANOSECONDS,
        reports=heard.blocks,
        fraction_lost_percent=None if block is None else block.fraction_lost_percent,
        cumulative_lost=None if block is None else block.cumulative_lost,
        highest_sequence=None if block is None else block.highest_sequence,
        jitter_ms=None if block is None or not clock_rate else 1000 * block.jitter / clock_rate,
        rtt_ms=trips.latest_ms(now_ns),
        rtt_mean_ms=trips.mean_ms,
        rtts_measured=trips.measured,
        rtts_rejected=trips.rejected,
        voip=None if heard.voip is None else _voip_report(heard.voip, heard.voip_ns),
    )


def _to_the_ear(delay: Delay | None, part: Slice | StreamReport, measures: Measures) -> Delay | None:
    """The delay with all that lies between mouth and ear; without it for a codec or a ptime that is not known.

    `measures`: the stretch whose packets waited in the buffer.
    """
    if delay is None or part.codec is None or part.ptime_ms is None:
        return delay
    buffer_ms = _hold_ms(measures)
    budget = mouth_to_ear(part.codec, part.ptime_ms, delay.one_way_ms, buffer_ms or 0.0)
    if budget is None:
        return delay
    parts = DelayParts.model_validate({**asdict(budget), "buffer_ms": buffer_ms})
    return delay.model_copy(update={"mouth_to_ear_ms": budget.total_ms, "parts": parts})


def _hold_ms(measures: Measures) -> float | None:
    """How long a packet waited in the scored de-jitter buffer, the mean."""
    holds_ms = {buffer.name: buffer.hold_ms for buffer in measures.buffers or ()}
    return holds_ms.get(measures.scored_buffer) if measures.scored_buffer else None


def _with_delay(measures: Measures, delay: Delay | None) -> Measures:
    if measures.quality is None or delay is None or delay.mouth_to_ear_ms is None:
        return measures
    return measures.model_copy(update={"conversational": conversational(measures.quality, delay.mouth_to_ear_ms)})


def _remote_of(part: Slice | StreamReport, medium: MediumRtcp, now_ns: int) -> RemoteReport | None:
    heard = medium.heard(part.direction, part.ssrc)
    return None if heard is None else remote_report(heard, medium.round_trips(heard.listener), part.clock_rate, now_ns)


def _voip_report(said: VoipMetrics, at_ns: int) -> VoipReport:
    return VoipReport.model_validate({**asdict(said), "at": at_ns / NANOSECONDS})
