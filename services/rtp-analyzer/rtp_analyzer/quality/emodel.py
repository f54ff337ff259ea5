"""The E-models of ITU-T G.107, G.107.1 and G.107.2: from impairments to R on one of three scales. Pure formulas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from rtp_analyzer.quality import fullband, narrowband, opinion, wideband
from rtp_analyzer.quality.line import DEFAULT_LINE, Line

ScaleName = Literal["nb", "wb", "fb"]


class LineTerms(NamedTuple):
    """What R begins with and what the line takes away: nothing of it changes with codec or loss."""

    ro: float
    simultaneous: float
    delay: float
    advantage: float


@dataclass(frozen=True, slots=True)
class Scale:
    """One of the models. R of different scales are different numbers: never compared, never averaged."""

    name: ScaleName
    recommendation: str
    loss_ceiling: float  # what Ie,eff tends to when everything is lost
    stretch: float  # R / stretch is on the narrowband scale of opinions
    knows_bursts: bool  # whether Ie,eff has a BurstR
    line_terms: Callable[[Line], LineTerms]

    def mos(self, r: float) -> float:
        """The mean opinion score of an R on this scale, 1 to 4.5."""
        return opinion.mos(r / self.stretch)


class PacketImpairment(NamedTuple):
    """What codec and packet loss do. `loss_percent` is lost in the network, `discard_percent` too late to be played;
    both of the packets expected, together Ppl. `burst_r` of a scale without one is not read."""

    ie: float = 0.0
    bpl: float = 4.3
    loss_percent: float = 0.0
    discard_percent: float = 0.0
    burst_r: float = 1.0


class Breakdown(NamedTuple):
    """R and its terms: r = ro - simultaneous - delay - codec - loss - burst - discard + advantage."""

    ro: float
    simultaneous: float
    delay: float
    codec: float
    loss: float
    burst: float
    discard: float
    advantage: float
    r: float


@lru_cache(maxsize=256)
def _narrowband(line: Line) -> LineTerms:
    # G.107 7.1
    ro, simultaneous = narrowband.signal_to_noise(line), narrowband.simultaneous(line)
    return LineTerms(ro, simultaneous, narrowband.delay(line), line.advantage)


@lru_cache(maxsize=256)
def _wideband(line: Line) -> LineTerms:
    return LineTerms(wideband.RO, 0.0, wideband.delay(line), 0.0)


@lru_cache(maxsize=256)
def _fullband(line: Line) -> LineTerms:
    return LineTerms(fullband.RO, 0.0, fullband.delay(line), 0.0)


NARROWBAND: Final = Scale("nb", "ITU-T G.107 (06/2015)", 95.0, 1.0, True, _narrowband)
WIDEBAND: Final = Scale("wb", "ITU-T G.107.1 (06/2019)", 95.0, wideband.STRETCH, False, _wideband)
FULLBAND: Final = Scale("fb", "ITU-T G.107.2 (06/2019)", 132.0, fullband.STRETCH, False, _fullband)
SCALES: Final[Mapping[ScaleName, Scale]] = {scale.name: scale for scale in (NARROWBAND, WIDEBAND, FULLBAND)}


def effective_equipment_impairment(
    ie: float, bpl: float, loss_percent: float, burst_r: float = 1.0, ceiling: float = NARROWBAND.loss_ceiling
) -> float:
    """Ie,eff of G.107 7.5 (G.107.1 and G.107.2 alike) for a packet loss Ppl in percent."""
    # G.107 7.5: Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)
    return ie + (ceiling - ie) * loss_percent / (loss_percent / burst_r + bpl)


def rate(packets: PacketImpairment, line: Line = DEFAULT_LINE, scale: Scale = NARROWBAND) -> Breakdown:
    """R of clause 7.1 with its terms. The share of loss is taken first, then what its bursts add, then the discard."""
    ie, bpl, loss_percent, discard_percent, burst_r = packets
    if not scale.knows_bursts:
        burst_r = 1.0
    ceiling = scale.loss_ceiling
    ro, simultaneous, delay, advantage = scale.line_terms(line)
    lost = effective_equipment_impairment(ie, bpl, loss_percent, 1.0, ceiling)
    in_bursts = effective_equipment_impairment(ie, bpl, loss_percent, burst_r, ceiling)
    all_missing = effective_equipment_impairment(ie, bpl, loss_percent + discard_percent, burst_r, ceiling)
    return Breakdown(
        ro=ro,
        simultaneous=simultaneous,
        delay=delay,
        codec=ie,
        loss=lost - ie,
        burst=in_bursts - lost,
        discard=all_missing - in_bursts,
        advantage=advantage,
        # G.107 7.1: R = Ro - Is - Id - Ie,eff + A
        r=ro - simultaneous - delay - all_missing + advantage,
    )
