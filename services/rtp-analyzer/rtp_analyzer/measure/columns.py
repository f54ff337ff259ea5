"""The members of slices as JSON, a row a stream: what `slices.py` makes of one record, of a table of them at once."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.measure.bursts import GMIN
from rtp_analyzer.measure.numbers import members
from rtp_analyzer.measure.slices import (
    MAX_CUMULATIVE_LOST,
    MIN_PACKETS_FOR_MOS,
    TOO_SHORT,
    Stretch,
    quality,
)
from rtp_analyzer.measure.state import BUFFERS
from rtp_analyzer.quality.codecs import CodecRating
from shared.events import Quality

Columns = dict[str, NDArray[np.generic]]
Numbers = NDArray[np.float64]


class _Score(NamedTuple):
    """A score, and what is written of it."""

    quality: Quality
    text: str
    mos_text: str


def write_progress(table: NDArray[np.void], scored: NDArray[np.int64]) -> list[str]:
    """The members of `slices.progress`; `scored`: which buffer's losses are shown."""
    losses = table["losses"]
    structures = losses["structures"][np.arange(len(table)), scored]
    ptime_ms, span, outside = table["ptime_ms"], structures["burst_span"], structures["gap_span"]
    bursts_and_gaps = members(
        {
            "gmin": np.full(len(table), GMIN),
            "bursts": structures["bursts"],
            "burst_density": structures["burst_missing"] / _or_nan(span),
            "gap_density": (structures["missing"] - structures["burst_missing"]) / _or_nan(outside),
            "burst_duration_ms": span * ptime_ms / _or_nan(structures["bursts"]),
            "gap_duration_ms": outside * ptime_ms / _or_nan(structures["gaps"]),
        }
    )
    others = members(
        {
            "drift_ppm": 0.0 - table["drift"] * 1e6,
            "delta_max_ms": table["delta_max_s"] * 1000,
            "events_received": table["events"],
            "comfort_noise_received": table["comfort_noise"],
            "timestamp_steps": table["steps"],
        }
    )
    return [
        f'"burst_gap":{f"{{{gap}}}" if seen else "null"},"loss_runs":[{",".join(map(str, runs))}],{other}'
        for gap, seen, runs, other in zip(
            bursts_and_gaps, (span + outside).tolist(), losses["run_lengths"].tolist(), others, strict=True
        )
    ]


def write_stretch(
    table: NDArray[np.void],
    stretch: Stretch,
    scored: NDArray[np.int64],
    ratings: Sequence[CodecRating],
    short: NDArray[np.bool_],
) -> Iterator[tuple[str, Quality]]:
    """The members of `Measures` of each stream but the conversation's score; `short`: too short a stretch for any."""
    rows = np.arange(len(table))
    expected = table[f"{stretch}_expected"]
    lost = expected - table[f"{stretch}_unique"]
    discarded = table[f"{stretch}_discarded"]
    burst_r = _burst_ratios(table, stretch, expected, lost[:, None] + discarded)
    simulated = table["total_judged"] > 0
    numbers = members(
        _counted(table, stretch) | _scored(discarded[rows, scored], expected, simulated, burst_r[rows, scored])
    )
    buffers = [_buffer(table, stretch, buffer) for buffer in range(len(BUFFERS))]
    burst_rs = np.nan_to_num(burst_r, nan=1.0).tolist()
    counts = zip(expected.tolist(), lost.tolist(), discarded.tolist(), burst_rs, short.tolist(), strict=True)
    for row, (sent, gone, late, ratios, brief) in enumerate(counts):
        scores = [_score(ratings[row], sent, gone, *each, brief) for each in zip(late, ratios, strict=True)]
        score, text, _ = scores[scored[row]]
        outcomes = "null"
        if simulated[row]:
            written = (
                f'{{"name":"{name}",{buffers[buffer][row]},"mos":{scores[buffer].mos_text}}}'
                for buffer, name in enumerate(BUFFERS)
            )
            outcomes = f"[{','.join(written)}]"
        name = f'"{BUFFERS[scored[row]]}"' if simulated[row] else "null"
        yield f'{numbers[row]},"scored_buffer":{name},"buffers":{outcomes},"quality":{text}', score


