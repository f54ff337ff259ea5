"""From cuts of the relay to events: slices, the final report of a stream, and the worst slice until then. No I/O."""

from collections.abc import Iterable, Iterator

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
    """What one worker publishes of its streams. Cuts must come in the order in which they were taken."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._worst: dict[int, float] = {}  # lowest MOS of a slice, by the slot of its stream

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
        return measured

    def _ended(self, cut: StreamCut, at: float) -> StreamEnded:
        report = build_report(cut.slice, cut.context, self._worst.pop(cut.slot, None), cut.audio)
        return StreamEnded(at=at, worker=self._worker, call_id=cut.context.call_id, report=report)
