"""What the events say about a call, folded into one value. Pure; any order and any repetition give the same result.

The store and the live view both use it, so that a call reads the same in both. No field is ever lost: each one has a
rule (earliest, latest, largest) that does not depend on which event came first.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from shared.events import (
    CallAnswered,
    CallEnded,
    CallJudged,
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

Signal = CallStarted | CallRinging | CallAnswered | CallUpdated | CallEnded | CallJudged
Fact = Signal | Slice | StreamReport
StreamKey = tuple[str, Party, int]  # media_id, direction, ssrc
# Orders the totals of one stream: packets received, final, up to when. They only grow, so the packets tell which one is
# newer; the times of a final report and of a last slice do not (one ends at a packet, the other at a tick).
Age = tuple[int, bool, float]
# What a slice says of its stream so far, under the names of the final report.
_SO_FAR = tuple(sorted((StreamReport.model_fields.keys() & Slice.model_fields.keys()) - {"started_at"}))


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
    verdict: str | None = None  # the relay's newest one, as JSON
    verdict_at: float | None = None
    verdict_final: bool = False

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

    @property
    def final_code(self) -> int | None:
        """The final response to the INVITE."""
        return self.answered_code if self.end_code is None or self.ended_at is None else self.end_code

    def duration_s(self, now: float) -> float | None:
        """From answer to end, or until now; None: never answered."""
        if self.answered_at is None:
            return None
        ended_at = self.ended_at
        return max(0.0, (now if ended_at is None else ended_at) - self.answered_at)


@dataclass(frozen=True, slots=True)
class MeasuredStream:
    """An RTP stream of a call with its newest figures; a row of the table `streams`."""

    report: StreamReport  # the final one, or what the newest slice says of the stream so far
    final: bool
    started_at: float
    ended_at: float | None  # of the newest final report; the stream may have gone on since
    mos_min: float | None

    @property
    def key(self) -> StreamKey:
        return self.report.media_id, self.report.direction, self.report.ssrc

    @property
    def direction(self) -> Party:
        return self.report.direction

    @property
    def ssrc(self) -> int:
        return self.report.ssrc

    @property
    def total(self) -> Measures:
        return self.report.total

    @property
    def total_at(self) -> float:
        """The moment up to which the total counts."""
        return self.report.ended_at

    @property
    def age(self) -> Age:
        return self.report.total.packets_received, self.final, self.report.ended_at


@dataclass(frozen=True, slots=True)
class Call:
    """All that is known of one call."""

    signalling: Signalling
    streams: Mapping[StreamKey, MeasuredStream] = field(default_factory=dict)


def facts_of(event: Event) -> Iterator[tuple[str, Fact]]:
    """What an event says about which calls (Call-ID, fact)."""
    match event:
        case CallStarted() | CallRinging() | CallAnswered() | CallUpdated() | CallEnded() | CallJudged():
            yield event.call_id, event
        case SlicesMeasured():
            for part in event.slices:
                yield part.call_id, part
        case StreamEnded():
            yield event.report.call_id, event.report


@dataclass(slots=True)
class GatheredStream:
    """What a batch says about one stream: its newest figures, and what all of them have in common."""

    newest: Slice | StreamReport
    age: Age
    started_at: float
    ended_at: float | None
    mos_min: float | None

    def add(self, fact: Slice | StreamReport, age: Age, ended_at: float | None, mos: float | None) -> None:
        """Takes the figures of one more slice or report in."""
        if age > self.age:
            self.newest, self.age = fact, age
        if fact.started_at < self.started_at:
            self.started_at = fact.started_at
        self.ended_at = _greatest(self.ended_at, ended_at)
        self.mos_min = _least(self.mos_min, mos)

    def measured(self) -> MeasuredStream:
        """The stream as far as this batch knows it."""
        return MeasuredStream(_so_far(self.newest), self.age[1], self.started_at, self.ended_at, self.mos_min)


@dataclass(slots=True)
class Gathered:
    """What a batch of events says about one call. Kept small: of the figures of a stream only the newest."""

    signals: list[Signal] = field(default_factory=list)
    streams: dict[StreamKey, GatheredStream] = field(default_factory=dict)
    begin: float = math.inf
    end: float = -math.inf
    impaired: bool = False

    def add(self, fact: Fact) -> None:
        """Takes one fact in."""
        match fact:
            case Slice():
                end = fact.started_at + fact.duration_s
                worst = fact.interval.quality.mos if fact.interval.quality else None
                age = fact.total.packets_received, False, end
                self._measure(fact, age, None, worst)
                self._span(fact.started_at, end)
                self.impaired = self.impaired or fact.impaired
            case StreamReport():
                age = fact.total.packets_received, True, fact.ended_at
                self._measure(fact, age, fact.ended_at, fact.mos_min)
                self._span(fact.started_at, fact.ended_at)
            case _:
                self._span(fact.at, fact.at)
                self.signals.append(fact)

    def _span(self, begin: float, end: float) -> None:
        if begin < self.begin:
            self.begin = begin
        if end > self.end:
            self.end = end

    def _measure(self, fact: Slice | StreamReport, age: Age, ended_at: float | None, mos: float | None) -> None:
        key = fact.media_id, fact.direction, fact.ssrc
        known = self.streams.get(key)
        if known is None:
            self.streams[key] = GatheredStream(fact, age, fact.started_at, ended_at, mos)
        else:
            known.add(fact, age, ended_at, mos)


def fold(call: Call | None, call_id: str, fact: Fact) -> Call:
    """The call after one more fact."""
    gathered = Gathered()
    gathered.add(fact)
    return fold_all(call, call_id, gathered)


def fold_all(call: Call | None, call_id: str, gathered: Gathered) -> Call:
    """The call after all that was gathered; the very same streams where nothing changed."""
    if call is None:
        call = Call(Signalling(call_id, first_seen_at=gathered.begin, last_seen_at=gathered.end))
    seen = replace(
        call.signalling,
        first_seen_at=min(call.signalling.first_seen_at, gathered.begin),
        last_seen_at=max(call.signalling.last_seen_at, gathered.end),
        impaired=call.signalling.impaired or gathered.impaired,
    )
    for fact in gathered.signals:
        seen = _signal(seen, fact)
    if not gathered.streams:
        return Call(seen, call.streams)
    streams = dict(call.streams)
    for key, stream in gathered.streams.items():
        known, measured = streams.get(key), stream.measured()
        streams[key] = measured if known is None else merge(known, measured)
    return Call(seen, streams)


def _signal(call: Signalling, fact: Signal) -> Signalling:
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
        case CallJudged():
            known = call.verdict_final, call.verdict_at or 0.0
            if call.verdict is not None and known >= (fact.final, fact.at):
                return call
            text = fact.verdict.model_dump_json()
            return replace(call, verdict=text, verdict_at=fact.at, verdict_final=fact.final)


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


def _so_far(fact: Slice | StreamReport) -> StreamReport:
    """What a slice says of its stream so far, as if it ended with it; a final report as it is."""
    if isinstance(fact, StreamReport):
        return fact
    shared = {name: getattr(fact, name) for name in _SO_FAR}
    return StreamReport.model_construct(
        **shared, started_at=fact.started_at, ended_at=fact.started_at + fact.duration_s
    )


def merge(known: MeasuredStream, measured: MeasuredStream) -> MeasuredStream:
    """One stream, told twice."""
    newer = known if known.age >= measured.age else measured
    return MeasuredStream(
        newer.report,
        newer.final,
        min(known.started_at, measured.started_at),
        _greatest(known.ended_at, measured.ended_at),
        _least(known.mos_min, measured.mos_min),
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
