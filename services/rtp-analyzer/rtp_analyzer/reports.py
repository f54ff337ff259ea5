"""From cuts of the relay to events: slices, the final report of a stream, and the worst slice until then. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from rtp_analyzer.carried import Carried
from rtp_analyzer.judging import Measured, verdict_on
from rtp_analyzer.measure.conversation import Aside, annotate_report, aside_of
from rtp_analyzer.measure.rtcp import Rtcp, RtcpDatagram
from rtp_analyzer.measure.slices import build_report
from rtp_analyzer.measure.writing import SliceWriter
from rtp_analyzer.taps.relay import Closed, Media, StreamCut
from shared.events import (
    MAX_SLICES_AN_ENTRY,
    CallJudged,
    Encoded,
    Event,
    MediaReleased,
    MediaStopped,
    QualitySpoken,
    SlicesMeasured,
    StreamEnded,
    encode_slices,
)
from shared.events.verdict import Verdict

MetricsEvent = Encoded | StreamEnded | CallJudged | MediaStopped | QualitySpoken
ENDED_STREAMS_JUDGED = 8  # of a medium: a hostile party changes its SSRC as often as it likes


class Reporter:
    """What one worker publishes of its streams. Cuts must come in the order in which they were taken.

    `one_way_delay_ms` is that of the network, for when RTCP tells nothing; None: then it is not known.
    """

    def __init__(self, worker: str, one_way_delay_ms: float | None = None) -> None:
        self._worker = worker
        self._one_way_delay_ms = one_way_delay_ms
        self._rtcp = Rtcp()
        self._writer = SliceWriter()
        self._carried = Carried()
        # By the slot of a stream: the lowest MOS of a slice, and what was lost while our own socket was full.
        self._worst: dict[int, float] = {}
        self._dropped: dict[int, int] = {}
        # By medium: its streams that have ended, and what was said last of it.
        self._gone: dict[str, list[Measured]] = {}
        self._told: dict[str, tuple[object, ...]] = {}

    def hear(self, datagrams: Iterable[RtcpDatagram]) -> None:
        """Takes in RTCP that came before the cuts of the next tick, or of a medium that is closed."""
        for datagram in datagrams:
            self._rtcp.hear(datagram)

    def counters(self) -> dict[str, int]:
        """Totals since the start, by metric name."""
        return self._rtcp.counters()

    def go_on(self, before: Iterable[Event]) -> None:
        """Lets the totals of running streams go on from what an earlier run of this worker published last."""
        self._carried.remember(self._worker, (event for event in before if isinstance(event, SlicesMeasured)))

    def tick(self, cuts: Iterable[StreamCut], at: float, clock_stepped: bool = False) -> Iterator[MetricsEvent]:
        """The slices of one tick in entries of at most MAX_SLICES_AN_ENTRY; then the streams that ended with it."""
        remaining = iter(cuts)
        ended: list[StreamEnded] = []
        while batch := list(islice(remaining, MAX_SLICES_AN_ENTRY)):
            if clock_stepped:
                batch = [replace(cut, impaired_by=(*cut.impaired_by, "clock_step")) for cut in batch]
            for cut in batch:
                self._carried.add(cut.slice, cut.context.media_id, cut.context.direction, cut.ended)
            asides = [self._aside(cut) for cut in batch]
            written = self._writer.write(batch, asides)
            for cut, aside, (_, mos) in zip(batch, asides, written, strict=True):
                self._note(cut, mos)
                if cut.ended:
                    ended.append(self._ended(cut, aside, at))
            yield encode_slices(self._worker, at, (text for text, _ in written))
        yield from ended

    def judge(self, media: Media, cuts: Iterable[StreamCut], at: float) -> Iterator[CallJudged]:
        """The verdict on a running medium, when it is another than the last time. `cuts`: all of its streams."""
        running = [self._measured(cut, self._aside(cut)) for cut in cuts if not cut.ended]
        streams = [*self._gone.get(media.media_id, ()), *running]
        if not streams:
            return
        verdict = verdict_on(media, streams, {})
        gist = (verdict.rating, *((found.direction, found.problem, found.culprit) for found in verdict.findings))
        if self._told.get(media.media_id) != gist:
            self._told[media.media_id] = gist
            yield self._judged(media, verdict, at, final=False)

    def stopped(self, closed: Closed, at: float) -> Iterator[MetricsEvent]:
        """The last words about a medium."""
        media = closed.media
        yield from self.tick(closed.cuts, at)
        streams = self._gone.pop(media.media_id, [])
        if streams:
            yield self._judged(media, verdict_on(media, streams, closed.refused), at, final=True)
        self._told.pop(media.media_id, None)
        self._rtcp.forget(media.media_id)
        self._carried.forget(media.media_id)
        yield MediaStopped(
            at=at,
            worker=self._worker,
            call_id=media.call_id,
            media_id=media.media_id,
            packets_refused=sum(closed.refused.values()),
        )

    def unknown(self, released: MediaReleased, at: float) -> MediaStopped:
        """The answer to a release of what is not open: it ended while this worker was down."""
        return MediaStopped(at=at, worker=self._worker, call_id=released.call_id, media_id=released.media_id)

    def _aside(self, cut: StreamCut) -> Aside:
        ssrc, clock_rate, ended_ns = (int(cut.slice[name]) for name in ("ssrc", "clock_rate", "ended_ns"))
        medium = self._rtcp.of(cut.context.media_id)
        return aside_of(medium, cut.context.direction, ssrc, clock_rate or None, self._one_way_delay_ms, ended_ns)

    def _note(self, cut: StreamCut, mos: float | None) -> None:
        # What we did ourselves is no verdict on the network.
        if mos is not None and not cut.impaired_by:
            self._worst[cut.slot] = min(mos, self._worst.get(cut.slot, mos))
        if "socket_drops" in cut.impaired_by:
            lost = int(cut.slice["interval_expected"]) - int(cut.slice["interval_unique"])
            self._dropped[cut.slot] = self._dropped.get(cut.slot, 0) + lost

    def _ended(self, cut: StreamCut, aside: Aside, at: float) -> StreamEnded:
        measured = self._measured(cut, aside)
        for kept in (self._worst, self._dropped):
            kept.pop(cut.slot, None)
        self._writer.forget(cut.slot)
        gone = self._gone.setdefault(cut.context.media_id, [])
        gone.append(measured)
        del gone[:-ENDED_STREAMS_JUDGED]
        return StreamEnded(at=at, worker=self._worker, call_id=cut.context.call_id, report=measured.report)

    def _measured(self, cut: StreamCut, aside: Aside) -> Measured:
        report = build_report(cut.slice, cut.context, self._worst.get(cut.slot), cut.audio)
        return Measured(annotate_report(report, aside), cut.slice, cut.context, self._dropped.get(cut.slot, 0))

    def _judged(self, media: Media, verdict: Verdict, at: float, *, final: bool) -> CallJudged:
        return CallJudged(
            at=at,
            worker=self._worker,
            call_id=media.call_id,
            media_id=media.media_id,
            final=final,
            verdict=verdict,
        )
