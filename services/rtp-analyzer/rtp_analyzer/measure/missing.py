"""What the structure of missing packets comes to: the burst ratio of the E-model, bursts and gaps. Pure functions."""

import numpy as np

from rtp_analyzer.measure.bursts import GMIN
from shared.events.metrics import BurstGap


def burst_ratio(mean_run: float | None, missing_share: float) -> float | None:
    """BurstR of G.107: the mean length of runs of missing packets over that of random loss; None without any."""
    if mean_run is None:
        return None
    # Random loss makes runs of 1 / (1 - L / N).
    return max(1.0, mean_run * (1 - missing_share))


def burst_gap(cut: np.void, structure: int) -> BurstGap | None:
    """RFC 3611 4.7.2 of a SLICE record, of one of its loss structures; None before the first packet."""
    runs = cut["losses"]["structures"][structure]
    bursts, span = int(runs["bursts"]), int(runs["burst_span"])
    gaps, outside = int(runs["gaps"]), int(runs["gap_span"])
    if span + outside == 0:
        return None
    ptime_ms = float(cut["ptime_ms"])
    known = not np.isnan(ptime_ms)
    return BurstGap(
        gmin=GMIN,
        bursts=bursts,
        burst_density=int(runs["burst_missing"]) / span if bursts else None,
        gap_density=int(runs["missing"] - runs["burst_missing"]) / outside if outside else None,
        burst_duration_ms=span * ptime_ms / bursts if bursts and known else None,
        gap_duration_ms=outside * ptime_ms / gaps if gaps and known else None,
    )
