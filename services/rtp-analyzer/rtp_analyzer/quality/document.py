"""Writes docs/quality.md from the models and the codec table: `python -m rtp_analyzer.quality.document`."""

import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

from rtp_analyzer.quality.choice import WITHOUT_A_VALUE
from rtp_analyzer.quality.codecs import G711, RATED, CodecRating
from rtp_analyzer.quality.delay import LOOK_AHEAD_MS, PLAY_OUT_MS
from rtp_analyzer.quality.emodel import NARROWBAND, SCALES, PacketImpairment, ScaleName, rate
from rtp_analyzer.quality.line import DEFAULT_LINE, symmetric_line
from rtp_analyzer.quality.opinion import CATEGORIES, good_or_better_percent, mos, poor_or_worse_percent, r_of_mos
from rtp_analyzer.quality.score import listening_mos

_BEARABLE_MOS: Final = 3.6  # the lower limit of "some users dissatisfied" (G.107 Table B.1)


class Reference(NamedTuple):
    """A value computed independently of this code, with T = Ta and Tr = 2 Ta."""

    scale: ScaleName
    codec: str
    ie: float
    bpl: float
    loss_percent: float
    burst_r: float
    delay_ms: float
    r: float
    mos: float


REFERENCES: Final = (
    Reference("nb", "G.711", 0, 25.1, 0, 1, 0, 93.21, 4.409),
    Reference("nb", "G.711", 0, 25.1, 1, 1, 50, 88.12, 4.290),
    Reference("nb", "G.711", 0, 25.1, 5, 1, 100, 74.88, 3.817),
    Reference("nb", "G.711", 0, 25.1, 5, 2, 100, 73.45, 3.755),
    Reference("nb", "G.711", 0, 25.1, 0, 1, 400, 62.25, 3.216),
    Reference("nb", "G.711, no concealment", 0, 4.3, 2, 1, 0, 63.05, 3.256),
    Reference("nb", "G.711, no concealment", 0, 4.3, 100, 1, 0, 2.12, 1.000),
    Reference("nb", "G.729A + VAD", 11, 19.0, 2, 1, 150, 70.54, 3.622),
    Reference("nb", "GSM EFR", 5, 10.0, 3, 1, 200, 60.04, 3.102),
    Reference("wb", "G.711 on the wideband scale", 36, 4.3, 0, 1, 0, 92.85, 3.688),
    Reference("wb", "AMR-WB 12.65, one ear", 13, 4.3, 0, 1, 0, 115.85, 4.334),
    Reference("wb", "AMR-WB 12.65, both ears", 20, 4.3, 2, 1, 200, 78.92, 3.161),
    Reference("wb", "AMR-WB 23.85, both ears", 10, 4.9, 1, 1, 100, 103.11, 4.021),
    Reference("fb", "EVS-SWB 24.4", 7.2, 11.4, 0, 1, 0, 140.80, 4.444),
    Reference("fb", "EVS-SWB 24.4", 7.2, 11.4, 3, 1, 200, 110.29, 3.801),
    Reference("fb", "EVS-SWB 9.6", 22.7, 13.0, 5, 1, 300, 73.09, 2.543),
)

_HEAD: Final = """# What the MOS means

<!-- Generated from services/rtp-analyzer/rtp_analyzer/quality by `make quality-doc`; a test compares. Do not edit. -->

Nobody listens to the calls. The MOS is calculated from what arrived, with the E-model of the ITU-T: `R` begins with
the best that a line can give, each cause takes points away, and a curve turns what is left into a MOS of 1 to 4.5.

    R = Ro - Is - Id - Ie,eff        Ie,eff = Ie + (C - Ie) Ppl / (Ppl / BurstR + Bpl)

`Ie` is what the codec costs without loss and `Bpl` how well it bears loss: the table below. `Ppl` is the loss in
percent, lost in the network or too late to be played. Three decisions are behind every number:

- **Three scales.** A codec is judged by the model of its own bandwidth. A MOS of 4.4 on the narrowband scale is the
  best telephone call, on the wideband scale nearly the best wideband call: they are not the same quality, and are
  never averaged.
- **Listening or conversation.** MOS-LQ says how the voice sounds. MOS-CQ also counts the delay, and exists only where
  a delay is known. The delay goes in as `Ta = T = d` and `Tr = 2 d`, with an echo loss of 65 dB, as the usual
  approximations mean it; a line without any echo would get 4 to 8 points more from 200 ms on. The fullband model of
  2019 has no echo.
- **Bursts.** `BurstR` counts only on the narrowband scale and for codecs whose concealment has a state (Bpl of 16 and
  more, G.113), up to 2; below 2 % loss up to `4 / Ppl`. Beyond that the model is not valid, and more loss would
  improve R.

Left out, because their text was not at hand: background noise and bursts of the fullband edition of 03/2023.
"""

