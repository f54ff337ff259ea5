"""What the events say about a call, folded into one value. Pure; any order and any repetition give the same result.

The store and the live view both use it, so that a call reads the same in both. No field is ever lost: each one has a
rule (earliest, latest, largest) that does not depend on which event came first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from shared.events import (
    AudioHealth,
    CallAnswered,
    CallEnded,
    CallRinging,
    CallStarted,
    CallUpdated,
    Event,
    Measures,
    Party,
    Slice,
    SlicesMeasured,
    StreamEnded,
    StreamReport,
)

Fact = CallStarted | CallRinging | CallAnswered | CallUpdated | CallEnded | Slice | StreamReport
StreamKey = tuple[str, Party, int]  # media_id, direction, ssrc


@dataclass(frozen=True, slots=True)
class Signalling:
    """A call as the signalling tells it; the columns of the table `calls`. Times are epoch seconds."""

    call_id: str
    first_seen_at: float
    last_seen_at: float
    first_attempt_at: float | None = None
    last_attempt_at: float | None = None  # a caller may try again under the same Call-ID (RFC 4028 7.3, after a 422)
    caller: str | None = None
    callee: str | None = None
    source: str | None = None
    user_agent: str | None = None
    extension: str | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    answered_code: int | None = None
    callee_user_agent: str | None = None
    signalled_codec: str | None = None
    signalled_codec_at: float | None = None
    updated_at: float | None = None
    on_hold: bool = False
    last_end_at: float | None = None
    hangup_by: str | None = None
    end_code: int | None = None
    reason: str | None = None
    impaired: bool = False  # our own socket dropped packets during some slice
    injected_loss_percent: float | None = None  # what 997 does on the way back
    injected_jitter_ms: float | None = None

    @property
    def started_at(self) -> float:
        """When the INVITE came; the first trace of the call while that is not known yet."""
        return self.first_seen_at if self.first_attempt_at is None else self.first_attempt_at

    @property
    def ended_at(self) -> float | None:
        """None while the call lives: never ended, or tried again since."""
        if self.last_end_at is None or (self.last_attempt_at or 0.0) > self.last_end_at:
            return None
        return self.last_end_at


@dataclass(frozen=True, slots=True)
class MeasuredStream:
    """An RTP stream of a call, with its newest totals; the columns of the table `streams`."""

    call_id: str
    media_id: str
    direction: Party
    ssrc: int
    codec: str | None
    payload_type: int | None
    clock_rate: int | None
    ptime_ms: float | None
    source: str | None
    started_at: float
    ended_at: float | None
    mos_min: float | None
    total: Measures
    total_at: float
    total_final: bool  # the total of the final report, not of a slice
    audio: AudioHealth | None = None

    @property
    def key(self) -> StreamKey:
        return self.media_id, self.direction, self.ssrc

    @property
    def age(self) -> tuple[int, bool, float]:
        """Orders the totals of one stream. They only grow, so the packets tell which one is newer; the times of a final
        report and of a last slice do not (one ends at a packet, the other at a tick)."""
        return self.total.packets_received, self.total_final, self.total_at


@dataclass(frozen=True, slots=True)
class Call:
    """All that is known of one call."""

    signalling: Signalling
    streams: Mapping[StreamKey, MeasuredStream] = field(default_factory=dict)


def facts_of(event: Event) -> Iterator[tuple[str, Fact]]:
    """What an event says about which calls (Call-ID, fact)."""
    match event:
        case CallStarted() | CallRinging() | CallAnswered() | CallUpdated() | CallEnded():
            yield event.call_id, event
        case SlicesMeasured():
            for part in event.slices:
                yield part.call_id, part
        case StreamEnded():
            yield event.report.call_id, event.report


def fold(call: Call | None, call_id: str, fact: Fact) -> Call:
    """The call after one more fact."""
    begin, end = _moments(fact)
    if call is None:
        call = Call(Signalling(call_id, first_seen_at=begin, last_seen_at=end))
    seen = replace(
        call.signalling,
        first_seen_at=min(call.signalling.first_seen_at, begin),
        last_seen_at=max(call.signalling.last_seen_at, end),
    )
    if isinstance(fact, Slice | StreamReport):
        measured = _measured(fact)
        merged = _merge(call.streams.get(measured.key), measured)
        impaired = seen.impaired or (isinstance(fact, Slice) and fact.impaired)
        return Call(replace(seen, impaired=impaired), {**call.streams, merged.key: merged})
    return Call(_signal(seen, fact), call.streams)


def _moments(fact: Fact) -> tuple[float, float]:
    match fact:
        case Slice():
            return fact.started_at, fact.started_at + fact.duration_s
        case StreamReport():
            return fact.started_at, fact.ended_at
        case _:
            return fact.at, fact.at


def _signal(call: Signalling, fact: CallStarted | CallRinging | CallAnswered | CallUpdated | CallEnded) -> Signalling:
    match fact:
        case CallStarted():
            return _start(call, fact)
        case CallRinging():
            return replace(call, ringing_at=_least(call.ringing_at, fact.at))
        case CallAnswered():
            return _answer(_set_codec(call, fact.codec, fact.at), fact)
        case CallUpdated():
            call = _set_codec(call, fact.codec, fact.at)
            if _older(fact.at, call.updated_at):
                return call
            return replace(call, updated_at=fact.at, on_hold=fact.on_hold)
        case CallEnded():
            if _older(fact.at, call.last_end_at):
                return call
            return replace(
                call, last_end_at=fact.at, hangup_by=fact.hangup_by, end_code=fact.final_code, reason=fact.reason
            )


def _start(call: Signalling, fact: CallStarted) -> Signalling:
    if not _older(fact.at, call.last_attempt_at):
        call = replace(
            call,
            last_attempt_at=fact.at,
            caller=fact.caller,
            callee=fact.callee,
            source=fact.source,
            user_agent=fact.user_agent,
            extension=fact.extension,
        )
    return replace(call, first_attempt_at=_least(call.first_attempt_at, fact.at))


def _answer(call: Signalling, fact: CallAnswered) -> Signalling:
    if call.answered_at is not None and call.answered_at <= fact.at:
        return call
    injected = fact.impairment
    return replace(
        call,
        answered_at=fact.at,
        answered_code=fact.code,
        callee_user_agent=fact.user_agent,
        injected_loss_percent=None if injected is None else injected.loss_percent,
        injected_jitter_ms=None if injected is None else injected.jitter_ms,
    )


def _set_codec(call: Signalling, codec: str | None, at: float) -> Signalling:
    if codec is None or _older(at, call.signalled_codec_at):
        return call
    return replace(call, signalled_codec=codec, signalled_codec_at=at)


def _measured(fact: Slice | StreamReport) -> MeasuredStream:
    if isinstance(fact, Slice):
        ended_at, total_at = None, fact.started_at + fact.duration_s
        worst = fact.interval.quality.mos if fact.interval.quality else None
    else:
        ended_at, total_at, worst = fact.ended_at, fact.ended_at, fact.mos_min
    return MeasuredStream(
        call_id=fact.call_id,
        media_id=fact.media_id,
        direction=fact.direction,
        ssrc=fact.ssrc,
        codec=fact.codec,
        payload_type=fact.payload_type,
        clock_rate=fact.clock_rate,
        ptime_ms=fact.ptime_ms,
        source=fact.source,
        started_at=fact.started_at,
        ended_at=ended_at,
        mos_min=worst,
        total=fact.total,
        total_at=total_at,
        total_final=ended_at is not None,
        audio=fact.audio,
    )


def _merge(known: MeasuredStream | None, measured: MeasuredStream) -> MeasuredStream:
    if known is None:
        return measured
    newer = known if known.age >= measured.age else measured
    return replace(
        newer,
        started_at=min(known.started_at, measured.started_at),
        ended_at=_greatest(known.ended_at, measured.ended_at),
        mos_min=_least(known.mos_min, measured.mos_min),
    )


def _older(at: float, known: float | None) -> bool:
    return known is not None and at < known


def _least(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _greatest(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
