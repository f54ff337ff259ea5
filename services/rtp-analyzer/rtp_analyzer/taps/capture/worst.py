"""The lowest MOS of each stream's slices, from many slices at once: equal ones are judged once."""

from collections.abc import Sequence
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.measure.slices import MIN_SLICE_FOR_MOS_S, NANOSECONDS, StreamContext, interval_measures
from rtp_analyzer.measure.state import SLICE

# These say nothing about the quality of a slice. Everything else does, or may one day.
_NO_QUALITY: Final = frozenset(
    {
        *("ssrc", "clock_rate", "segments", "strays", "steps"),
        *("first_arrival_ns", "last_arrival_ns", "started_ns", "ended_ns", "steady_jitter_s", "steady_jitter_max_s"),
        *("interval_octets", "interval_received", "interval_recovered", "interval_duplicates", "interval_reordered"),
        *("interval_jitter_s", "interval_jitter_max_s"),
    }
)
_JUDGED: Final = tuple(name for name in SLICE.names or () if name not in _NO_QUALITY and not name.startswith("total_"))
_KEY: Final = np.dtype([("formats", np.int64), ("short", np.bool_), *((name, SLICE[name]) for name in _JUDGED)])
_MEMORY: Final = 65_536  # kinds of slices that are remembered


class WorstSlices:
    """`contexts` give the meaning of payload types by the row of their table."""

    def __init__(self, contexts: Sequence[StreamContext]) -> None:
        self._contexts = contexts
        self._known: dict[bytes, float] = {}

    def add(
        self, slices: NDArray[np.void], rows: NDArray[np.int64], flows: NDArray[np.int64], worst: NDArray[np.float64]
    ) -> None:
        """Lower `worst[flows]` to the MOS of these slices; `rows` are the formats of each."""
        keys = np.zeros(len(slices), _KEY)
        keys["formats"] = rows
        keys["short"] = (slices["ended_ns"] - slices["started_ns"]) / NANOSECONDS < MIN_SLICE_FOR_MOS_S
        for name in _JUDGED:
            keys[name] = slices[name]
        # As bytes: numpy would compare records field by field.
        kinds, first, of_kind = np.unique(keys.view(f"V{_KEY.itemsize}"), return_index=True, return_inverse=True)
        scores = [self._score(kind.tobytes(), slices[at], rows[at]) for kind, at in zip(kinds, first, strict=True)]
        np.minimum.at(worst, flows, np.array(scores, np.float64)[of_kind])

    def _score(self, kind: bytes, cut: np.void, row: int) -> float:
        known = self._known.get(kind)
        if known is None:
            quality = interval_measures(cut, self._contexts[row]).quality
            known = inf if quality is None or quality.mos is None else quality.mos
            if len(self._known) < _MEMORY:
                self._known[kind] = known
        return known
