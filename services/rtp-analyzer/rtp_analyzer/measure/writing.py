"""Slices as the text of `vqm:metrics`, many at once: what `build_slice` makes of each, for a tenth of the time.

A relay writes a slice of every stream every second, so what is the same in the next second is kept, and numbers are
written by compiled code. A test holds both ways against each other, field by field.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.health import Health
from rtp_analyzer.measure.columns import write_progress, write_stretch
from rtp_analyzer.measure.conversation import Aside, to_the_ear
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
from rtp_analyzer.quality.score import conversational
from shared.events import Delay, ImpairedBy, Quality, Value

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
    @property
    def audio(self) -> Health: ...


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

    def write(self, cuts: Sequence[Cut], asides: Sequence[Aside]) -> list[tuple[str, float | None]]:
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
        intervals = write_stretch(table, "interval", scored, ratings, lengths < MIN_SLICE_FOR_MOS_S)
        totals = write_stretch(table, "total", scored, ratings, lengths < 0)
        progress, holds = write_progress(table, scored), _holds(table, scored)
        return [
            _write(*parts) for parts in zip(cuts, known, asides, times, progress, intervals, totals, holds, strict=True)
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


def _holds(table: NDArray[np.void], scored: NDArray[np.int64]) -> Iterator[tuple[float, float]]:
    """How long packets waited in the scored buffer, of the slice and of the stream so far: ms, NaN where unknown."""
    rows = np.arange(len(table))
    simulated = np.where(table["total_judged"] > 0, 1000.0, np.nan)
    columns = (table[f"{stretch}_hold_s"][rows, scored] * simulated for stretch in ("interval", "total"))
    return zip(*(column.tolist() for column in columns), strict=True)


def _write(
    cut: Cut,
    known: _Known,
    aside: Aside,
    time: str,
    progress: str,
    interval: tuple[str, Quality],
    total: tuple[str, Quality],
    holds: tuple[float, float],
) -> tuple[str, float | None]:
    latest, talk = _conversation(cut.slice, cut.context, aside.latest, interval[1], holds[0])
    _, talk_so_far = _conversation(cut.slice, cut.context, aside.mean, total[1], holds[1])
    text = (
        f'{{{known.text},{time},{progress},"interval":{{{interval[0]},"conversational":{talk}}},'
        f'"total":{{{total[0]},"conversational":{talk_so_far}}},"delay":{latest},"remote":{_json(aside.remote)},'
        f'"goodbye":{"true" if aside.goodbye else "false"},"audio":{_json(cut.audio.total)},'
        f'"audio_interval":{_json(cut.audio.slice)},"impaired":{"true" if cut.impaired_by else "false"},'
        f'"impaired_by":{_names(cut.impaired_by)}}}'
    )
    return text, interval[1].mos


def _conversation(
    cut: np.void, context: StreamContext, delay: Delay | None, listening: Quality, held_ms: float
) -> tuple[str, str]:
    """The delay from mouth to ear and the score with it; null where they are not known."""
    if delay is None:
        return "null", "null"
    codec, ptime_ms = context.encoding(int(cut["payload_type"])), float(cut["ptime_ms"])
    known = to_the_ear(delay, codec, None if isnan(ptime_ms) else ptime_ms, None if isnan(held_ms) else held_ms)
    if known is None or known.mouth_to_ear_ms is None:
        return _json(known), "null"
    return _json(known), _json(conversational(listening, known.mouth_to_ear_ms))


def _names(names: tuple[str, ...]) -> str:
    return json.dumps(names) if names else "[]"


def _json(value: Value | None) -> str:
    return "null" if value is None else value.model_dump_json()
