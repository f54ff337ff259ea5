"""The extension 996: listens to a caller for a while, then speaks what was measured of him, and says when it has."""

from collections.abc import Callable, Iterator, Sequence

from rtp_analyzer.measure.slices import total_measures
from rtp_analyzer.sounds.prompts import say
from rtp_analyzer.sounds.sentences import quality_words
from rtp_analyzer.taps.relay import Relay, StreamCut
from shared.events import Measures, QualitySpoken


class Announcements:
    """Those of one relay. A worker that restarts listens anew."""

    def __init__(self, worker: str, relay: Relay, listen_s: float, monotonic: Callable[[], float]) -> None:
        self._worker = worker
        self._relay = relay
        self._listen_s = listen_s
        self._monotonic = monotonic
        self._listens_until: dict[str, float] = {}  # by media id
        self._speaks: set[str] = set()

    def begin(self, media_id: str) -> None:
        """Listens from now on."""
        self._listens_until[media_id] = self._monotonic() + self._listen_s

    def forget(self, media_id: str) -> None:
        """The medium is closed."""
        self._listens_until.pop(media_id, None)
        self._speaks.discard(media_id)

    def tick(self, cuts: Sequence[StreamCut], at: float) -> Iterator[QualitySpoken]:
        """Begins to speak where it has listened long enough; yields where it has spoken."""
        for media_id in [media_id for media_id in self._speaks if self._relay.has_played(media_id)]:
            self._speaks.remove(media_id)
            yield QualitySpoken(
                at=at,
                worker=self._worker,
                call_id=self._relay.media[media_id].call_id,
                media_id=media_id,
                audible=self._relay.was_audible(media_id),
            )
        now = self._monotonic()
        for media_id in [media_id for media_id, until in self._listens_until.items() if until <= now]:
            del self._listens_until[media_id]
            language = self._relay.media[media_id].language
            self._relay.play(media_id, say(quality_words(_heard(cuts, media_id), language), language))
            self._speaks.add(media_id)


def _heard(cuts: Sequence[StreamCut], media_id: str) -> Measures | None:
    """What was measured of the party's longest stream so far."""
    streams = [total_measures(cut.slice, cut.context) for cut in cuts if cut.context.media_id == media_id]
    return max(streams, key=lambda measured: measured.packets_received, default=None)
