"""Slices as the text of `vqm:metrics`, many at once: what `build_slice` makes of each, for a tenth of the time.

A relay writes a slice of every stream every second, so what is the same in the next second is kept, and numbers are
written by compiled code. A test holds both ways against each other, field by field.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from rtp_analyzer.measure.columns import write_progress, write_stretch
from rtp_analyzer.measure.numbers import members
from rtp_analyzer.measure.slices import (
    MIN_SLICE_FOR_MOS_S,
    NANOSECONDS,
    SHORTEST_SLICE_S,
    StreamContext,
    describe,
    rating_for,
)
from rtp_analyzer.measure.state import BUFFERS, SLICE
from rtp_analyzer.quality.codecs import CodecRating
from shared.events import ImpairedBy

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
        seen = zip(*(table[name].tolist() for name in _IDENTIFYING), strict=True)
        known = [self._identity(cut, identity) for cut, identity in zip(cuts, seen, strict=True)]
        scored = np.array([BUFFERS.index(cut.context.scored_buffer) for cut in cuts], np.int64)
        ratings = [each.rating for each in known]
        stretches = (
            write_stretch(table, "interval", scored, ratings, lengths < MIN_SLICE_FOR_MOS_S),
            write_stretch(table, "total", scored, ratings, lengths < 0),
        )
        return [
            (
                f'{{{each.text},{time},{so_far},"interval":{{{interval}}},"total":{{{total}}},'
                f'"impaired":{"true" if cut.impaired_by else "false"},"impaired_by":{json.dumps(cut.impaired_by)}}}',
                mos,
            )
            for cut, each, time, so_far, (interval, mos), (total, _) in zip(
                cuts, known, times, write_progress(table, scored), *stretches, strict=True
            )
        ]

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
