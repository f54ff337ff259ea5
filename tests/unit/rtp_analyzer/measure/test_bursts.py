"""Runs of missing packets, BurstR, and the bursts and gaps of RFC 3611, against what their definitions say."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.bursts import GMIN
from rtp_analyzer.measure.missing import burst_gap, burst_ratio
from rtp_analyzer.measure.state import BUFFERS, NETWORK
from rtp_analyzer.measure.stream import break_segment
from tests.unit.rtp_analyzer.rtp_builders import (
    Arrival,
    cut,
    following,
    later,
    measure,
    measure_slices,
    new_stream,
    see,
    steady,
    without,
)

LATE_MS = 60  # too late for a fixed buffer of 50 ms, in time for the others
FIXED50 = BUFFERS.index("fixed50")
# RFC 3611 4.7.2: 1 received, 0 lost, X discarded. The RFC prints 63 symbols, its text counts 64.
RFC_3611 = "11110111111111111111111X111X1011110111111111111111111X1111111111"


def symbols(text: str, ptime_ms: float = 10) -> list[Arrival]:
    """A stream of such packets."""
    packets = later(
        steady(len(text), ptime_ms=ptime_ms), {i: LATE_MS for i, symbol in enumerate(text) if symbol == "X"}
    )
    lost = {1000 + i for i, symbol in enumerate(text) if symbol == "0"}
    return [packet for packet in packets if packet.sequence not in lost]


def run_lengths(record: np.void) -> list[int]:
    return record["losses"]["run_lengths"].tolist()


def runs(record: np.void, structure: int = NETWORK) -> int:
    return int(record["losses"]["structures"][structure]["runs"])


class TestBurstRatio:
    def test_one_run_of_eight_in_a_hundred(self) -> None:
        record = measure(without(steady(100), range(40, 48)))

        assert burst_ratio(8 / runs(record), 8 / 100) == pytest.approx(7.36)

    def test_ten_single_losses_are_random(self) -> None:
        assert burst_ratio(10 / runs(measure(without(steady(100), range(5, 95, 9)))), 10 / 100) == 1

    def test_the_markov_example(self) -> None:
        # p = 0.01, q = 0.49: 2 % in runs of 1 / q.
        assert burst_ratio(1 / 0.49, 0.02) == pytest.approx(2)

    def test_without_loss_there_is_none(self) -> None:
        assert burst_ratio(None, 0) is None

    def test_all_lost_is_no_burst(self) -> None:
        assert burst_ratio(50, 1) == 1


class TestRuns:
    @pytest.mark.parametrize("length", [1, 2, 9, 10, 63, 64, 127, 128, 129, 500, 2998])
    def test_a_run_has_its_length(self, length: int) -> None:
        record = measure(without(steady(length + 300), range(150, 150 + length)))

        expected = [0] * 10
        expected[min(length, 10) - 1] = 1
        assert run_lengths(record) == expected
        assert record["losses"]["structures"][NETWORK]["missing"] == length

    def test_a_packet_that_comes_late_fills_its_hole(self) -> None:
        record = measure(later(steady(300), {150: 90 * 20, 200: 45}))

        assert (runs(record), run_lengths(record)) == (0, [0] * 10)

    def test_a_late_packet_splits_a_run(self) -> None:
        packets = later(without(steady(300), [100, 101, 103, 104]), {98 + 0: 0})
        (place,) = (i for i, packet in enumerate(packets) if packet.sequence == 1102)

        record = measure(later(packets, {place: 500}))

        assert run_lengths(record)[:4] == [0, 2, 0, 0]

    def test_what_is_missing_at_the_end_of_a_segment_goes_on_in_no_other(self) -> None:
        before = steady(10)
        stream = new_stream()
        for packet in without(before, [7, 8]):
            see(stream, packet)
        break_segment(stream)
        for packet in without(following(before[-1], 10, pause_ms=20), [1]):
            see(stream, packet)

        assert run_lengths(cut(stream, 1000))[:3] == [1, 1, 0]

    def test_discards_are_missing_to_their_buffer_alone(self) -> None:
        record = measure(symbols("1" * 20 + "0X0" + "1" * 20))

        assert [runs(record, structure) for structure in range(NETWORK + 1)] == [1, 2, 2, 2]


class TestBurstsAndGaps:
    """RFC 3611 4.7.2."""

    def test_the_vector_of_the_rfc(self) -> None:
        record = measure(symbols(RFC_3611))

        assert record["total_expected"] - record["total_unique"] == 3
        assert record["total_discarded"][FIXED50] == 3
        told = burst_gap(record, FIXED50)
        assert told is not None
        assert (told.bursts, told.burst_duration_ms, told.gap_duration_ms) == (1, 120, 260)
        assert (told.burst_density, told.gap_density) == pytest.approx((4 / 12, 2 / 52))
        assert [int(256 * density) for density in (told.burst_density or 0, told.gap_density or 0)] == [85, 9]

    @pytest.mark.parametrize(
        ("lost", "bursts", "duration_ms", "density"),
        [
            (range(5, 96, 10), 1, 1820, 10 / 91),  # synth 02
            (range(40, 48), 1, 160, 1.0),  # synth 03
            ([20], 0, None, None),
            ([20, 20 + GMIN + 1], 0, None, None),
            ([20, 20 + GMIN], 1, 20 * (GMIN + 1), 2 / (GMIN + 1)),
        ],
    )
    def test_a_burst_has_less_than_gmin_good_packets_in_a_row(
        self, lost: list[int], bursts: int, duration_ms: float | None, density: float | None
    ) -> None:
        told = burst_gap(measure(without(steady(100), lost)), NETWORK)

        assert told is not None
        assert (told.bursts, told.burst_duration_ms, told.burst_density) == (
            bursts,
            duration_ms,
            density and pytest.approx(density),
        )

    def test_a_session_may_end_in_a_burst(self) -> None:
        told = burst_gap(measure(symbols("1" * 30 + "0011" + "X")), FIXED50)

        assert told is not None
        assert (told.bursts, told.burst_duration_ms, told.gap_duration_ms) == (1, 50, 300)

    def test_before_the_first_packet_there_is_nothing(self) -> None:
        assert burst_gap(cut(new_stream(), 1000), NETWORK) is None

    def test_without_a_known_ptime_there_are_no_durations(self) -> None:
        told = burst_gap(measure(without(steady(40, payload_type=96), [10, 11])), NETWORK)

        assert told is not None
        assert (told.bursts, told.burst_duration_ms, told.gap_duration_ms) == (1, None, None)


def by_definition(text: str) -> tuple[int, int, int, int]:
    """(bursts, their packets, missing in them, gaps): the definition, applied with hindsight."""
    missing = [i for i, symbol in enumerate(text) if symbol != "1"]
    clusters: list[list[int]] = []
    for place in missing:
        if clusters and place - clusters[-1][-1] - 1 < GMIN:
            clusters[-1].append(place)
        else:
            clusters.append([place])
    bursts = [cluster for cluster in clusters if len(cluster) > 1]
    in_burst = {i for burst in bursts for i in range(burst[0], burst[-1] + 1)}
    gaps = sum(not inside for inside, _ in groupby(i in in_burst for i in range(len(text))))
    return len(bursts), len(in_burst), sum(len(burst) for burst in bursts), gaps


@given(
    st.lists(st.sampled_from(["1", "1" * 15, "1" * 16, "1" * 40, "0", "00", "X", "0" * 130]), max_size=25),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_the_state_machine_agrees_with_the_definition(parts: list[str], cuts: list[int]) -> None:
    text = "1" + "".join(parts) + "1"
    packets = symbols(text, ptime_ms=1)

    record = measure_slices(packets, cuts)[-1]

    structure = record["losses"]["structures"][FIXED50]
    # On the way the order changes: what counts is what the buffer was found to discard.
    discarded = int(record["total_discarded"][FIXED50])
    assert structure["missing"] == text.count("0") + discarded
    if discarded == text.count("X"):
        fields = ("bursts", "burst_span", "burst_missing", "gaps")
        assert tuple(int(structure[field]) for field in fields) == by_definition(text)
        assert structure["runs"] == sum(key for key, _ in groupby(symbol != "1" for symbol in text))
    lost_runs = [len(list(group)) for key, group in groupby(text, lambda symbol: symbol == "0") if key]
    assert run_lengths(record) == [sum(min(run, 10) == length for run in lost_runs) for length in range(1, 11)]