_OTHERS: Final = """
## Beside other tools

MOS of G.711 without delay under random loss, from the formula in the source of each tool, at the version named where
there is one; a test of this page computes every column again. The first two columns are both G.107: "G.711" may mean
a receiver that conceals loss, as today's do and as is assumed here, or one that does not.

| loss % | here | unconcealed | VoIPmonitor | FreeSWITCH | sip-exporter | SIP3 | heplify | sipnab | rtpengine |
|---|---|---|---|---|---|---|---|---|---|
{rows}

| tool | what its source calculates |
|---|---|
| VoIPmonitor 2ec3c37 | every codec as G.711 with Bpl 17.3, its own curve from R to MOS; 4.5 without loss; no delay |
| FreeSWITCH `switch_rtp.c` | R is the percentage of packets that came; no codec, no delay |
| sip-exporter 1d7f9d9 | G.107 with Bpl 10 and the loss as a fraction where the formula wants percent |
| SIP3 `RtprHandler.kt` | G.107 with a Bpl of 4.3 for G.711; loss alone, no discard, no bursts |
| heplify-server | 2.5 points of R for each whole percent lost; no codec |
| sipnab 09ec79a | G.107 with Bpl 10 for every codec (without its delay term, as above) |
| rtpengine e8b8212, default | a parabola in the loss, here with a round trip of 100 ms; rises again above 16 % loss |
| Wireshark, tshark 4.0 | no MOS |
"""


_DELAY: Final = f"""## Delay from mouth to ear

The sound in a packet of the talker, the look-ahead of his codec, the network one way, the mean wait in the de-jitter
buffer, and play-out, of which no packet tells anything and which is taken as {PLAY_OUT_MS:g} ms. The time of computing
is left out. Look-ahead, not verified against the printed texts (AMR at 12.2 kbit/s: none; iLBC in frames of 30 ms: 10):

"""


def document() -> str:
    """The whole page."""
    return "\n".join((_HEAD, _scales(), _categories(), _codecs(), _without(), _delay(), _conformance(), _others()))


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    columns = head.count("|") + 1
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join((f"| {head} |", "|" + "---|" * columns, *lines)) + "\n"


def _scales() -> str:
    rows = (
        (
            scale.name,
            scale.recommendation,
            f"{rate(PacketImpairment(), DEFAULT_LINE, scale).r:.1f}",
            f"{scale.loss_ceiling:g}",
            f"{scale.stretch:g}",
            "yes" if scale.knows_bursts else "no",
        )
        for scale in SCALES.values()
    )
    return "## The scales\n\n" + _table("scale | model | best R | C | MOS is that of R over | BurstR", rows)


def _categories() -> str:
    rows = (
        (
            f"{r:g}",
            f"{mos(r):.2f}",
            f"{good_or_better_percent(r):.0f} %",
            f"{poor_or_worse_percent(r):.0f} %",
            words,
        )
        for r, words in CATEGORIES
    )
    return (
        "## What users say\n\nOf the narrowband R, or of the others over 1.29 and 1.48 (G.107 Annex B, G.109).\n\n"
        + _table("R from | MOS from | good or better | poor or worse | in words", rows)
    )


def _codecs() -> str:
    intro = f"""## The codecs

Grounding: **standard**, both values are printed in ITU-T G.113; **proxy**, at least one is that of a neighbour, so
the MOS is an estimate. "Bears" is the random loss at which the MOS falls to {_BEARABLE_MOS}. Rows marked * were not
verified against the printed table. Codecs of several bitrates get their row from SDP or from the size of their packets,
of which SRTP is taken to fill 10 octets with its tag.

"""
    head = "codec | scale | Ie | Bpl | grounding | MOS without loss | bears % | source and assumption"
    return intro + _table(head, map(_codec, RATED))


