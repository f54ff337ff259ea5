"""From cuts of the relay to events: slices, the final report of a stream, and the worst slice until then. No I/O."""

from collections.abc import Iterable, Iterator

from rtp_analyzer.measure.conversation import annotate_report, annotate_slice
from rtp_analyzer.measure.rtcp import Rtcp, RtcpDatagram
from rtp_analyzer.measure.slices import build_report, build_slice
from rtp_analyzer.taps.relay import Closed, StreamCut
from shared.events import (
    MAX_SLICES_AN_ENTRY,
    MediaReleased,
    MediaStopped,
    QualitySpoken,
    Slice,
    SlicesMeasured,
    StreamEnded,
)

MetricsEvent = SlicesMeasured | StreamEnded | MediaStopped | QualitySpoken


class Reporter:
    """What one worker publishes of its streams. Cuts must come in the order in which they were taken.

    `one_way_delay_ms` is that of the network, for when RTCP tells nothing; None: then it is not known.
    """

    def __init__(self, worker: str, one_way_delay_ms: float | None = None) -> None:
        self._worker = worker
        self._one_way_delay_ms = one_way_delay_ms
        self._rtcp = Rtcp()
        self._worst: dict[int, float] = {}  # lowest MOS of a slice, by the slot of its stream

    def hear(self, datagrams: Iterable[RtcpDatagram]) -> None:
        """Takes in RTCP that came before the cuts of the next tick, or of a medium that is closed."""
        for datagram in datagrams:
            self._rtcp.hear(datagram)

    def counters(self) -> dict[str, int]:
        """Totals since the start, by metric name."""
        return self._rtcp.counters()

    def tick(self, cuts: Iterable[StreamCut], at: float) -> Iterator[MetricsEvent]:
        """The slices of one tick in entries of at most MAX_SLICES_AN_ENTRY; then the streams that ended with it."""
        ended = []
        slices: list[Slice] = []
        for cut in cuts:
            slices.append(self._slice(cut))
            if cut.ended:
                ended.append(self._ended(cut, at))
            if len(slices) == MAX_SLICES_AN_ENTRY:
                yield SlicesMeasured(at=at, worker=self._worker, slices=tuple(slices))
                slices.clear()
        if slices:
            yield SlicesMeasured(at=at, worker=self._worker, slices=tuple(slices))
        yield from ended

    def stopped(self, closed: Closed, at: float) -> Iterator[MetricsEvent]:
        """The last words about a medium."""
        yield from self.tick(closed.cuts, at)
        self._rtcp.forget(closed.media.media_id)
        yield MediaStopped(
            at=at,
            worker=self._worker,
            call_id=closed.media.call_id,
            media_id=closed.media.media_id,
            packets_refused=closed.refused,
        )

    def unknown(self, released: MediaReleased, at: float) -> MediaStopped:
        """The answer to a release of what is not open: it ended while this worker was down."""
        return MediaStopped(at=at, worker=self._worker, call_id=released.call_id, media_id=released.media_id)

    def _slice(self, cut: StreamCut) -> Slice:
        measured = build_slice(cut.slice, cut.context, cut.impaired, cut.audio)
        quality = measured.interval.quality
        # What our own socket dropped is no verdict on the network.
        if quality is not None and quality.mos is not None and not cut.impaired:
            self._worst[cut.slot] = min(quality.mos, self._worst.get(cut.slot, quality.mos))
        return annotate_slice(measured, self._rtcp.of(measured.media_id), self._one_way_delay_ms, _ended_ns(cut))

    def _ended(self, cut: StreamCut, at: float) -> StreamEnded:
        report = build_report(cut.slice, cut.context, self._worst.pop(cut.slot, None), cut.audio)
        report = annotate_report(report, self._rtcp.of(report.media_id), self._one_way_delay_ms, _ended_ns(cut))
        return StreamEnded(at=at, worker=self._worker, call_id=cut.context.call_id, report=report)


def _ended_ns(cut: StreamCut) -> int:
    return int(cut.slice["ended_ns"])