def _or_nan(counts: NDArray[np.generic]) -> Numbers:
    """To divide by: NaN in place of 0."""
    divisors: Numbers = np.where(counts == 0, np.nan, counts.astype(np.float64))
    return divisors


def _burst_ratios(
    table: NDArray[np.void], stretch: Stretch, expected: NDArray[np.int64], missing: NDArray[np.int64]
) -> Numbers:
    """`missing.burst_ratio` for each buffer."""
    structures = table["losses"]["structures"][:, : len(BUFFERS)]
    runs = structures["slice_runs" if stretch == "interval" else "runs"]
    in_runs = missing if stretch == "interval" else structures["missing"]
    ratios: Numbers = np.fmax(1.0, in_runs / _or_nan(runs) * (1 - missing / _or_nan(expected)[:, None]))
    ratios[runs == 0] = np.nan
    return ratios


def _counted(table: NDArray[np.void], stretch: Stretch) -> Columns:
    expected, received = table[f"{stretch}_expected"], table[f"{stretch}_received"]
    lost = expected - table[f"{stretch}_unique"]
    variation_ms = table[f"{stretch}_variation_s"] * 1000
    return {
        "packets_expected": expected,
        "packets_received": received,
        "packets_lost": lost,
        "cumulative_lost": np.clip(expected - received, -MAX_CUMULATIVE_LOST - 1, MAX_CUMULATIVE_LOST),
        "loss_percent": 100 * lost / _or_nan(expected),
        "duplicates": table[f"{stretch}_duplicates"],
        "reordered": table[f"{stretch}_reordered"],
        "bytes_received": table[f"{stretch}_octets"],
        "jitter_ms": table[f"{stretch}_jitter_s"] * 1000,
        "jitter_max_ms": table[f"{stretch}_jitter_max_s"] * 1000,
        "pdv_p50_ms": variation_ms[:, 0],
        "pdv_p95_ms": variation_ms[:, 1],
        "pdv_p99_ms": variation_ms[:, 2],
    }


def _scored(
    discarded: NDArray[np.int64], expected: NDArray[np.int64], simulated: NDArray[np.bool_], burst_r: Numbers
) -> Columns:
    known = np.where(simulated, discarded, np.nan)
    return {"packets_discarded": known, "discard_percent": 100 * known / _or_nan(expected), "burst_r": burst_r}


def _buffer(table: NDArray[np.void], stretch: Stretch, buffer: int) -> list[str]:
    """The members of `BufferOutcome` but for its name and MOS."""
    discarded = table[f"{stretch}_discarded"][:, buffer]
    return members(
        {
            "packets_discarded": discarded,
            "discard_percent": 100 * discarded / _or_nan(table[f"{stretch}_expected"]),
            "hold_ms": table[f"{stretch}_hold_s"][:, buffer] * 1000,
        }
    )


def _score(rating: CodecRating, expected: int, lost: int, discarded: int, burst_r: float, short: bool) -> _Score:
    # How many packets there were matters only where some are missing: most streams share one score.
    judged = expected if lost or discarded else min(expected, MIN_PACKETS_FOR_MOS)
    return _scored_alike(rating, judged, lost, discarded, burst_r, short)


@lru_cache(maxsize=8192)
def _scored_alike(rating: CodecRating, expected: int, lost: int, discarded: int, burst_r: float, short: bool) -> _Score:
    score = quality(rating, expected, lost, discarded, burst_r)
    if short and score.mos is not None:
        score = TOO_SHORT
    return _Score(score, score.model_dump_json(), json.dumps(score.mos))