def _codec(rating: CodecRating) -> tuple[str, ...]:
    return (
        rating.codec + ("*" if rating.unverified else ""),
        rating.scale,
        f"{rating.ie:g}",
        f"{rating.bpl:g}",
        rating.grounding,
        f"{listening_mos(rating, 0):.2f}",
        f"{bearable_loss_percent(rating, _BEARABLE_MOS):.1f}",
        f"{rating.source}: {rating.assumption}",
    )


def bearable_loss_percent(rating: CodecRating, score: float) -> float:
    """The random loss at which MOS-LQ falls to `score`; 0 where it never reaches it. The rating has values."""
    if rating.ie is None or rating.bpl is None:
        raise ValueError(f"{rating.codec} has no values")
    scale = SCALES[rating.scale]
    best = rate(PacketImpairment(), DEFAULT_LINE, scale).r
    left = best - r_of_mos(score) * scale.stretch
    # G.107 7.5 solved for Ppl
    return max(0.0, rating.bpl * (left - rating.ie) / (scale.loss_ceiling - left))


def _without() -> str:
    reasons = "\n".join(f"- {reason}" for reason in WITHOUT_A_VALUE.values())
    return f"Without a value, hence without a MOS:\n\n{reasons}\n- every codec that is not in the table\n"


def _delay() -> str:
    by_ms: dict[float, list[str]] = {}
    for name, ms in LOOK_AHEAD_MS.items():
        by_ms.setdefault(ms, []).append(name)
    rows = ((f"{ms:g}", ", ".join(names)) for ms, names in sorted(by_ms.items()))
    return _DELAY + _table("ms | codecs", rows)


def _conformance() -> str:
    rows = (
        (
            wanted.scale,
            wanted.codec,
            f"{wanted.ie:g} / {wanted.bpl:g}",
            f"{wanted.loss_percent:g}",
            f"{wanted.burst_r:g}",
            f"{wanted.delay_ms:g}",
            f"{wanted.r:.2f}",
            f"{ours[0]:.2f}",
            f"{wanted.mos:.3f}",
            f"{ours[1]:.3f}",
        )
        for wanted in REFERENCES
        for ours in [computed(wanted)]
    )
    return (
        "## Against the recommendations\n\nReference values that were computed independently of this code.\n\n"
        + _table("scale | codec | Ie / Bpl | loss % | BurstR | delay ms | R | R here | MOS | MOS here", rows)
    )


def computed(wanted: Reference) -> tuple[float, float]:
    """R and MOS of this code for the conditions of a reference."""
    scale = SCALES[wanted.scale]
    packets = PacketImpairment(wanted.ie, wanted.bpl, wanted.loss_percent, 0.0, wanted.burst_r)
    r = rate(packets, symmetric_line(wanted.delay_ms), scale).r
    return r, scale.mos(r)


# VoIPmonitor, FreeSWITCH, sip-exporter, SIP3, heplify, sipnab, rtpengine
_OF_OTHERS: Final = {
    0: "4.50 | 4.50 | 4.41 | 4.41 | 4.40 | 4.41 | 4.3",
    1: "4.09 | 4.49 | 4.39 | 3.83 | 4.35 | 4.18 | 4.1",
    2: "3.93 | 4.48 | 4.37 | 3.26 | 4.29 | 3.92 | 3.9",
    5: "3.59 | 4.44 | 4.30 | 2.17 | 4.04 | 3.18 | 3.3",
    10: "3.28 | 4.34 | 4.16 | 1.48 | 3.50 | 2.35 | 2.5",
    20: "2.99 | 4.02 | 3.80 | 1.12 | 2.21 | 1.60 | 2.4",
    50: "2.63 | 2.58 | 2.47 | 1.00 | 2.61 | 1.10 | 4.5",
}


def _others() -> str:
    rows = (
        f"| {loss} | {listening_mos(G711, loss):.2f} | "
        f"{NARROWBAND.mos(rate(PacketImpairment(loss_percent=loss)).r):.2f} | {others} |"
        for loss, others in _OF_OTHERS.items()
    )
    return _OTHERS.format(rows="\n".join(rows)).lstrip("\n")


if __name__ == "__main__":
    sys.stdout.write(document())
