"""Packet delay variation over the minimum transit (RFC 5481), and the drift of the sender's clock."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.delay_variation import bin_of, value_of
from rtp_analyzer.measure.drift import MIN_SPAN_S
from rtp_analyzer.measure.slices import drift_ppm
from rtp_analyzer.measure.state import BINS
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
)


def variation_ms(record: np.void, stretch: str = "total") -> list[float]:
    return [float(value) * 1000 for value in record[f"{stretch}_variation_s"]]


def drifting(packets: list[Arrival], ppm: float) -> list[Arrival]:
    """The same from a sender whose clock is off by `ppm`: a fast one sends sooner."""
    return [replace(packet, at_ms=packet.at_ms / (1 + ppm * 1e-6)) for packet in packets]


def jittered(count: int, mean_ms: float, seed: int = 5481) -> list[Arrival]:
    """Delays as queues make them: often none, sometimes long."""
    draw = random.Random(seed)
    return later(steady(count), {i: draw.expovariate(1 / mean_ms) for i in range(count)})


class TestPercentiles:
    def test_a_clean_stream_has_none(self) -> None:
        assert variation_ms(measure(steady(500))) == [0, 0, 0]

    def test_half_of_the_packets_ten_late(self) -> None:
        record = measure(later(steady(100), {i: 10 for i in range(1, 100, 2)}))

        assert variation_ms(record) == pytest.approx([0, 10, 10], rel=1 / 32)
        assert variation_ms(record, "interval") == [0, 10, 10]

    def test_the_minimum_may_come_later(self) -> None:
        record = measure(later(steady(100), {i: 30 for i in range(90)}))

        assert variation_ms(record) == pytest.approx([30, 30, 30], rel=1 / 32)

    def test_a_minimum_of_another_minute_counts(self) -> None:
        record = measure(later(steady(6000), {i: 100 for i in range(5000)}))

        assert variation_ms(record) == pytest.approx([100, 100, 100], rel=1 / 16)

    @pytest.mark.parametrize("mean_ms", [0.5, 3, 20, 100])
    def test_they_are_those_of_the_samples(self, mean_ms: float) -> None:
        packets = jittered(4000, mean_ms)
        transits = np.array([packet.at_ms - (packet.timestamp - 50_000) / 8 for packet in packets])
        exact = np.percentile(transits - transits.min(), [50, 95, 99], method="inverted_cdf")

        measured = variation_ms(measure(packets))

        # The bins, and the provisional envelope of the first seconds.
        assert measured == pytest.approx(exact, rel=1 / 16, abs=0.05 + mean_ms / 20)

    def test_a_slice_has_its_own(self) -> None:
        slices = measure_slices(later(steady(150), {i: 20 for i in range(50, 100, 2)}), [50, 100])

        assert [variation_ms(piece, "interval") for piece in slices] == [[0, 0, 0], [0, 20, 20], [0, 0, 0]]

    def test_one_packet_varies_from_nothing(self) -> None:
        assert np.isnan(measure(steady(1))["total_variation_s"]).all()

    def test_an_unknown_clock_rate_tells_nothing(self) -> None:
        assert np.isnan(measure(steady(50, payload_type=96))["total_variation_s"]).all()

    def test_a_pause_of_the_clock_is_no_delay(self) -> None:
        before = steady(100)
        after = steady(100, first_sequence=1100, first_timestamp=before[-1].timestamp + 160, start_ms=4000)

        assert variation_ms(measure([*before, *after])) == [0, 0, 0]

    def test_a_longer_packet_is_no_delay(self) -> None:
        before = steady(200)
        timestamp, at_ms = before[-1].timestamp + 160, before[-1].at_ms
        after = [Arrival(at_ms + 60 * (i + 1), 1200 + i, timestamp + 480 * i) for i in range(200)]

        p50, p95, _ = variation_ms(measure([*before, *after]))

        assert (p50, p95) == (0, 0)


class TestBins:
    @pytest.mark.parametrize("index", range(1, BINS))
    def test_the_middle_of_a_bin_is_in_it(self, index: int) -> None:
        assert bin_of(value_of(index)) == index

    @given(st.floats(0, 2e9))
    def test_a_value_is_known_to_a_thirtieth(self, above_ns: float) -> None:
        assert value_of(bin_of(above_ns)) == pytest.approx(above_ns, rel=1 / 30, abs=2**16)

    @pytest.mark.parametrize("above_ns", [-1e18, -1, 0, 1e18, float("inf")])
    def test_what_fits_nowhere_counts_at_the_end(self, above_ns: float) -> None:
        assert bin_of(above_ns) == (0 if above_ns <= 0 else BINS - 1)


class TestDrift:
    @pytest.mark.parametrize("ppm", [-500, -200, -30, 0, 30, 200, 500])
    def test_it_is_seen_through_jitter(self, ppm: float) -> None:
        packets = sorted(drifting(jittered(3000, mean_ms=3), ppm), key=lambda packet: packet.at_ms)

        assert drift_ppm(float(measure(packets)["drift"])) == pytest.approx(ppm, abs=5)

    def test_a_slow_clock_over_a_minute(self) -> None:  # 20
        record = measure([replace(packet, at_ms=packet.at_ms * 1.0002) for packet in steady(3000)])

        assert drift_ppm(float(record["drift"])) == pytest.approx(-200, abs=0.1)
        assert variation_ms(record) == pytest.approx([0, 0, 0], abs=0.25)

    def test_queues_that_fill_for_most_of_the_time_do_not_hide_it(self) -> None:
        delays = {i: 40.0 for i in range(500, 2500) if i % 100 > 2}
        packets = drifting(later(steady(3000), delays), 100)

        assert drift_ppm(float(measure(packets)["drift"])) == pytest.approx(100, abs=5)

    def test_before_half_a_minute_nobody_knows(self) -> None:
        packets = drifting(steady(1600), 200)

        drifts = [float(measure(packets[: round(seconds * 50)])["drift"]) for seconds in (1, 20, MIN_SPAN_S - 1, 32)]

        assert [drift_ppm(drift) for drift in drifts] == [None, None, None, pytest.approx(200, abs=1)]

    def test_a_queue_that_fills_for_ever_is_no_clock(self) -> None:
        packets = later(steady(3000), {i: i * 20 * 2000e-6 for i in range(3000)})

        assert np.isnan(measure(packets)["drift"])

    def test_what_is_known_survives_a_new_clock(self) -> None:
        before = drifting(steady(2000), 100)
        after = following(before[-1], 100, pause_ms=20)
        after = [replace(packet, timestamp=packet.timestamp - 9_000_000) for packet in after]

        assert drift_ppm(float(measure([*before, *after])["drift"])) == pytest.approx(100, abs=1)

    def test_the_longest_watch_counts(self) -> None:
        before = drifting(steady(3000), 100)
        after = drifting(steady(1700, first_sequence=4000, first_timestamp=9_000_000), 300)
        after = [replace(packet, at_ms=packet.at_ms + before[-1].at_ms + 20) for packet in after]

        assert drift_ppm(float(measure([*before, *after])["drift"])) == pytest.approx(100, abs=1)

    def test_an_envelope_with_a_corner_every_second_stays_bounded(self) -> None:
        # A clock that slows down steadily has no straight envelope at all.
        packets = [replace(packet, at_ms=packet.at_ms + (packet.at_ms / 1000) ** 2 / 500) for packet in steady(10_000)]

        record = measure(packets)

        assert drift_ppm(float(record["drift"])) == pytest.approx(-400, abs=25)


@given(st.lists(st.floats(0, 400), min_size=2, max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_cutting_slices_changes_no_percentile(delays: list[float], cuts: list[int]) -> None:
    packets = later(steady(len(delays)), dict(enumerate(delays)))

    sliced, whole = measure_slices(packets, cuts)[-1], measure(packets)

    assert variation_ms(sliced) == variation_ms(whole)


def test_the_longest_distance_leaves_out_silence() -> None:
    before = steady(50)
    packets = later([*before, *following(before[-1], 50, pause_ms=5000)], {70: 35})

    assert measure(packets)["delta_max_s"] * 1000 == pytest.approx(55 - 20 + 5)


def test_without_two_packets_there_is_no_distance() -> None:
    stream = new_stream()
    see(stream, steady(1)[0])

    assert np.isnan(cut(stream, 20)["delta_max_s"])
