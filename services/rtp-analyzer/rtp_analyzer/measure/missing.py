"""What the structure of missing packets comes to: the burst ratio of the E-model, bursts and gaps. Pure functions."""

from typing import Final

import numpy as np

from rtp_analyzer.measure.bursts import GMIN
from shared.events.metrics import BurstGap

# G.113: a burst ratio other than 1 is for codecs whose concealment has a state.
MIN_BPL_FOR_BURSTS: Final = 16.0
# G.107 Annex A: BurstR up to 2, or larger where less than 2 % is missing.
MAX_BURST_R: Final = 2.0
FEW_MISSING_PERCENT: Final = 2.0


def burst_ratio(expected: int, missing: int, runs: int) -> float | None:
    """BurstR of G.107: mean length of runs of missing packets over that of random loss; None if nothing is missing."""
    if runs == 0:
        return None
    # G.107 3.29 (BurstR): (L / runs) over 1 / (1 - L / N)
    return max(1.0, missing / runs * (1 - missing / expected))


def scored_burst_ratio(burst_r: float | None, bpl: float, missing_percent: float) -> float:
    """The BurstR that the E-model may be told, within the validity of G.107 Annex A and G.113."""
    if burst_r is None or bpl < MIN_BPL_FOR_BURSTS:
        return 1.0
    return burst_r if missing_percent < FEW_MISSING_PERCENT else min(burst_r, MAX_BURST_R)


def burst_gap(cut: np.void, structure: int) -> BurstGap | None:
    """RFC 3611 4.7.2 of a SLICE record, of one of its loss structures; None before the first packet."""
    expected = int(cut["total_expected"])
    if expected == 0:
        return None
    runs = cut["losses"]["structures"][structure]
    bursts, gaps, span = int(runs["bursts"]), int(runs["gaps"]), int(runs["burst_span"])
    ptime_ms = float(cut["ptime_ms"])
    known = not np.isnan(ptime_ms)
    outside = expected - span
    return BurstGap(
        gmin=GMIN,
        bursts=bursts,
        burst_density=int(runs["burst_missing"]) / span if bursts else None,
        gap_density=int(runs["missing"] - runs["burst_missing"]) / outside if outside else None,
        burst_duration_ms=span * ptime_ms / bursts if bursts and known else None,
        gap_duration_ms=outside * ptime_ms / gaps if gaps and known else None,
    )
