"""Simulated de-jitter buffers. The comments name the capture of the synthetic set that shows the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.playout import ADAPTIVE, ADAPTIVE_MAX_NS, ADAPTIVE_MIN_NS
from rtp_analyzer.measure.state import BUFFERS
from rtp_analyzer.measure.stream import break_segment
from tests.unit.rtp_analyzer.rtp_builders import (
    Arrival,
    cut,
    following,
    later,
    measure,
    new_stream,
    see,
    steady,
    without,
)

FIXED50 = BUFFERS.index("fixed50")
FIXED200 = BUFFERS.index("fixed200")
NS_PER_MS = 1_000_000


def discarded(packets: list[Arrival], depth_ms: float = 50) -> int:
    """How many a fixed buffer of this depth discards."""
    stream = new_stream()
    stream["depth_ns"][FIXED50] = round(depth_ms * NS_PER_MS)
    for packet in packets:
        see(stream, packet)
    return int(cut(stream, packets[-1].at_ms)["total_discarded"][FIXED50])


class TestFixed:
    def test_a_packet_45_ms_late(self) -> None:  # 07
        packets = later(steady(100), {50: 45})

        assert [discarded(packets, depth_ms) for depth_ms in (50, 45, 44, 40)] == [0, 0, 1, 1]

    def test_a_packet_19_ms_late(self) -> None:  # 11
        assert discarded(later(steady(100), {50: 19})) == 0

    def test_arrivals_that_alternate_by_ten(self) -> None:  # 10
        packets = later(steady(100), {i: 10 for i in range(1, 100, 2)})

        assert [discarded(packets, depth_ms) for depth_ms in (10, 9)] == [0, 50]

    def test_reordered_and_in_time_is_nothing(self) -> None:
        assert discarded(later(steady(100), {i: 45 for i in range(0, 100, 5)})) == 0

    def test_jitter_is_no_discard(self) -> None:
        record = measure(later(steady(500), {i: 8.0 * (i * 3 % 7) for i in range(500)}))

        assert record["total_jitter_max_s"] > 0.01
        assert record["total_discarded"].tolist() == [0, 0, 0]

    def test_each_buffer_has_its_own_limit(self) -> None:
        record = measure(later(steady(300), {50: 150, 150: 250, 250: 550}))

        assert record["total_discarded"].tolist() == [3, 2, 3]

    def test_a_duplicate_is_judged_once(self) -> None:
        late = later(steady(100), {50: 60})
        (place,) = (i for i, packet in enumerate(late) if packet.sequence == 1050)

        assert discarded([*late[: place + 1], late[place], *late[place + 1 :]]) == 1

    def test_without_a_clock_rate_nothing_is_judged(self) -> None:
        assert measure(later(steady(100, payload_type=96), {50: 300}))["total_judged"] == 0


class TestTalkspurts:
    def test_a_clock_that_stood_still_starts_the_buffer_anew(self) -> None:  # 14
        before = steady(50)
        after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp + 160, start_ms=3000)

        assert discarded([*before, replace(after[0], marker=True), *after[1:]]) == 0

    def test_so_does_a_marker_after_a_pause_too_short_to_be_a_step(self) -> None:
        before = steady(50)
        after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp + 160, start_ms=1400)

        assert discarded([*before, replace(after[0], marker=True), *after[1:]]) == 0
        assert discarded([*before, *after]) > 0

    def test_a_marker_on_every_packet_hides_nothing(self) -> None:
        packets = [replace(packet, marker=True) for packet in later(steady(100), {50: 60})]

        assert discarded(packets) == 1

    def test_a_timestamp_that_goes_back_is_the_senders(self) -> None:
        before = steady(50)
        after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp - 8 * 300, start_ms=1000)

        assert discarded([*before, *after]) == 0

    def test_a_stall_of_the_network_is_not_taken_for_a_pause(self) -> None:
        # 120 ms of nothing, then all that was held comes at once.
        packets = later(steady(100), {50 + i: 120 - 20 * i for i in range(6)})

        assert discarded(packets) == 4  # 120, 100, 80, 60 ms

    def test_an_event_is_never_discarded(self) -> None:
        before = steady(50)
        event = [Arrival(1000 + 20 * i, 1050 + i, before[-1].timestamp + 160, payload_type=101) for i in range(40)]

        assert discarded([*before, *event]) == 0

    def test_late_noise_is_no_voice_that_is_missing(self) -> None:
        before = steady(50)
        noise = Arrival(1300, 1050, before[-1].timestamp + 160, payload_type=13, payload_bytes=1)

        assert measure([*before, noise])["total_judged"] == 50


class TestSegments:
    def test_the_packet_that_opened_a_segment_is_judged_like_any_other(self) -> None:  # 21
        before = steady(50)
        after = [
            replace(packet, sequence=packet.sequence + 28_950) for packet in following(before[-1], 50, pause_ms=20)
        ]

        record = measure([*before, *later(after, {20: 60})])

        assert record["total_judged"] == record["total_unique"] == 100
        assert record["total_discarded"][FIXED50] == 1

    def test_a_digit_that_opened_a_segment_is_not_judged(self) -> None:
        before = steady(50)
        event = [Arrival(1000 + 20 * i, 40_000 + i, 7, payload_type=101, payload_bytes=4) for i in range(5)]

        assert measure([*before, *event])["total_judged"] == 50

    def test_noise_that_opened_a_segment_is_not_judged(self) -> None:
        before = steady(50)
        noise = Arrival(1000, 40_000, 7, payload_type=13, payload_bytes=1)
        after = steady(50, first_sequence=40_001, first_timestamp=167, start_ms=1020)

        assert measure([*before, noise, *after])["total_judged"] == 100

    def test_another_path_starts_the_buffer_anew(self) -> None:
        stream = new_stream()
        for packet in steady(50):
            see(stream, packet)
        break_segment(stream)
        for packet in steady(50, first_sequence=1050, first_timestamp=58_000, start_ms=1150):
            see(stream, packet)

        assert cut(stream, 3000)["total_discarded"].tolist() == [0, 0, 0]


class TestBase:
    @pytest.mark.parametrize("ppm", [-500, 500])
    def test_an_hour_of_drift_discards_nothing(self, ppm: float) -> None:
        packets = [replace(packet, at_ms=packet.at_ms * (1 + ppm * 1e-6)) for packet in steady(60_000, ptime_ms=60)]

        assert measure(packets)["total_discarded"].tolist() == [0, 0, 0]

    def test_a_longer_path_costs_two_seconds_at_the_most(self) -> None:
        packets = later(steady(1000), {i: 80 for i in range(500, 1000)})

        assert 0 < discarded(packets) <= 100

    def test_a_late_first_packet_sets_the_base_for_a_second_only(self) -> None:
        first_late = later(steady(200), {0: 15})

        assert discarded(later(first_late, {20: 60})) == 0
        assert discarded(later(first_late, {120: 60})) == 1

    def test_one_packet_that_comes_early_makes_no_other_late(self) -> None:
        packets = later(steady(200), {60: -70})

        assert discarded(packets) == 0

    def test_a_shorter_path_is_the_base_after_a_second(self) -> None:
        packets = later(steady(300), {i: -80 for i in range(100, 300)})

        assert discarded(later(packets, {250: 60})) == 1

    def test_an_interrupted_stream_is_judged_on(self) -> None:
        before = steady(50)
        after = later(without(following(before[-1], 100, pause_ms=4000), [0]), {50: 60})

        assert discarded([*before, *after]) == 1


class TestHold:
    def test_a_packet_in_time_waits_the_whole_depth(self) -> None:
        record = measure(steady(40))

        assert record["total_hold_s"].tolist() == pytest.approx([0.05, 0.2, 0.06])

    def test_one_that_comes_later_waits_less(self) -> None:
        record = measure(later(steady(100), {i: 10 for i in range(1, 100, 2)}))

        assert record["total_hold_s"][FIXED50] == pytest.approx(0.045)

    def test_a_discarded_packet_does_not_wait(self) -> None:
        record = measure(later(steady(40), {20: 70}))

        assert record["total_hold_s"][FIXED50] == pytest.approx(0.05)

    def test_without_packets_it_is_unknown(self) -> None:
        assert np.isnan(cut(new_stream(), 1000)["total_hold_s"]).all()


class TestAdaptive:
    def depth_ms(self, packets: list[Arrival]) -> float:
        stream = new_stream()
        for packet in packets:
            see(stream, packet)
        return float(stream["depth_ns"][ADAPTIVE]) / NS_PER_MS

    def test_it_grows_at_once_and_so_loses_one_packet_of_a_stall(self) -> None:
        packets = later(steady(100), {50 + i: 400 - 20 * i for i in range(20)})

        assert measure(packets)["total_discarded"][ADAPTIVE] == 1
        assert self.depth_ms(packets[:60]) == 420

    def test_it_never_exceeds_its_maximum(self) -> None:
        assert self.depth_ms(later(steady(100), {50: 3000})) == ADAPTIVE_MAX_NS / NS_PER_MS

    def test_it_shrinks_slowly_to_its_minimum(self) -> None:
        packets = later(steady(6000), {50: 300})

        depths = [self.depth_ms(packets[:count]) for count in (300, 600, 6000)]

        assert 320 > depths[0] > depths[1] > depths[2]
        assert depths[2] == pytest.approx(ADAPTIVE_MIN_NS / NS_PER_MS, abs=0.01)

    def test_it_stays_above_steady_jitter(self) -> None:
        packets = later(steady(3000), {i: 90.0 * (i % 10 == 0) for i in range(3000)})

        assert measure(packets)["total_discarded"][ADAPTIVE] == 1
        assert self.depth_ms(packets) == pytest.approx(110, abs=1)


@given(st.lists(st.floats(0, 600), min_size=2, max_size=300))
def test_a_deeper_buffer_discards_no_more(delays: list[float]) -> None:
    packets = later(steady(len(delays)), dict(enumerate(delays)))

    record = measure(packets)

    assert record["total_discarded"][FIXED200] <= record["total_discarded"][FIXED50]
    assert (record["total_discarded"] <= record["total_judged"]).all()


@given(st.lists(st.floats(0, 200), min_size=2, max_size=128), st.floats(1, 300))
def test_a_fixed_buffer_does_what_its_definition_says(delays: list[float], depth_ms: float) -> None:
    """Within the first second the base cannot move: discarded iff arrival > t0 + (ts - ts0) / clock + depth."""
    packets = later(steady(len(delays), ptime_ms=1), dict(enumerate(delays)))
    transits_ns = [round(packet.at_ms * NS_PER_MS) - (packet.timestamp - 50_000) * 125_000 for packet in packets]
    late = np.array(transits_ns) - transits_ns[0] > round(depth_ms * NS_PER_MS)

    assert discarded(packets, round(depth_ms * NS_PER_MS) / NS_PER_MS) == late.sum()
