"""One-second slices of a stream rolled up into the rows that are kept. Pure; any order, any repetition, same result.

A row covers five seconds of the clock (its times begin at a multiple of five), so that its place follows from a slice
alone. It remembers which slices it holds: one that is delivered or published a second time changes nothing.
"""

from dataclasses import dataclass, replace

from api.quality import percent
from shared.events import Slice

ROW_S = 5
PLACE_S = 0.1  # slices of one stream begin a second apart, so each has a place of its own in the row
PLACES = 50


@dataclass(frozen=True, slots=True)
class Row:
    """Up to five seconds of one stream; the columns of the table `slices`. Sums, so that rows can be added further."""

    bucket: int  # the row covers [bucket * ROW_S, (bucket + 1) * ROW_S) of epoch time
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

    @property
    def loss_percent(self) -> float | None:
        return percent(self.packets_lost, self.packets_expected)

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
    )


def add(row: Row | None, part: Slice) -> Row:
    """The row with this slice in it; the same row when it already was."""
    single = row_of(part)
    if row is None:
        return single
    if row.places & single.places:
        return row
    later = single if single.places > row.places else row
    return replace(
        row,
        places=row.places | single.places,
        started_at=min(row.started_at, single.started_at),
        duration_s=row.duration_s + single.duration_s,
        packets_expected=row.packets_expected + single.packets_expected,
        packets_received=row.packets_received + single.packets_received,
        packets_lost=row.packets_lost + single.packets_lost,
        duplicates=row.duplicates + single.duplicates,
        reordered=row.reordered + single.reordered,
        bytes_received=row.bytes_received + single.bytes_received,
        jitter_ms=later.jitter_ms,
        jitter_max_ms=max(
            (value for value in (row.jitter_max_ms, single.jitter_max_ms) if value is not None), default=None
        ),
        mos_sum=row.mos_sum + single.mos_sum,
        r_sum=row.r_sum + single.r_sum,
        judged_packets=row.judged_packets + single.judged_packets,
        impaired=row.impaired or single.impaired,
    )
