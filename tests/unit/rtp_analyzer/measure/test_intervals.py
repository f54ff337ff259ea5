"""Slices of a stream: what belongs to which, and that they add up to the whole whatever the network does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.state import NETWORK
from tests.unit.rtp_analyzer.rtp_builders import (
    Arrival,
    cut,
    later,
    lost,
    measure,
    measure_slices,
    new_stream,
    see,
    steady,
    twice,
    without,
)

COUNTS = ("expected", "received", "unique", "duplicates", "reordered", "octets")


def total(slices: list[np.void], field: str) -> int:
    """The sum of an interval count over all slices."""
    return sum(int(piece[f"interval_{field}"]) for piece in slices)


def check_slices_add_up(slices: list[np.void]) -> None:
    """Nothing is counted twice or not at all, and nothing is negative."""
    last = slices[-1]
    for field in ("expected", "received", "duplicates", "reordered", "octets", "judged"):
        assert total(slices, field) == last[f"total_{field}"]
    assert total(slices, "unique") + total(slices, "recovered") == last["total_unique"]
    discarded = sum(piece["interval_discarded"] + piece["interval_recovered_discarded"] for piece in slices)
    assert discarded.tolist() == last["total_discarded"].tolist()
    for piece in slices:
        check_structures(piece)
        assert (piece["interval_discarded"] >= 0).all()
        assert (piece["interval_discarded"] <= piece["interval_unique"]).all()
        assert 0 <= piece["interval_unique"] <= piece["interval_expected"]
        assert 0 <= piece["total_unique"] <= piece["total_expected"]
        assert piece["total_duplicates"] == piece["total_received"] - piece["total_unique"]


def check_structures(piece: np.void) -> None:
    """What is missing in a structure of loss is what was lost and what its buffer discarded; runs are made of it."""
    structures = piece["losses"]["structures"]
    discarded = [*piece["total_discarded"].tolist(), 0]
    assert structures["missing"].tolist() == [lost(piece) + late for late in discarded]
    assert (structures["runs"] <= structures["missing"]).all()
    assert ((structures["runs"] > 0) == (structures["missing"] > 0)).all()
    assert (structures["burst_missing"] <= structures["missing"]).all()
    assert piece["losses"]["run_lengths"].sum() == structures[NETWORK]["runs"]
    missing = [lost(piece, "interval") + late for late in [*piece["interval_discarded"].tolist(), 0]]
    assert (structures["slice_runs"] <= missing).all()
    assert ((structures["slice_runs"] > 0) == (np.array(missing) > 0)).all()


def test_each_second_has_its_own_loss() -> None:
    packets = without(steady(150), [60, 70, 120])

    slices = measure_slices(packets, [50, 98])

    assert [lost(piece, "interval") for piece in slices] == [0, 2, 1]
    assert [lost(piece) for piece in slices] == [0, 2, 3]
    assert [piece["interval_expected"] for piece in slices] == [50, 50, 50]


def test_a_packet_late_for_its_slice_corrects_the_total_only() -> None:
    packets = later(without(steady(100), [80]), {49: 25})  # 49 arrives behind 50

    slices = measure_slices(packets, [50])

    assert [lost(piece, "interval") for piece in slices] == [1, 1]
    assert [piece["interval_recovered"] for piece in slices] == [0, 1]
    assert lost(slices[-1]) == 1


def test_a_gap_across_the_cut_belongs_to_the_slice_that_saw_its_end() -> None:
    slices = measure_slices(without(steady(100), range(45, 55)), [45])

    assert [lost(piece, "interval") for piece in slices] == [0, 10]


def test_a_second_without_packets_expects_none() -> None:
    stream = new_stream()
    for packet in steady(50):
        see(stream, packet)
    cut(stream, 1000)

    silent = cut(stream, 2000)

    assert [silent[f"interval_{field}"] for field in COUNTS] == [0] * len(COUNTS)
    assert np.isnan(silent["interval_jitter_s"])
    assert silent["total_expected"] == 50


def test_a_slice_begins_where_the_last_ended() -> None:
    stream = new_stream()

    first, second = cut(stream, 1000), cut(stream, 2500)

    assert first["ended_ns"] == second["started_ns"]
    assert second["ended_ns"] - second["started_ns"] == 1_500_000_000


def test_the_highest_jitter_is_that_of_the_slice() -> None:
    slices = measure_slices(later(steady(150), {20: 19}), [50, 100])

    highest = [float(piece["interval_jitter_max_s"]) * 1000 for piece in slices]
    assert highest[0] == pytest.approx(2.301, abs=5e-4)
    assert highest[0] > highest[1] > highest[2] > 0
    assert slices[2]["total_jitter_max_s"] == slices[0]["interval_jitter_max_s"]


def test_a_restart_does_not_disturb_the_slices() -> None:
    packets = [*steady(60), *steady(60, first_sequence=40_000, start_ms=1200)]

    slices = measure_slices(packets, [50, 61, 100])

    assert [piece["interval_expected"] for piece in slices] == [50, 10, 40, 20]
    check_slices_add_up(slices)


def test_a_first_packet_that_comes_after_the_cut_is_expected_then() -> None:
    packets = later(steady(10), {0: 50})

    slices = measure_slices(packets, [2])

    assert [piece["interval_expected"] for piece in slices] == [2, 8]
    check_slices_add_up(slices)


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Arrival], list[Arrival], list[int]]:
    """(sent, arrived, cuts): what a network that loses, repeats and reorders by less than 99 packets may do."""
    count = draw(st.integers(2, 400))
    sent = steady(count, first_sequence=draw(st.integers(0, 65_535)), first_timestamp=draw(st.integers(0, 2**32 - 1)))
    indices = st.sets(st.integers(0, count - 1), max_size=40)
    arrived = without(twice(sent, draw(indices)), draw(indices))
    delays = draw(st.dictionaries(st.integers(0, count - 1), st.floats(0, 20 * 48), max_size=30))
    arrived = later(arrived, delays) or sent[:1]
    return sent, arrived, draw(st.lists(st.integers(0, len(arrived) - 1), max_size=6))


@given(journeys())
def test_what_arrived_is_what_is_counted(journey: tuple[list[Arrival], list[Arrival], list[int]]) -> None:
    sent, arrived, cuts = journey
    place = {packet.sequence: i for i, packet in enumerate(sent)}
    places = [place[packet.sequence] for packet in arrived]

    slices = measure_slices(arrived, cuts)

    record = slices[-1]
    assert record["total_received"] == len(places)
    assert record["total_unique"] == len(set(places))
    assert record["total_expected"] == max(places) - min(places) + 1
    assert record["segments"] == 1
    check_slices_add_up(slices)


@given(journeys())
def test_slicing_changes_no_total(journey: tuple[list[Arrival], list[Arrival], list[int]]) -> None:
    _, arrived, cuts = journey

    sliced, whole = measure_slices(arrived, cuts)[-1], measure(arrived)

    for field in (*COUNTS, "jitter_s", "jitter_max_s"):
        np.testing.assert_equal(sliced[f"total_{field}"], whole[f"total_{field}"])


@given(journeys())
def test_slicing_changes_no_structure_and_no_buffer(journey: tuple[list[Arrival], list[Arrival], list[int]]) -> None:
    _, arrived, cuts = journey

    sliced, whole = measure_slices(arrived, cuts)[-1], measure(arrived)

    for field in ("missing", "runs", "bursts", "burst_span", "burst_missing", "gaps"):
        np.testing.assert_equal(sliced["losses"]["structures"][field], whole["losses"]["structures"][field])
    for field in ("total_discarded", "total_hold_s", "total_variation_s", "drift", "delta_max_s"):
        np.testing.assert_equal(sliced[field], whole[field])


@given(st.integers(2, 300), st.sets(st.integers(0, 299)), st.dictionaries(st.integers(0, 299), st.floats(0, 39)))
def test_copies_and_reordering_in_time_lose_and_discard_nothing(
    count: int, copied: set[int], delays: dict[int, float]
) -> None:
    record = measure(later(twice(steady(count), copied), delays))

    assert (lost(record), record["total_discarded"].tolist()) == (0, [0, 0, 0])
    assert record["losses"]["structures"]["runs"].tolist() == [0, 0, 0, 0]


garbage = st.builds(
    Arrival,
    at_ms=st.floats(-1e9, 1e9),
    sequence=st.integers(0, 65_535) | st.integers(0, 200),
    timestamp=st.integers(0, 2**32 - 1),
    payload_type=st.sampled_from([0, 8, 13, 96, 101, 111]),
    marker=st.booleans(),
    payload_bytes=st.integers(0, 65_000),
)


@given(st.lists(garbage, min_size=1, max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_no_packet_whatever_it_says_breaks_the_sums(packets: list[Arrival], cuts: list[int]) -> None:
    slices = measure_slices(packets, cuts)

    check_slices_add_up(slices)
    last = slices[-1]
    assert last["total_received"] + last["strays"] == len(packets)
    assert np.isnan(last["total_jitter_s"]) or 0 <= last["total_jitter_s"] <= last["total_jitter_max_s"] < 10
