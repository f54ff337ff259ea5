"""One-second slices of a stream rolled up into the rows that are kept. Pure; any order, any repetition, same result.

A row covers five seconds of the clock (its times begin at a multiple of five), so that its place follows from a slice
alone. It remembers which slices it holds: one that is delivered or published a second time changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import attrgetter, or_
from types import MappingProxyType
from typing import NamedTuple

from api.quality import percent
from shared.events import Measures, Slice

ROW_S = 5
MINUTE_ROWS = 12  # rows of a minute, which is what is kept later on
PLACE_S = 0.1  # slices of one stream begin a second apart, so each has a place of its own in the row
PLACES = 50
ALL_PLACES = (1 << PLACES) - 1

Join = Callable[[float, float], float]


def _sum(one: float, other: float) -> float:
    return one + other


# Measures beside the columns, kept as one JSON text, and how those of two slices become one. Of what has no value on a
# longer stretch (a percentile, a ratio) the worst second is kept.
DETAILS: Mapping[str, Join] = {
    "packets_discarded": _sum,
    "burst_r": max,
    "pdv_p50_ms": max,
    "pdv_p95_ms": max,
    "pdv_p99_ms": max,
}
_MEASURED = tuple(name for name in DETAILS if name in Measures.model_fields)


class Row(NamedTuple):
    """A stretch of one stream; the columns of the table `slices`. Sums, so that rows can be added further. There is one
    for each slice, and a tuple is the cheapest frozen value."""

    bucket: int  # the row begins at bucket * ROW_S of epoch time, and covers ROW_S seconds or a minute
    places: int  # bit n: a slice that begins in the n-th tenth of a second of the row is in it
    started_at: float
    duration_s: float
    packets_expected: int
    packets_received: int
    packets_lost: int
    duplicates: int
    reordered: int
    bytes_received: int
    jitter_ms: float | None
    jitter_max_ms: float | None
    mos_sum: float  # weighted by packets expected, as is r_sum
    r_sum: float
    judged_packets: int
    impaired: bool
    details: Mapping[str, float] = MappingProxyType({})

    @property
    def loss_percent(self) -> float | None:
        return percent(self.packets_lost, self.packets_expected)

    @property
    def discard_percent(self) -> float | None:
        discarded = self.details.get("packets_discarded")
        return None if discarded is None else percent(int(discarded), self.packets_expected)

    @property
    def mos(self) -> float | None:
        return self.mos_sum / self.judged_packets if self.judged_packets else None

    @property
    def r_factor(self) -> float | None:
        return self.r_sum / self.judged_packets if self.judged_packets else None


def bucket_of(part: Slice) -> int:
    """Which row a slice belongs to."""
    return int(part.started_at // ROW_S)


def row_of(part: Slice) -> Row:
    """A row that holds this slice alone."""
    bucket = bucket_of(part)
    place = min(PLACES - 1, int((part.started_at - bucket * ROW_S) / PLACE_S))
    interval, quality = part.interval, part.interval.quality
    judged = quality is not None and quality.mos is not None and quality.r_factor is not None
    weight = interval.packets_expected if judged else 0
    return Row(
        bucket=bucket,
        places=1 << place,
        started_at=part.started_at,
        duration_s=part.duration_s,
        packets_expected=interval.packets_expected,
        packets_received=interval.packets_received,
        packets_lost=interval.packets_lost,
        duplicates=interval.duplicates,
        reordered=interval.reordered,
        bytes_received=interval.bytes_received,
        jitter_ms=interval.jitter_ms,
        jitter_max_ms=interval.jitter_max_ms,
        mos_sum=weight * quality.mos if quality and quality.mos else 0.0,
        r_sum=weight * quality.r_factor if quality and quality.r_factor else 0.0,
        judged_packets=weight,
        impaired=part.impaired,
        details=_details_of(interval),
    )


def add(known: Row | None, singles: Iterable[Row]) -> Row:
    """The row with these rows of one slice each in it; the very same row when it had them already. Without a known row
    there is at least one slice."""
    held = known.places if known else 0
    taken = [known] if known else []
    for single in singles:
        if not held & single.places:
            held |= single.places
            taken.append(single)
    return taken[0] if len(taken) == 1 else together(taken)


def minutes(rows: Iterable[Row]) -> list[Row]:
    """Rows of five seconds as rows of a minute of the clock."""
    parts: dict[int, list[Row]] = {}
    for row in rows:
        parts.setdefault(row.bucket // MINUTE_ROWS, []).append(row)
    found = []
    for minute, members in parts.items():
        whole = together(sorted(members, key=lambda row: row.bucket))
        found.append(whole._replace(bucket=minute * MINUTE_ROWS, places=ALL_PLACES))
    return found


def together(rows: list[Row]) -> Row:
    """One row of several that hold different slices. Of equal buckets the order does not matter."""
    last = max(rows, key=_age)
    columns = list(zip(*rows, strict=True))
    (
        bucket,
        places,
        started_at,
        duration_s,
        *counts,
        _jitter_ms,
        jitter_max_ms,
        mos_sum,
        r_sum,
        judged,
        impaired,
        details,
    ) = columns
    values = (
        bucket[0],
        reduce(or_, places),
        min(started_at),
        sum(duration_s),
        *(sum(count) for count in counts),
        last.jitter_ms,
        max((value for value in jitter_max_ms if value is not None), default=None),
        sum(mos_sum),
        sum(r_sum),
        sum(judged),
        any(impaired),
        _together([each for each in details if each]),
    )
    return Row._make(values)


_age = attrgetter("bucket", "places")


def _details_of(interval: Measures) -> Mapping[str, float]:
    found = {name: getattr(interval, name) for name in _MEASURED}
    return {name: value for name, value in found.items() if value is not None}


def _together(details: list[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in details:
        for name, value in each.items():
            found[name] = DETAILS[name](found[name], value) if name in found else value
    return found
