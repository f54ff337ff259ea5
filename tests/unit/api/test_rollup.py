"""Seconds become rows of five without a packet lost or counted twice."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rollup import MINUTE_ROWS, ROW_S, add, bucket_of, minutes, row_of, together
from shared.events import Quality
from shared.testing import measures, slice_of

START = 1_700_000_000.0  # a multiple of five


def second(number: float, expected: int = 50, lost: int = 0, **changes):
    interval = measures(expected, lost, **changes)
    return slice_of(started_at=START + number, interval=interval)


@st.composite
def five_seconds(draw):
    offset = draw(st.floats(min_value=0, max_value=0.99))
    counts = draw(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=5))
    parts = [second(offset + n, max(pair), min(pair), jitter_ms=float(n)) for n, pair in enumerate(counts)]
    return [part for part in parts if part.started_at < START + ROW_S]


@given(five_seconds(), st.data())
def test_order_and_repetition_change_nothing(parts, data):
    repeated = [data.draw(st.sampled_from(parts)) for _ in range(3)]
    shuffled = data.draw(st.permutations([*parts, *repeated]))

    row = reduce(lambda known, part: add(known, [row_of(part)]), shuffled, None)

    assert row is not None
    expected = add(None, [row_of(part) for part in parts])
    assert row.packets_expected == sum(part.interval.packets_expected for part in parts)
    assert row.packets_lost == sum(part.interval.packets_lost for part in parts)
    assert (row.places, row.jitter_ms, row.jitter_max_ms) == (
        expected.places,
        expected.jitter_ms,
        expected.jitter_max_ms,
    )
    assert row.mos_sum == pytest.approx(expected.mos_sum)


def test_a_row_covers_five_seconds_of_the_clock():
    assert [bucket_of(second(number)) - bucket_of(second(0)) for number in (-0.1, 0, 4.9, 5)] == [-1, 0, 0, 1]


def test_loss_of_a_row_is_that_of_its_packets():
    row = add(None, [row_of(second(0, 50, 5)), row_of(second(1, 150, 5))])

    assert row.loss_percent == 5.0


def test_scores_are_weighted_by_packets():
    good = Quality(grounding="standard", mos=4.41, r_factor=93.2)
    bad = Quality(grounding="standard", mos=1.0, r_factor=0.0)

    row = add(None, [row_of(second(0, 30, quality=good)), row_of(second(1, 10, quality=bad))])

    assert row.mos == pytest.approx((30 * 4.41 + 10 * 1.0) / 40)
    assert row.r_factor == pytest.approx(30 * 93.2 / 40)


def test_a_second_without_a_score_does_not_count_towards_it():
    row = add(None, [row_of(second(0)), row_of(second(1, quality=None))])

    assert row.mos == pytest.approx(4.41)
    assert row.packets_expected == 100


def test_without_packets_loss_and_score_are_unknown():
    row = row_of(second(0, 0, quality=None))

    assert row.loss_percent is None
    assert row.mos is None


def test_one_impaired_second_marks_the_row():
    row = add(None, [row_of(second(0)), row_of(second(1).model_copy(update={"impaired": True}))])

    assert row.impaired


def test_a_row_that_has_a_slice_already_stays_the_very_same():
    row = row_of(second(0))

    assert add(row, [row_of(second(0)), row_of(second(0))]) is row


def test_rows_become_minutes_of_the_clock():
    rows = [row_of(second(5 * number, 50, 1, jitter_max_ms=float(number))) for number in range(30)]

    found = minutes(rows)

    assert sum(row.packets_expected for row in found) == 30 * 50
    assert [row.bucket % MINUTE_ROWS for row in found] == [0] * len(found)
    assert max(row.jitter_max_ms or 0 for row in found) == 29
    assert [row.started_at for row in found] == sorted(row.started_at for row in found)


def test_other_measures_are_added_up_or_the_worst_is_kept():
    one = row_of(second(0))._replace(details={"packets_discarded": 3, "pdv_p95_ms": 9.0})
    other = row_of(second(1))._replace(details={"packets_discarded": 2, "pdv_p95_ms": 4.0, "burst_r": 1.5})
    unknown = row_of(second(2))

    row = together([one, other, unknown])

    assert row.details == {"packets_discarded": 5, "pdv_p95_ms": 9.0, "burst_r": 1.5}
    assert row.discard_percent == pytest.approx(100 * 5 / 150)
    assert unknown.discard_percent is None
