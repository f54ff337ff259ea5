"""How loss is spread: runs of missing numbers, and the bursts and gaps of RFC 3611 4.7.2, compiled.

A number is judged when it leaves the window of those that may still arrive, so that reordering is no loss. What is
missing in the eyes of a de-jitter buffer is what was lost and what came too late for it.
"""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import LOSSES, MAX_RUN, NETWORK, RUNS, SEEN

GMIN: Final = 16  # RFC 3611 4.7.2, the recommended threshold

_LOSSES: Final = numba.from_dtype(LOSSES)
_RUNS: Final = numba.from_dtype(RUNS)
_VOID: Final = numba.void
_INT: Final = numba.int64


@compiled(_VOID(_RUNS))
def _close_cluster(runs: np.void) -> None:
    """RFC 3611 4.7.2: a cluster of one is a loss within a gap, any other is a burst."""
    if runs["cluster_missing"] >= 2:
        runs["bursts"] += 1
        runs["burst_span"] += runs["cluster_span"]
        runs["burst_missing"] += runs["cluster_missing"]
        if runs["outside"] > 0:
            runs["gaps"] += 1
            runs["gap_span"] += runs["outside"]
        runs["outside"] = 0
    else:
        runs["outside"] += runs["cluster_span"]
    runs["cluster_missing"] = 0
    runs["cluster_span"] = 0


@compiled(_VOID(_RUNS, _INT, numba.boolean))
def _miss(runs: np.void, count: int, in_slice: bool) -> None:
    """The next `count` >= 1 numbers are missing."""
    if runs["cluster_missing"] > 0 and runs["present"] >= GMIN:
        _close_cluster(runs)
    if runs["cluster_missing"] == 0:
        runs["outside"] += runs["present"]
    else:
        runs["cluster_span"] += runs["present"]
    runs["present"] = 0
    runs["cluster_span"] += count
    runs["cluster_missing"] += count
    runs["missing"] += count
    if runs["run"] == 0:
        runs["runs"] += 1
    runs["run"] += count
    if in_slice and runs["slice_run_open"] == 0:
        runs["slice_runs"] += 1
        runs["slice_run_open"] = 1


@compiled(_VOID(_LOSSES, _INT, _INT))
def _find_present(losses: np.void, structure: int, count: int) -> None:
    """The next `count` >= 1 numbers are there."""
    runs = losses["structures"][structure]
    if structure == NETWORK and runs["run"] > 0:
        losses["run_lengths"][min(runs["run"], MAX_RUN) - 1] += 1
    runs["run"] = 0
    runs["slice_run_open"] = 0
    runs["present"] += count


@compiled(_VOID(_LOSSES))
def _tell_present(losses: np.void) -> None:
    if losses["present"] > 0:
        for structure in range(NETWORK + 1):
            _find_present(losses, structure, losses["present"])
        losses["present"] = 0


@compiled(_VOID(_LOSSES, _INT, numba.boolean))
def judge(losses: np.void, known: int, in_slice: bool) -> None:
    """Book the next number of the sequence for good; `known` is its entry in the window."""
    if known == SEEN:
        losses["present"] += 1
        return
    _tell_present(losses)
    lost = known & SEEN == 0
    for structure in range(NETWORK + 1):
        if lost or (structure < NETWORK and known >> structure & 1):
            _miss(losses["structures"][structure], 1, in_slice)
        else:
            _find_present(losses, structure, 1)


@compiled(_VOID(_LOSSES, _INT))
def judge_lost(losses: np.void, count: int) -> None:
    """Book `count` >= 1 lost numbers of the current slice at once."""
    _tell_present(losses)
    for structure in range(NETWORK + 1):
        _miss(losses["structures"][structure], count, True)


@compiled(_VOID(_LOSSES))
def part(losses: np.void) -> None:
    """What follows is no continuation: end runs and clusters, as RFC 3611 4.7.2 does at the end of a session."""
    _tell_present(losses)
    for structure in range(NETWORK + 1):
        _find_present(losses, structure, 0)
        _close_cluster(losses["structures"][structure])


@compiled(_VOID(_LOSSES))
def finish(losses: np.void) -> None:
    """Part, and count the last gap too."""
    part(losses)
    for structure in range(NETWORK + 1):
        runs = losses["structures"][structure]
        runs["outside"] += runs["present"]
        runs["present"] = 0
        if runs["outside"] > 0:
            runs["gaps"] += 1
            runs["gap_span"] += runs["outside"]


@compiled(_VOID(_LOSSES))
def begin_slice(losses: np.void) -> None:
    """Count the runs of another slice."""
    for structure in range(NETWORK + 1):
        runs = losses["structures"][structure]
        runs["slice_runs"] = 0
        runs["slice_run_open"] = 0
