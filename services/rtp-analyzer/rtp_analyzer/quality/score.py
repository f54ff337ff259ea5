"""The score of a stretch of a stream: from a codec and what is missing, then the delay, to MOS, R and waterfall."""

from functools import lru_cache
from typing import Final

from rtp_analyzer.quality.codecs import CodecRating
from rtp_analyzer.quality.emodel import SCALES, PacketImpairment, Scale, effective_equipment_impairment, rate
from rtp_analyzer.quality.line import DEFAULT_LINE, symmetric_line
from shared.events.metrics import Quality, Waterfall

# G.113: a BurstR other than 1 is for codecs whose loss concealment has a state, of which the lowest Bpl is this.
_STATEFUL_BPL: Final = 16.0
# G.107 Annex A: BurstR is valid up to 2, and beyond for a Ppl below 2 %.
_VALID_BURST_R: Final = 2.0
_VALID_ABOVE_BELOW_PERCENT: Final = 2.0


def score(rating: CodecRating, loss_percent: float, discard_percent: float = 0.0, burst_r: float = 1.0) -> Quality:
    """MOS-LQ on the codec's own scale; no MOS, but why, when the E-model has no value for the codec.

    Loss and discard are of the packets expected, together Ppl.
    """
    if rating.ie is None or rating.bpl is None:
        return Quality(scale=rating.scale, grounding="none", assumption=rating.assumption)
    scale = SCALES[rating.scale]
    valid_burst_r = admitted_burst_r(rating, loss_percent + discard_percent, burst_r)
    terms = rate(
        PacketImpairment(rating.ie, rating.bpl, loss_percent, discard_percent, valid_burst_r),
        DEFAULT_LINE,
        scale,
    )
    return Quality(
        scale=rating.scale,
        grounding=rating.grounding,
        assumption=rating.described,
        mos=scale.mos(terms.r),
        r_factor=terms.r,
        # The advantage factor is 0 on this line, so the published terms add up to R without it.
        waterfall=Waterfall(
            ro=terms.ro,
            simultaneous=terms.simultaneous,
            delay=terms.delay,
            codec=terms.codec,
            loss=terms.loss,
            burst=terms.burst,
            discard=terms.discard,
            r=terms.r,
            ie=rating.ie,
            bpl=rating.bpl,
        ),
    )


def conversational(listening: Quality, mouth_to_ear_ms: float) -> Quality | None:
    """MOS-CQ of the stretch that has this MOS-LQ; None where there is none."""
    fall = listening.waterfall
    if fall is None:
        return None
    scale = SCALES[listening.scale]
    # Codec and loss are taken off independently of the line: only the terms of the line change with the delay.
    line = scale.line_terms(symmetric_line(max(0.0, mouth_to_ear_ms)))
    r = fall.r + fall.simultaneous + fall.delay - line.simultaneous - line.delay
    changed = {"simultaneous": line.simultaneous, "delay": line.delay, "r": r}
    return listening.model_copy(
        update={
            "kind": "CQ",
            "mos": scale.mos(r),
            "r_factor": r,
            "waterfall": fall.model_copy(update=changed),
        }
    )


def listening_mos(rating: CodecRating, missing_percent: float, burst_r: float = 1.0) -> float | None:
    """The MOS of `score` without its reasons: for many buffers of many streams a second."""
    if rating.ie is None or rating.bpl is None:
        return None
    scale = SCALES[rating.scale]
    valid_burst_r = admitted_burst_r(rating, missing_percent, burst_r)
    impairment = effective_equipment_impairment(
        rating.ie, rating.bpl, missing_percent, valid_burst_r, scale.loss_ceiling
    )
    return scale.mos(_unimpaired(scale) - impairment)


def admitted_burst_r(rating: CodecRating, missing_percent: float, burst_r: float) -> float:
    """As much of a measured BurstR as the model is valid for: 1 where it has none.

    Above 2 it is admitted for a Ppl below 2 % only, and the less the nearer that is, so that no loss improves R.
    """
    if rating.bpl is None or rating.bpl < _STATEFUL_BPL or not SCALES[rating.scale].knows_bursts:
        return 1.0
    limit = _VALID_BURST_R
    if 0 < missing_percent < _VALID_ABOVE_BELOW_PERCENT:
        limit *= _VALID_ABOVE_BELOW_PERCENT / missing_percent
    return max(1.0, min(burst_r, limit))


@lru_cache(maxsize=3)
def _unimpaired(scale: Scale) -> float:
    """R of a codec with Ie 0 on the default line."""
    return rate(PacketImpairment(), DEFAULT_LINE, scale).r
