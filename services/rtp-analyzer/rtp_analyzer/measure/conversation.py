"""What RTCP adds to what we measure: the delay between the phones, MOS-CQ with it, the word of the other end. Pure."""

from dataclasses import asdict, dataclass
from typing import Final

from rtp_analyzer.measure.round_trips import RoundTrips
from rtp_analyzer.measure.rtcp import Heard, MediumRtcp
from rtp_analyzer.packets.rtcp import VoipMetrics
from rtp_analyzer.quality.delay import mouth_to_ear
from rtp_analyzer.quality.score import conversational
from shared.events.calls import Party
from shared.events.metrics import Delay, DelayParts, Measures, RemoteReport, StreamReport, VoipReport

NANOSECONDS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Aside:
    """What is known of a stream beside its packets, at one moment. The delays are those of the network."""

    latest: Delay | None = None
    mean: Delay | None = None  # of the whole time
    remote: RemoteReport | None = None
    goodbye: bool = False  # its sender declared its end


NOTHING: Final = Aside()


def aside_of(
    medium: MediumRtcp, party: Party, ssrc: int, clock_rate: int | None, configured_ms: float | None, now_ns: int
) -> Aside:
    """Of the stream of a party at `now_ns`. `configured_ms`: the delay one way, for when RTCP tells nothing."""
    claimed_ms = medium.claimed_round_trip_ms(now_ns)
    heard = medium.heard(party, ssrc)
    return Aside(
        latest=network_delay(medium.round_trip_ms(now_ns), claimed_ms, configured_ms),
        mean=network_delay(medium.mean_round_trip_ms, claimed_ms, configured_ms),
        remote=None if heard is None else remote_report(heard, medium.round_trips(heard.listener), clock_rate, now_ns),
        goodbye=medium.has_ended(party, ssrc),
    )


def annotate_report(report: StreamReport, aside: Aside) -> StreamReport:
    """The report with the mean delay of the whole time, and what else is known."""
    mean = to_the_ear(aside.mean, report.codec, report.ptime_ms, hold_ms(report.total))
    return report.model_copy(
        update={
            "delay": mean,
            "total": with_delay(report.total, mean),
            "remote": aside.remote,
            "goodbye": aside.goodbye,
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


def to_the_ear(delay: Delay | None, codec: str | None, ptime_ms: float | None, buffer_ms: float | None) -> Delay | None:
    """The delay with all that lies between mouth and ear; without it for a codec or a ptime that is not known.

    `buffer_ms`: how long packets wait in the scored de-jitter buffer, the mean.
    """
    if delay is None or codec is None or ptime_ms is None:
        return delay
    budget = mouth_to_ear(codec, ptime_ms, delay.one_way_ms, buffer_ms or 0.0)
    if budget is None:
        return delay
    parts = DelayParts.model_validate({**asdict(budget), "buffer_ms": buffer_ms})
    return delay.model_copy(update={"mouth_to_ear_ms": budget.total_ms, "parts": parts})


def hold_ms(measures: Measures) -> float | None:
    """How long a packet waited in the scored de-jitter buffer, the mean."""
    holds_ms = {buffer.name: buffer.hold_ms for buffer in measures.buffers or ()}
    return holds_ms.get(measures.scored_buffer) if measures.scored_buffer else None


def with_delay(measures: Measures, delay: Delay | None) -> Measures:
    """With the score of the conversation, where the delay from mouth to ear is known."""
    if measures.quality is None or delay is None or delay.mouth_to_ear_ms is None:
        return measures
    return measures.model_copy(update={"conversational": conversational(measures.quality, delay.mouth_to_ear_ms)})


def _voip_report(said: VoipMetrics, at_ns: int) -> VoipReport:
    return VoipReport.model_validate({**asdict(said), "at": at_ns / NANOSECONDS})
