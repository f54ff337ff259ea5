"""`vqm:metrics`: what was measured from the RTP. Unknown is null, never 0."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import CallId, Epoch, Event, HostPort, Value
from shared.events.calls import Party
from shared.events.verdict import CallJudged

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what every JSON reader and database can hold
Milliseconds = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Mos = Annotated[float, Field(ge=1, le=4.5)]

BufferName = Literal["fixed50", "fixed200", "adaptive500"]
# What the monitor itself does to a measurement: its full socket, its busy loop, its clock that was set.
ImpairedBy = Literal["socket_drops", "loop_lag", "clock_step"]

MAX_SLICES_AN_ENTRY = 100  # measured: ten times the rate of one entry each


class Waterfall(Value):
    """How R came about (G.107 clause 7): `r = ro - simultaneous - delay - codec - loss - burst - discard`."""

    ro: float = Field(description="Ro, the best there is: about 94.8 narrowband, 129 wideband, 148 fullband")
    simultaneous: float = Field(description="Is, what occurs with the voice; 0 but for narrowband")
    delay: float = Field(description="Id, delay and echo")
    codec: float = Field(description="Ie of the codec without loss")
    loss: float = Field(description="what packets lost in the network add to Ie,eff")
    burst: float = Field(default=0.0, description="what their burstiness adds")
    discard: float = Field(default=0.0, description="what packets too late for the de-jitter buffer add")
    r: float = Field(description="what is left: the transmission rating R")
    ie: float = Field(description="the codec's equipment impairment factor")
    bpl: float = Field(description="the codec's packet-loss robustness factor")


class Quality(Value):
    """One verdict of the E-model on one stretch of a stream. Without a grounded codec value there is none."""

    scale: Literal["nb", "wb", "fb"] = Field(default="nb", description="narrow-, wide- or fullband: never averaged")
    kind: Literal["LQ", "CQ"] = Field(default="LQ", description="LQ: listening only; CQ: with delay")
    grounding: Literal["standard", "proxy", "none"] = Field(
        description="standard: Ie and Bpl from G.113; proxy: of a stated neighbour; none: no value exists, no MOS"
    )
    assumption: str | None = Field(default=None, max_length=256, description="what was assumed, in words")
    mos: Mos | None = Field(default=None, description="estimated mean opinion score (G.107 Annex B)")
    r_factor: float | None = Field(default=None, description="transmission rating R, on its scale")
    waterfall: Waterfall | None = Field(default=None, description="how R came about")


class DelayParts(Value):
    """Where the time goes from a mouth to an ear (G.114), in milliseconds. What is null is not in the sum."""

    packetisation_ms: Milliseconds = Field(description="sound in a packet, as seen: none leaves before its end")
    look_ahead_ms: Milliseconds = Field(description="of the codec")
    network_ms: Milliseconds = Field(description="one way, all of it")
    buffer_ms: Milliseconds | None = Field(
        default=None, description="mean time in the de-jitter buffer that is scored; null: no buffer was simulated"
    )
    play_out_ms: Milliseconds = Field(description="sound card and signal processing: assumed, no packet shows it")


class Delay(Value):
    """How long the way between the two phones is. There is none until a source of it is known."""

    one_way_ms: Milliseconds = Field(
        description="through the network, one way: half of the round trip, as if both ways took the same"
    )
    rtt_ms: Milliseconds | None = Field(
        default=None,
        description="round trip between the phones, through us: the latest in a slice, in a report the mean; "
        "null: the delay is configured",
    )
    source: Literal["rtcp", "rtcp-xr", "configured"] = Field(
        description="rtcp: measured here, from answers to reports that we saw pass; "
        "rtcp-xr: as a phone says in its VoIP metrics; configured: VQM_ONE_WAY_DELAY_MS"
    )
    mouth_to_ear_ms: Milliseconds | None = Field(
        default=None, description="the sum of the parts: Ta of the E-model; null: a codec whose look-ahead is not known"
    )
    parts: DelayParts | None = Field(default=None, description="of mouth_to_ear_ms")


class VoipReport(Value):
    """VoIP metrics of RFC 3611 4.7 as a phone computed them of what it received. Null: it says it does not know."""

    at: Epoch = Field(description="when it came, seconds since 1970")
    loss_percent: Percent = Field(description="lost in the network")
    discard_percent: Percent = Field(description="discarded by its de-jitter buffer")
    burst_density_percent: Percent = Field(description="lost and discarded within bursts")
    gap_density_percent: Percent = Field(description="lost and discarded between bursts")
    burst_duration_ms: Milliseconds = Field(description="mean")
    gap_duration_ms: Milliseconds = Field(description="mean")
    round_trip_ms: Milliseconds | None = Field(default=None, description="between the two phones")
    end_system_delay_ms: Milliseconds | None = Field(default=None, description="within that phone")
    signal_level_dbm: int | None = Field(default=None, description="dBm0, of the voice that it receives")
    noise_level_dbm: int | None = Field(default=None, description="dBm0, of the silence that it receives")
    echo_return_loss_db: int | None = Field(default=None, description="residual echo return loss")
    gmin: int = Field(ge=0, le=255, description="good packets that end a burst")
    r_factor: int | None = Field(default=None, ge=0, le=100)
    external_r_factor: int | None = Field(default=None, ge=0, le=100, description="of a network beyond the phone")
    mos_lq: Annotated[float, Field(ge=1, le=5)] | None = None
    mos_cq: Annotated[float, Field(ge=1, le=5)] | None = None
    concealment: Literal["standard", "enhanced", "disabled"] | None = Field(
        default=None, description="what it plays in place of a lost packet"
    )
    buffer_adaptive: bool | None = Field(default=None, description="whether its de-jitter buffer adapts")
    buffer_nominal_ms: Milliseconds
    buffer_maximum_ms: Milliseconds
    buffer_absolute_maximum_ms: Milliseconds


class RemoteReport(Value):
    """What the phone at the other end says by RTCP of this stream, as it got it from us. Its word, not ours."""

    at: Epoch = Field(description="when the latest report came, seconds since 1970")
    reports: Count = Field(default=0, description="reception reports so far")
    fraction_lost_percent: Percent | None = Field(
        default=None, description="lost since the report before (RFC 3550 6.4.1), on the whole way from sender to phone"
    )
    cumulative_lost: int | None = Field(default=None, description="expected less received: duplicates hide loss")
    highest_sequence: int | None = Field(
        default=None, ge=0, le=2**32 - 1, description="up to which it counts: 16 bits of wraps, 16 of sequence number"
    )
    jitter_ms: Milliseconds | None = Field(default=None, description="null: the clock rate is not known")
    rtt_ms: Milliseconds | None = Field(default=None, description="round trip between us and that phone, the latest")
    rtt_mean_ms: Milliseconds | None = Field(default=None, description="of all that were measured")
    rtts_measured: Count = Field(default=0, description="how many were measured")
    rtts_rejected: Count = Field(default=0, description="answers with a time that cannot be true")
    voip: VoipReport | None = Field(default=None, description="its RTCP XR VoIP metrics, if it sends any")


class BufferOutcome(Value):
    """What one simulated de-jitter buffer would have made of a stretch of a stream."""

    name: BufferName = Field(description="fixed at 50 or 200 ms, or adaptive up to 500 ms")
    packets_discarded: Count = Field(description="came too late to be played")
    discard_percent: float | None = Field(default=None, ge=0, le=100, description="of the packets expected")
    hold_ms: Milliseconds | None = Field(default=None, description="mean time that a packet waited to be played")
    mos: Mos | None = Field(default=None, description="the MOS-LQ with this buffer")


class Measures(Value):
    """What was counted on one stretch of a stream: a slice of it, or all of it so far."""

    packets_expected: Count = Field(description="highest less lowest sequence number, plus one (RFC 3550 A.3)")
    packets_received: Count = Field(description="RTP packets that arrived, duplicates included (RFC 3550 A.3)")
    packets_lost: Count = Field(description="expected less distinct sequence numbers seen; never negative")
    cumulative_lost: int | None = Field(
        default=None,
        description="expected less received, as RTCP reports count it: duplicates hide loss (RFC 3550 A.3)",
    )
    loss_percent: float | None = Field(
        default=None, ge=0, le=100, description="lost over expected; null without packets"
    )
    duplicates: Count = Field(default=0, description="packets whose sequence number had been seen")
    reordered: Count = Field(default=0, description="packets that came after a later one")
    bytes_received: Count = Field(default=0, description="RTP payload octets")
    jitter_ms: Milliseconds | None = Field(default=None, description="RFC 3550 A.8, at the end of the stretch")
    jitter_max_ms: Milliseconds | None = Field(default=None, description="its highest value in the stretch")
    pdv_p50_ms: Milliseconds | None = Field(
        default=None, description="packet delay variation over the minimum transit (RFC 5481), 50th percentile"
    )
    pdv_p95_ms: Milliseconds | None = Field(default=None, description="the same, 95th percentile")
    pdv_p99_ms: Milliseconds | None = Field(default=None, description="the same, 99th percentile")
    packets_discarded: Count | None = Field(
        default=None, description="too late for the scored de-jitter buffer; null: no known clock rate"
    )
    discard_percent: float | None = Field(default=None, ge=0, le=100, description="discarded over expected")
    burst_r: float | None = Field(
        default=None,
        ge=1,
        description="burst ratio (G.107) of what was lost or discarded: 1 random, above in bursts; null: nothing is",
    )
    scored_buffer: BufferName | None = Field(default=None, description="the de-jitter buffer that was scored")
    buffers: tuple[BufferOutcome, ...] | None = Field(default=None, description="each simulated de-jitter buffer")
    quality: Quality | None = Field(default=None, description="null: too little to judge")
    conversational: Quality | None = Field(
        default=None, description="the same with the delay (MOS-CQ); null: no delay is known"
    )


class BurstGap(Value):
    """Where packets are missing, lost or discarded by the scored buffer: RFC 3611 4.7.2 by its definition."""

    gmin: int = Field(default=16, description="so many good packets in a row end a burst")
    bursts: Count = Field(description="stretches that begin and end with a missing packet, without gmin good in a row")
    burst_density: float | None = Field(default=None, ge=0, le=1, description="missing share of the packets in bursts")
    gap_density: float | None = Field(default=None, ge=0, le=1, description="missing share of all other packets")
    burst_duration_ms: Milliseconds | None = Field(default=None, description="mean; null without bursts or ptime")
    gap_duration_ms: Milliseconds | None = Field(default=None, description="mean; null without gaps or ptime")


Dbov = Annotated[float, Field(ge=-127, le=0.5)]
AudioUnknown = Literal["encrypted", "no_decoder", "not_judged"]


class AudioHealth(Value):
    """What can be heard in a stretch of a stream, by a part of its packets. Events and comfort noise are left out."""

    source: Literal["g711", "decoded"] | None = Field(
        default=None, description="g711: read from the octets; decoded: by a codec library; null: nothing is known"
    )
    unknown: AudioUnknown | None = Field(
        default=None,
        description="why nothing is known: SRTP; no decoder of this codec is installed; too little or none was judged",
    )
    level_dbov: Dbov | None = Field(
        default=None,
        description="RMS level of what was judged; 0: a square wave at full scale, -127: digital silence (RFC 6465)",
    )
    active_level_dbov: Dbov | None = Field(
        default=None, description="the same without the silence; null: there was nothing else"
    )
    peak_dbov: Dbov | None = Field(default=None, description="the highest sample")
    silence_percent: float | None = Field(default=None, ge=0, le=100, description="of the time, below -50 dBov")
    clipping_percent: float | None = Field(
        default=None, ge=0, le=100, description="of the time, three samples or more in a row at full scale"
    )
    dead_air_s: float | None = Field(
        default=None,
        ge=0,
        description="digital silence while packets flow: the longest stretch; of a slice, how long it lasts by now",
    )
    judged_s: float | None = Field(default=None, ge=0, description="seconds of sound that were judged")
    judged_percent: float | None = Field(default=None, ge=0, le=100, description="part of the packets that were judged")


class _StreamPart(Value):
    call_id: CallId
    media_id: str = Field(max_length=64, description="the medium it belongs to")
    direction: Party = Field(description="the party that sends this stream")
    ssrc: int = Field(ge=0, le=2**32 - 1, description="synchronisation source")
    codec: str | None = Field(default=None, max_length=64, description="null: a payload type that SDP did not name")
    payload_type: int | None = Field(default=None, ge=0, le=127, description="of the latest media packet")
    clock_rate: int | None = Field(default=None, ge=1, description="RTP timestamp units a second; null: not known")
    ptime_ms: float | None = Field(default=None, gt=0, description="as seen in the timestamps")
    source: HostPort | None = Field(default=None, description="where the packets come from")
    delay: Delay | None = Field(default=None, description="between the two phones; null: not known")
    remote: RemoteReport | None = Field(default=None, description="what the other end says of it; null: nothing")
    goodbye: bool = Field(default=False, description="its sender has declared its end (RTCP BYE)")
    burst_gap: BurstGap | None = Field(default=None, description="of the stream so far")
    loss_runs: Annotated[tuple[Count, ...], Field(max_length=10)] | None = Field(
        default=None, description="how often 1, 2, ... 9, and 10 or more packets were lost in a row"
    )
    drift_ppm: float | None = Field(
        default=None, description="the sender's clock against ours, positive: fast; null before 30 s"
    )
    delta_max_ms: Milliseconds | None = Field(
        default=None, description="longest time between two packets, less the sender's silence"
    )
    events_received: Count = Field(default=0, description="telephone-event packets (RFC 4733)")
    comfort_noise_received: Count = Field(default=0, description="comfort noise packets (RFC 3389)")
    timestamp_steps: Count = Field(default=0, description="times that the sender set its timestamp anew")


class Slice(_StreamPart):
    """One second of one stream, and the stream so far."""

    started_at: Epoch = Field(description="seconds since 1970, of the slice's first moment")
    duration_s: float = Field(gt=0, description="the last one of a stream is shorter")
    interval: Measures = Field(description="this slice")
    total: Measures = Field(description="the stream so far")
    impaired: bool = Field(default=False, description="by this monitor itself: do not blame the network")
    impaired_by: tuple[ImpairedBy, ...] = Field(
        default=(),
        description="socket_drops: our socket was full; loop_lag: we sent packets on more than 50 ms late; "
        "clock_step: our wall clock was set, so that times do not fit",
    )
    audio: AudioHealth | None = Field(default=None, description="what was heard of the stream so far")
    audio_interval: AudioHealth | None = Field(
        default=None, description="what was heard in this slice, of a decoded codec a second later; null: nothing"
    )


class SlicesMeasured(Event):
    """All slices of one tick of one worker, at most 100 an entry."""

    type: Literal["SlicesMeasured"] = "SlicesMeasured"
    worker: str = Field(max_length=64, description="who measured")
    slices: tuple[Slice, ...] = Field(max_length=MAX_SLICES_AN_ENTRY, description="in no order")


class StreamReport(_StreamPart):
    """The final figures of one stream."""

    started_at: Epoch = Field(description="arrival of its first packet, seconds since 1970")
    ended_at: Epoch = Field(description="arrival of its last packet")
    mos_min: Mos | None = Field(default=None, description="the worst slice")
    total: Measures = Field(description="the whole stream")
    audio: AudioHealth | None = Field(default=None, description="what was heard of the whole stream")


class StreamEnded(Event):
    """A stream is over: its call ended, or the sender changed its SSRC."""

    type: Literal["StreamEnded"] = "StreamEnded"
    worker: str = Field(max_length=64, description="who measured")
    call_id: CallId
    report: StreamReport = Field(description="the final figures")


class MediaStopped(Event):
    """All streams of a medium have ended and its ports are closed."""

    type: Literal["MediaStopped"] = "MediaStopped"
    worker: str = Field(max_length=64, description="who measured")
    call_id: CallId
    media_id: str = Field(max_length=64, description="the medium that was closed")
    packets_refused: Count = Field(default=0, description="from sources that do not belong to the call, or not RTP")


class QualitySpoken(Event):
    """The caller was told what was measured of him (996): nothing more will be sent, the call can be hung up."""

    type: Literal["QualitySpoken"] = "QualitySpoken"
    worker: str = Field(max_length=64, description="who measured and spoke")
    call_id: CallId
    media_id: str = Field(max_length=64, description="the medium it was spoken on")
    audible: bool = Field(description="false: no codec of the call can be spoken, or there was nowhere to send it")


METRICS = (SlicesMeasured, StreamEnded, CallJudged, MediaStopped, QualitySpoken)
