"""`vqm:metrics`: what was measured from the RTP. Unknown is null, never 0."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import CallId, Epoch, Event, HostPort, Value
from shared.events.calls import Party

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what every JSON reader and database can hold
Milliseconds = Annotated[float, Field(ge=0)]
Mos = Annotated[float, Field(ge=1, le=4.5)]

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
    quality: Quality | None = Field(default=None, description="null: too little to judge")


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


class Slice(_StreamPart):
    """One second of one stream, and the stream so far."""

    started_at: Epoch = Field(description="seconds since 1970, of the slice's first moment")
    duration_s: float = Field(gt=0, description="the last one of a stream is shorter")
    interval: Measures = Field(description="this slice")
    total: Measures = Field(description="the stream so far")
    impaired: bool = Field(default=False, description="our own socket dropped packets: do not blame the network")


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


METRICS = (SlicesMeasured, StreamEnded, MediaStopped, QualitySpoken)
