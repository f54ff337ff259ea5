"""Round trips between us and a party: measured on a matched report, and on nothing else."""

import pytest

from rtp_analyzer.measure.round_trips import FRESH_NS, KEPT_REFERENCES, Reference, RoundTrips

SECOND_NS = 10**9
UNITS_A_SECOND = 65_536
START_NS = 1_700_000_000 * SECOND_NS
REPORT = Reference("sr", 0xA11CE, 0xB7052000)


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def measured(round_trip_s: float, *, held_s: float = 1.0, sent_s: float = 0.0, reference: Reference = REPORT):
    """Round trips after one report was answered."""
    trips = RoundTrips()
    answer(trips, round_trip_s, held_s=held_s, sent_s=sent_s, reference=reference)
    return trips


def answer(trips, round_trip_s, *, held_s=1.0, sent_s=0.0, reference=REPORT):
    trips.passed(reference, at(sent_s))
    trips.answered(reference, round(held_s * UNITS_A_SECOND), at(sent_s + held_s + round_trip_s))


def test_the_example_of_rfc_3550_takes_6_125_seconds():
    sent, received = 0xB7052000, 0xB7108000  # LSR and A of figure 2, in 1/65536 s
    trips = RoundTrips()
    trips.passed(REPORT, sent * SECOND_NS // UNITS_A_SECOND)

    trips.answered(REPORT, 0x00054000, received * SECOND_NS // UNITS_A_SECOND)

    assert trips.latest_ms(received * SECOND_NS // UNITS_A_SECOND) == pytest.approx(6125, abs=1e-3)


def test_the_resolution_is_that_of_the_answer():
    assert measured(0.123456).latest_ms(at(2)) == pytest.approx(123.456, abs=1000 / UNITS_A_SECOND)


def test_the_clock_of_the_reporter_may_be_anything():
    uptime = Reference("sr", 1, 151_524 << 16)  # seen: a phone whose NTP time counts from its start, in the year 1900

    assert measured(0.08, reference=uptime).mean_ms == pytest.approx(80, abs=0.02)


def test_an_answer_to_a_reference_time_counts_as_one_to_a_report():
    assert measured(0.08, reference=Reference("xr", 1, 7)).mean_ms == pytest.approx(80, abs=0.02)


def test_without_an_answer_nothing_is_known():
    trips = RoundTrips()
    trips.passed(REPORT, at(0))

    assert (trips.latest_ms(at(1)), trips.mean_ms, trips.measured, trips.rejected) == (None, None, 0, 0)


@pytest.mark.parametrize(
    "claimed",
    [
        REPORT._replace(middle=0xB7052001),  # its own time, or that of another call
        REPORT._replace(ssrc=0xB0B),
        REPORT._replace(kind="xr"),
    ],
)
def test_an_answer_to_what_never_went_there_is_rejected(claimed):
    trips = RoundTrips()
    trips.passed(REPORT, at(0))

    trips.answered(claimed, UNITS_A_SECOND, at(1.1))

    assert (trips.mean_ms, trips.rejected) == (None, 1)


def test_a_party_that_had_no_report_yet_claims_nothing():
    trips = RoundTrips()
    trips.passed(REPORT._replace(middle=0), at(0))

    trips.answered(REPORT._replace(middle=0), 0, at(1))

    assert (trips.mean_ms, trips.rejected) == (None, 0)


@pytest.mark.parametrize("units", [0, 1])
def test_a_constant_in_place_of_the_delay_is_rejected(units):
    trips = RoundTrips()
    trips.passed(REPORT, at(0))

    trips.answered(REPORT, units, at(2.5))

    assert (trips.mean_ms, trips.rejected) == (None, 1)


def test_an_answer_from_before_the_report_is_rejected():
    trips = measured(-0.011)

    assert (trips.mean_ms, trips.rejected) == (None, 1)


def test_a_coarse_clock_makes_a_short_way_zero_and_not_negative():
    trips = measured(-0.009)

    assert (trips.mean_ms, trips.rejected) == (0, 0)


def test_a_way_on_which_nobody_can_talk_is_rejected():
    assert measured(10.1).rejected == 1
    assert measured(9.9).mean_ms == pytest.approx(9900, abs=0.02)


def test_a_delay_of_18_hours_is_no_round_trip():
    trips = RoundTrips()
    trips.passed(REPORT, at(0))

    trips.answered(REPORT, 2**32 - 1, at(1))

    assert (trips.mean_ms, trips.rejected) == (None, 1)


def test_one_report_may_be_answered_several_times():
    trips = measured(0.05, held_s=1)

    trips.answered(REPORT, 3 * UNITS_A_SECOND, at(3.07))

    assert trips.latest_ms(at(4)) == pytest.approx(70, abs=0.02)
    assert trips.mean_ms == pytest.approx(60, abs=0.02)
    assert trips.measured == 2


def test_an_answer_that_the_network_doubles_counts_once():
    trips = measured(0.05)

    trips.answered(REPORT, UNITS_A_SECOND, at(4))

    assert (trips.measured, trips.rejected) == (1, 0)
    assert trips.latest_ms(at(4)) == pytest.approx(50, abs=0.02)


def test_a_report_whose_time_stands_still_measures_nothing():
    trips = RoundTrips()
    trips.passed(REPORT, at(0))
    trips.passed(REPORT, at(5))

    trips.answered(REPORT, UNITS_A_SECOND, at(6.05))

    assert (trips.mean_ms, trips.rejected) == (None, 1)


def test_an_old_round_trip_tells_nothing_of_now_but_of_the_call():
    trips = measured(0.05)
    answered_ns = at(1.05)

    assert trips.latest_ms(answered_ns + FRESH_NS) == pytest.approx(50, abs=0.02)
    assert trips.latest_ms(answered_ns + FRESH_NS + 1) is None
    assert trips.mean_ms == pytest.approx(50, abs=0.02)


def test_a_flood_of_reports_is_remembered_to_its_last_ones():
    trips = RoundTrips()
    for number in range(1, 10_001):
        trips.passed(REPORT._replace(middle=number), at(number / 1000))

    trips.answered(REPORT._replace(middle=10_000 - KEPT_REFERENCES), UNITS_A_SECOND, at(12))
    trips.answered(REPORT._replace(middle=10_000 - KEPT_REFERENCES + 1), UNITS_A_SECOND, at(12))

    assert (trips.measured, trips.rejected) == (1, 1)
