"""What a slice is with all that is known beside its packets: the definition that the writer of slices is held to."""

from rtp_analyzer.measure.conversation import Aside, hold_ms, to_the_ear, with_delay
from shared.events import Slice


def annotated(piece: Slice, aside: Aside) -> Slice:
    """The slice has the latest delay, its total the mean."""
    latest = to_the_ear(aside.latest, piece.codec, piece.ptime_ms, hold_ms(piece.interval))
    mean = to_the_ear(aside.mean, piece.codec, piece.ptime_ms, hold_ms(piece.total))
    return piece.model_copy(
        update={
            "delay": latest,
            "interval": with_delay(piece.interval, latest),
            "total": with_delay(piece.total, mean),
            "remote": aside.remote,
            "goodbye": aside.goodbye,
        }
    )
