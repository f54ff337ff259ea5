"""Slices as the text of `vqm:metrics`, many at once: what `build_slice` makes of each, for a tenth of the time.

A relay writes a slice of every stream every second, so what is the same in the next second is kept, and numbers are
written by compiled code. A test holds both ways against each other, field by field.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.measure.numbers import members
from rtp_analyzer.measure.slices import (
    MAX_CUMULATIVE_LOST,
    MIN_PACKETS_FOR_MOS,
    MIN_SLICE_FOR_MOS_S,
    NANOSECONDS,
    SHORTEST_SLICE_S,
    TOO_SHORT,
    StreamContext,
    describe,
    quality,
    rating_for,
)
from rtp_analyzer.measure.state import SLICE
from rtp_analyzer.quality.codecs import CodecRating
from shared.events import ImpairedBy

Columns = dict[str, NDArray[np.generic]]
Identity = tuple[int, int, int, float, float]
# The columns of an Identity.
_IDENTIFYING: Final = ("ssrc", "payload_type", "clock_rate", "ptime_ms", "voice_octets_mean")


class Cut(Protocol):
    """One stream at one moment: its SLICE record, and whose it is. `slot` stays while the stream lives."""

    @property
    def slot(self) -> int: ...
    @property
    def slice(self) -> np.void: ...
    @property
    def context(self) -> StreamContext: ...
    @property
    def impaired_by(self) -> tuple[ImpairedBy, ...]: ...


@dataclass(frozen=True, slots=True)
class _Known:
    """What was written of a stream the last time, and from what."""

    context: StreamContext
    seen: Identity
    text: str
    rating: CodecRating


class SliceWriter:
    """Writes the slices of the streams of one relay; a stream is known by its slot."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def write(self, cuts: Sequence[Cut]) -> list[tuple[str, float | None]]:
        """Of each cut its slice as JSON, and the MOS of its interval for who looks for the worst."""
        table = np.array([cut.slice for cut in cuts], SLICE)
        lengths = (table["ended_ns"] - table["started_ns"]) / NANOSECONDS
        times = members(
            {"started_at": table["started_ns"] / NANOSECONDS, "duration_s": np.maximum(lengths, SHORTEST_SLICE_S)}
        )
        stretches = [_stretch(table, "interval", lengths < MIN_SLICE_FOR_MOS_S), _stretch(table, "total", lengths < 0)]
        written = []
        seen = zip(*(table[name].tolist() for name in _IDENTIFYING), strict=True)
        for cut, identity, time, (interval, judged), (total, judged_total) in zip(
            cuts, seen, times, *stretches, strict=True
        ):
            known = self._identity(cut, identity)
            quality, mos = _verdict(known.rating, *judged)
            quality_total, _ = _verdict(known.rating, *judged_total)
            text = (
                f'{{{known.text},{time},"interval":{{{interval},"quality":{quality}}},'
                f'"total":{{{total},"quality":{quality_total}}},"impaired":{"true" if cut.impaired_by else "false"},'
                f'"impaired_by":{json.dumps(cut.impaired_by)}}}'
            )
            written.append((text, mos))
        return written

    def forget(self, slot: int) -> None:
        """The stream has ended."""
        self._known.pop(slot, None)

    def _identity(self, cut: Cut, seen: Identity) -> _Known:
        known = self._known.get(cut.slot)
        if known is None or known.context is not cut.context or known.seen != seen:
            text = json.dumps(describe(cut.slice, cut.context))[1:-1]
            known = _Known(cut.context, seen, text, rating_for(cut.slice, cut.context))
            self._known[cut.slot] = known
        return known


def _stretch(
    table: NDArray[np.void], stretch: str, short: NDArray[np.bool_]
) -> Iterator[tuple[str, tuple[int, int, bool]]]:
    """The members of `Measures` but for the quality, and what that is judged by."""
    columns = _measures(table, stretch)
    counts = (columns["packets_expected"].tolist(), columns["packets_lost"].tolist(), short.tolist())
    return zip(members(columns), zip(*counts, strict=True), strict=True)


def _measures(table: NDArray[np.void], stretch: str) -> Columns:
    """The numbers of `Measures` under their names, a row a stream."""
    expected, received = table[f"{stretch}_expected"], table[f"{stretch}_received"]
    lost = expected - table[f"{stretch}_unique"]
    with np.errstate(invalid="ignore"):
        loss_percent = 100 * lost / np.where(expected > 0, expected, np.nan)
    return {
        "packets_expected": expected,
        "packets_received": received,
        "packets_lost": lost,
        "cumulative_lost": np.clip(expected - received, -MAX_CUMULATIVE_LOST - 1, MAX_CUMULATIVE_LOST),
        "loss_percent": loss_percent,
        "duplicates": table[f"{stretch}_duplicates"],
        "reordered": table[f"{stretch}_reordered"],
        "bytes_received": table[f"{stretch}_octets"],
        "jitter_ms": table[f"{stretch}_jitter_s"] * 1000,
        "jitter_max_ms": table[f"{stretch}_jitter_max_s"] * 1000,
    }


def _verdict(rating: CodecRating, expected: int, lost: int, short: bool) -> tuple[str, float | None]:
    # How many packets there were matters only where some are missing: most streams share one verdict.
    return _judged(rating, expected if lost else min(expected, MIN_PACKETS_FOR_MOS), lost, short)


@lru_cache(maxsize=8192)
def _judged(rating: CodecRating, expected: int, lost: int, short: bool) -> tuple[str, float | None]:
    verdict = quality(rating, expected, lost)
    if short and verdict.mos is not None:
        verdict = TOO_SHORT
    return verdict.model_dump_json(), verdict.mos
