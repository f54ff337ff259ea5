"""The ratios, and the peaks of hours."""

import pytest

from api.kpis import Counts, GoodTime, Measured, hours_of, kpis_of, peaks


def test_nothing_has_counts_of_zero_and_no_ratio():
    found = kpis_of(Measured())

    assert (found.attempts, found.decided, found.established_of, found.mos.n, found.pdd.n) == (0, 0, 0, 0, 0)
    assert found.asr_percent is found.ner_percent is found.ser_percent is found.seer_percent is None
    assert found.acd_s is found.pdd.p50_s is found.pdd.p95_s is None
    assert found.good is None


def test_ratios_are_over_what_is_decided():
    counts = Counts(attempts=12, pending=2, answered=4, delivered=3, recoverable=2, of_the_user=2)

    found = kpis_of(Measured(counts))

    assert (found.asr_percent, found.ner_percent) == (40.0, 70.0)
    assert (found.established_of, found.ser_percent, found.seer_percent) == (8, 50.0, 75.0)


def test_calls_that_go_on_have_no_part_in_the_mean_duration():
    found = kpis_of(Measured(Counts(attempts=3, answered=3, completed=2, talk_s=90.0)))

    assert (found.completed, found.acd_s) == (2, 45.0)


def test_the_share_of_good_time_is_of_what_was_judged():
    assert kpis_of(Measured(judged_s=80.0, good_s=60.0)).good == GoodTime(80.0, 60.0, 75.0)
    assert kpis_of(Measured(judged_s=0.0)).good == GoodTime(0.0, 0.0, None)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [(0.0, 3600.0, [0]), (3599.0, 3601.0, [0, 1]), (7200.0, 7201.0, [2]), (1800.0, 10800.0, [0, 1, 2])],
)
def test_an_interval_has_the_hours_that_it_touches(since, until, hours):
    assert list(hours_of(since, until)) == hours


def test_an_hour_without_a_change_has_the_calls_that_go_on():
    changes = {1: (5, 3), 3: (4, -3)}

    assert peaks(range(5), changes) == {0: 0, 1: 5, 2: 3, 3: 4, 4: 0}
