"""Loss, order and timing of single streams. The comments name the capture of the synthetic set that shows the same."""

from dataclasses import replace

import numpy as np
import pytest

from rtp_analyzer.measure.sequence import (
    DUPLICATE,
    FRESH,
    LATE,
    MAX_DROPOUT,
    MAX_MISORDER,
    RESTARTED,
    STRAY,
    expected,
)
from rtp_analyzer.measure.slices import cumulative_lost
from rtp_analyzer.measure.state import COMFORT_NOISE, EVENT, NO_PAYLOAD_TYPE, SLICE, STREAM
from rtp_analyzer.measure.stream import break_segment, cut_slice, open_stream
from tests.unit.rtp_analyzer.rtp_builders import (
    FORMAT_TABLE,
    SSRC,
    START_NS,
    Arrival,
    cut,
    following,
    later,
    lost,
    measure,
    new_stream,
    see,
    steady,
    twice,
    without,
)

CN = 13


def jitter_ms(record: np.void) -> tuple[float, float]:
    """(last, highest) of the whole stream."""
    return float(record["total_jitter_s"]) * 1000, float(record["total_jitter_max_s"]) * 1000


class TestLoss:
    def test_a_clean_stream_loses_nothing(self) -> None:  # 01
        record = measure(steady(100))

        assert (record["total_expected"], record["total_received"], record["total_unique"]) == (100, 100, 100)
        assert jitter_ms(record) == (0, 0)

    def test_ten_single_losses_are_ten(self) -> None:  # 02
        assert lost(measure(without(steady(100), range(5, 95, 9)))) == 10

    def test_a_burst_of_eight_is_eight(self) -> None:  # 03
        assert lost(measure(without(steady(100), range(40, 48)))) == 8

    def test_every_twentieth_lost_is_five_percent(self) -> None:
        record = measure(without(steady(1000), range(10, 1000, 20)))

        assert (lost(record), record["total_expected"]) == (50, 1000)

    def test_duplicates_are_counted_and_lose_nothing(self) -> None:  # 04
        record = measure(twice(steady(100), range(10, 60, 10)))

        assert (record["total_received"], record["total_duplicates"], lost(record)) == (105, 5, 0)
        assert cumulative_lost(int(record["total_expected"]), int(record["total_received"])) == -5

    def test_duplicates_do_not_hide_loss(self) -> None:  # 05
        packets = without(twice(steady(100), range(10, 60, 10)), range(80, 85))

        record = measure(packets)

        assert lost(record) == 5
        assert cumulative_lost(int(record["total_expected"]), int(record["total_received"])) == 0

    def test_duplicates_stay_out_of_the_jitter(self) -> None:  # 04
        assert jitter_ms(measure(twice(steady(100), range(0, 100, 3)))) == (0, 0)

    def test_a_duplicate_of_an_older_packet_is_one(self) -> None:
        packets = steady(100)
        stream = new_stream()
        for packet in packets:
            see(stream, packet)

        outcomes = [see(stream, packets[100 - back]) for back in (1, 2, 64, 65, 99)]

        assert outcomes == [DUPLICATE] * 5

    @pytest.mark.parametrize("gap", [1, 63, 64, 65, 127, 128, 129, MAX_DROPOUT - 1])
    def test_a_gap_counts_to_the_packet(self, gap: int) -> None:
        assert lost(measure(without(steady(gap + 20), range(10, 10 + gap - 1)))) == gap - 1

    def test_the_sequence_and_the_timestamp_wrap(self) -> None:  # 08
        record = measure(steady(100, first_sequence=65_500, first_timestamp=2**32 - 5000))

        assert (lost(record), record["segments"]) == (0, 1)
        assert jitter_ms(record) == (0, 0)

    def test_loss_survives_the_wrap(self) -> None:  # 09
        record = measure(without(steady(100, first_sequence=65_500, first_timestamp=2**32 - 5000), range(31, 41)))

        assert (lost(record), record["total_expected"]) == (10, 100)

    def test_the_sequence_may_wrap_more_than_once(self) -> None:
        record = measure(steady(66_200, ptime_ms=1, first_sequence=65_000))

        assert (record["total_expected"], lost(record), record["segments"]) == (66_200, 0, 1)

    def test_the_signed_loss_has_24_bits(self) -> None:
        assert cumulative_lost(2**30, 0) == 2**23 - 1
        assert cumulative_lost(0, 2**30) == -(2**23)


class TestOrder:
    def test_the_highest_number_need_not_be_the_last(self) -> None:  # 06
        record = measure(later(steady(100), {98: 30}))

        assert (record["total_expected"], lost(record), record["total_reordered"]) == (100, 0, 1)

    def test_the_first_packets_may_be_swapped(self) -> None:
        record = measure(later(steady(100), {0: 30}))

        assert (record["total_expected"], record["total_unique"], record["total_reordered"]) == (100, 100, 1)

    @pytest.mark.parametrize("first_sequence", [0, 1, 65_535, 30_000])
    def test_a_late_packet_fills_its_hole(self, first_sequence: int) -> None:  # 07
        record = measure(later(steady(100, first_sequence=first_sequence), {50: 45}))

        assert (lost(record), record["total_reordered"], record["total_duplicates"]) == (0, 1, 0)

    def test_a_packet_may_be_late_by_less_than_max_misorder(self) -> None:
        packets = steady(300)
        outcomes = {}
        for back in (MAX_MISORDER - 1, MAX_MISORDER):
            stream = new_stream()
            for packet in without(packets, [299 - back]):
                see(stream, packet)
            outcomes[back] = see(stream, packets[299 - back])

        assert outcomes == {MAX_MISORDER - 1: LATE, MAX_MISORDER: STRAY}

    def test_each_packet_is_told_what_became_of_it(self) -> None:
        packets = steady(5)
        stream = new_stream()

        outcomes = [see(stream, packets[i]) for i in (0, 1, 3, 2, 2, 4)]

        assert outcomes == [RESTARTED, FRESH, FRESH, LATE, DUPLICATE, FRESH]


class TestSegments:
    def test_a_restart_of_the_sender_is_no_loss(self) -> None:  # 21
        before = steady(50)
        after = [
            replace(packet, sequence=packet.sequence + 28_950) for packet in following(before[-1], 50, pause_ms=20)
        ]

        record = measure([*before, *after])

        assert (record["segments"], record["total_expected"], record["total_received"]) == (2, 100, 100)
        assert (lost(record), record["strays"]) == (0, 0)
        assert jitter_ms(record) == (0, 0)

    def test_a_restart_with_new_timestamps_is_no_jitter(self) -> None:
        before = steady(50)
        after = steady(50, first_sequence=40_000, first_timestamp=3_000_000_000, start_ms=before[-1].at_ms + 20)

        assert jitter_ms(measure([*before, *after])) == (0, 0)

    def test_a_jump_of_max_dropout_is_a_new_segment(self) -> None:
        record = measure([*steady(10), *steady(10, first_sequence=1009 + MAX_DROPOUT, start_ms=200)])

        assert (record["segments"], lost(record)) == (2, 0)

    def test_one_packet_that_jumps_is_a_stray(self) -> None:
        packets = steady(100)
        packets.insert(50, replace(packets[50], sequence=40_000, timestamp=7))

        record = measure(packets)

        assert (record["strays"], record["segments"], record["total_received"]) == (1, 1, 100)
        assert jitter_ms(record) == (0, 0)

    def test_a_restart_whose_packets_come_twice_counts_them_as_duplicates(self) -> None:
        before = steady(10)
        after = twice(steady(10, first_sequence=40_000, start_ms=before[-1].at_ms + 20), range(10))

        record = measure([*before, *after])

        assert (record["total_expected"], record["total_received"], record["total_duplicates"]) == (20, 30, 10)
        assert record["strays"] == 0

    def test_a_restart_at_the_wrap_is_found(self) -> None:
        record = measure([*steady(10), *steady(10, first_sequence=65_535, start_ms=200)])

        assert (record["segments"], record["total_expected"], lost(record)) == (2, 20, 0)

    def test_packets_missed_while_media_was_suspended_are_no_loss(self) -> None:
        packets = steady(100)
        stream = new_stream()
        for packet in packets[:40]:
            see(stream, packet)

        break_segment(stream)
        outcomes = [see(stream, packet) for packet in packets[60:]]

        record = cut(stream, 2000)
        assert outcomes[0] == RESTARTED
        assert (record["segments"], record["total_expected"], lost(record)) == (2, 80, 0)


class TestJitter:
    def test_alternating_arrivals_reach_their_amplitude(self) -> None:  # 10
        record = measure(later(steady(100), {i: 10 for i in range(1, 100, 2)}))

        assert jitter_ms(record) == pytest.approx([10 * (1 - (15 / 16) ** 99)] * 2)

    def test_one_packet_19_ms_late_in_order(self) -> None:  # 11
        record = measure(later(steady(100), {50: 19}))

        assert jitter_ms(record)[1] == pytest.approx(19 / 16 * 15 / 16 + 19 / 16)

    def test_one_packet_45_ms_late_and_reordered(self) -> None:  # 07
        record = measure(later(steady(100), {50: 45}))

        assert jitter_ms(record) == pytest.approx((0.2799, 5.4492), abs=5e-5)

    def test_the_order_of_arrival_decides(self) -> None:  # 06
        record = measure(later(steady(100), {98: 25}))

        assert jitter_ms(record) == pytest.approx((25 / 16, 25 / 16))

    def test_a_slow_sender_clock_is_no_jitter(self) -> None:  # 20
        packets = [replace(packet, at_ms=packet.at_ms * 1.0002) for packet in steady(3000)]

        assert jitter_ms(measure(packets)) == pytest.approx((0.004, 0.004), abs=5e-5)

    def test_g722_counts_8000_a_second(self) -> None:  # 15
        record = measure(steady(100, payload_type=9))

        assert (record["clock_rate"], record["ptime_ms"]) == (8000, 20)
        assert jitter_ms(record) == (0, 0)

    def test_opus_counts_48000_a_second(self) -> None:  # 16
        record = measure(steady(100, payload_type=111, clock_rate=48000))

        assert (record["clock_rate"], record["ptime_ms"]) == (48000, 20)
        assert jitter_ms(record) == (0, 0)

    def test_a_change_of_ptime_shows_once(self) -> None:  # 17
        # A packet leaves when its last sample exists: its timestamp is that of its first.
        packets, due_ms, timestamp = [], 0.0, 0
        for i, ptime_ms in enumerate([20] * 30 + [60] * 20 + [10] * 40):
            due_ms += ptime_ms
            packets.append(Arrival(due_ms, i, timestamp, payload_type=111))
            timestamp += 48 * ptime_ms

        record = measure(packets)

        assert jitter_ms(record) == pytest.approx((0.3077, 3.8126), abs=5e-5)
        assert record["ptime_ms"] == 10

    def test_a_payload_type_of_the_same_clock_changes_nothing(self) -> None:  # 19
        packets = [replace(packet, payload_type=0 if i < 50 else 18) for i, packet in enumerate(steady(100))]

        record = measure(packets)

        assert (lost(record), record["payload_type"]) == (0, 18)
        assert jitter_ms(record) == (0, 0)

    def test_an_empty_packet_that_keeps_the_nat_open_is_no_change_of_codec(self) -> None:
        packets = [*steady(50), Arrival(1000, 1050, 0, payload_type=20, payload_bytes=0)]

        record = measure(packets)

        assert (record["payload_type"], record["clock_rate"], lost(record)) == (8, 8000, 0)
        assert jitter_ms(record) == (0, 0)

    def test_a_payload_type_of_another_clock_starts_anew(self) -> None:
        before = steady(50)
        after = steady(50, payload_type=111, clock_rate=48000, first_sequence=1050, start_ms=1000, first_timestamp=99)

        record = measure([*before, *after])

        assert (lost(record), record["clock_rate"], record["ptime_ms"]) == (0, 48000, 20)
        assert jitter_ms(record) == (0, 0)

    def test_an_unknown_clock_rate_gives_no_jitter(self) -> None:
        record = measure(later(steady(100, payload_type=96), {50: 19}))

        assert np.isnan(record["total_jitter_s"])
        assert np.isnan(record["ptime_ms"])
        assert (record["total_expected"], record["clock_rate"]) == (100, 0)

    def test_one_packet_gives_no_jitter(self) -> None:
        assert np.isnan(measure(steady(1))["total_jitter_s"])


class TestEvents:
    """RFC 4733: all packets of an event carry the timestamp of its start."""

    def dtmf_in_speech(self) -> list[Arrival]:
        before = steady(50)
        start = before[-1].timestamp + 160
        event = [
            Arrival(1000 + min(20 * i, 200 + i / 10), 1050 + i, start, payload_type=101, marker=i == 0, payload_bytes=4)
            for i in range(12)
        ]
        after = steady(50, first_sequence=1062, first_timestamp=start + 1600, start_ms=1200)
        return [*before, *event, *after]

    def test_they_count_in_sequence_but_not_in_jitter(self) -> None:  # 12
        record = measure(self.dtmf_in_speech())

        assert (record["total_expected"], lost(record), record["total_duplicates"]) == (112, 0, 0)
        assert jitter_ms(record) == (0, 0)

    def test_the_codec_and_ptime_are_those_of_the_speech(self) -> None:
        stream = new_stream()
        for packet in self.dtmf_in_speech()[:60]:
            see(stream, packet)

        record = cut(stream, 1200)

        assert (record["payload_type"], record["clock_rate"], record["ptime_ms"]) == (8, 8000, 20)

    def test_a_lost_event_packet_is_lost(self) -> None:
        assert lost(measure(without(self.dtmf_in_speech(), [55]))) == 1

    def test_an_end_that_repeats_its_number_is_a_duplicate(self) -> None:
        # RFC 4733 2.5.1.4 wants new numbers; SIPp's sample repeats the old one.
        packets = self.dtmf_in_speech()[:61]

        record = measure([*packets, packets[-1], packets[-1]])

        assert (record["total_duplicates"], lost(record)) == (2, 0)

    def test_before_any_speech_they_name_the_payload_type(self) -> None:
        event = [Arrival(20 * i, i, 0, payload_type=101, payload_bytes=4) for i in range(3)]

        assert measure(event)["payload_type"] == 101
        assert measure([*event, *steady(3, first_sequence=3, start_ms=60)])["payload_type"] == 8


class TestSilence:
    def test_comfort_noise_and_silence_are_no_loss(self) -> None:  # 13
        before = steady(50)
        descriptor = Arrival(1000, 1050, before[-1].timestamp + 160, payload_type=CN, payload_bytes=1)
        after = steady(50, first_sequence=1051, first_timestamp=descriptor.timestamp + 16_000, start_ms=3000)
        after[0] = replace(after[0], marker=True)

        record = measure([*before, descriptor, *after])

        assert (record["total_expected"], lost(record)) == (101, 0)
        assert (record["payload_type"], record["ptime_ms"]) == (8, 20)
        assert jitter_ms(record) == (0, 0)

    def test_silence_without_a_marker_is_neither_loss_nor_ptime(self) -> None:
        before = steady(50)

        record = measure([*before, *following(before[-1], 50, pause_ms=1840)])

        assert (lost(record), record["ptime_ms"]) == (0, 20)
        assert jitter_ms(record) == (0, 0)

    def test_silence_descriptors_of_the_codec_are_not_its_ptime(self) -> None:
        # AMR sends a descriptor each 160 ms.
        speech = steady(10)
        silence = steady(10, ptime_ms=160, first_sequence=1010, first_timestamp=51_600, start_ms=200, payload_bytes=7)

        assert measure([*speech, *silence])["ptime_ms"] == 20

    @pytest.mark.parametrize("marker", [False, True])
    def test_a_sender_that_stops_its_clock_shows_in_raw_jitter_alone(self, marker: bool) -> None:  # 14
        before = steady(50)
        after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp + 160, start_ms=3000)
        after[0] = replace(after[0], marker=marker)

        record = measure([*before, *after])

        assert jitter_ms(record) == pytest.approx((5.2906, 125), abs=5e-5)
        assert (record["steady_jitter_max_s"], record["steps"]) == (0, 1)

    def test_a_stall_of_the_network_is_not_taken_for_the_senders(self) -> None:
        # The packets behind a stall arrive with a hole in front and without a marker.
        before = steady(50)
        after = steady(50, first_sequence=1053, first_timestamp=before[-1].timestamp + 640, start_ms=3000)

        record = measure([*before, *after])

        assert record["steps"] == 0
        assert record["steady_jitter_max_s"] == record["total_jitter_max_s"] > 0.1

    def test_a_timestamp_set_anew_is_no_jitter_at_all(self) -> None:
        before = steady(50)
        after = steady(50, first_sequence=1050, first_timestamp=3_000_000_000, start_ms=1000)

        record = measure([*before, *after])

        assert jitter_ms(record) == (0, 0)
        assert record["steps"] == 1


class TestPtime:
    @pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
    def test_it_is_seen_in_the_timestamps(self, ptime_ms: float) -> None:
        assert measure(steady(10, ptime_ms=ptime_ms))["ptime_ms"] == ptime_ms

    def test_it_is_seen_through_loss(self) -> None:
        assert measure(without(steady(50, ptime_ms=30), range(2, 50, 4)))["ptime_ms"] == 30

    def test_two_packets_do_not_show_it(self) -> None:
        assert np.isnan(measure(steady(2))["ptime_ms"])


class TestWeight:
    def test_it_is_the_mean_of_whole_voice_packets(self) -> None:
        speech = [replace(packet, payload_bytes=60 + i % 3) for i, packet in enumerate(steady(33))]
        silence = steady(10, ptime_ms=160, first_sequence=1033, first_timestamp=60_000, start_ms=660, payload_bytes=7)
        event = Arrival(3000, 1043, 90_000, payload_type=101, payload_bytes=4)

        assert measure([*speech, *silence, event])["voice_octets_mean"] == pytest.approx(61, abs=0.05)

    def test_packets_of_another_codec_or_length_are_forgotten(self) -> None:
        first = steady(50)
        second = steady(
            50, payload_type=0, first_sequence=1050, first_timestamp=58_000, start_ms=1000, payload_bytes=20
        )
        third = steady(
            50,
            payload_type=0,
            ptime_ms=40,
            first_sequence=1100,
            first_timestamp=66_000,
            start_ms=2000,
            payload_bytes=40,
        )

        assert measure([*first, *second])["voice_octets_mean"] == 20
        assert measure([*first, *second, *third])["voice_octets_mean"] == 40

    def test_without_voice_it_is_not_known(self) -> None:
        assert np.isnan(measure(steady(5, payload_bytes=2))["voice_octets_mean"])


class TestRecord:
    def test_an_open_stream_has_nothing(self) -> None:
        stream = new_stream()

        record = cut(stream, 1000)

        assert expected(stream) == 0
        assert (record["ssrc"], record["payload_type"]) == (SSRC, NO_PAYLOAD_TYPE)
        assert (record["total_expected"], record["interval_expected"], record["segments"]) == (0, 0, 0)

    def test_a_slot_of_the_table_can_be_used_again(self) -> None:
        streams = np.zeros(3, STREAM)
        open_stream(streams, 1, SSRC, START_NS)
        for packet in twice(steady(10), [4]):
            see(streams[1], packet)

        open_stream(streams, 1, 99, START_NS + 5)

        fresh = np.zeros(3, STREAM)
        open_stream(fresh, 1, 99, START_NS + 5)
        assert streams.tobytes() == fresh.tobytes()

    def test_streams_of_one_table_do_not_touch_each_other(self) -> None:
        streams = np.zeros(3, STREAM)
        for index in range(3):
            open_stream(streams, index, index, START_NS)
        for packet in steady(10):
            see(streams[1], packet)

        assert streams["received"].tolist() == [0, 10, 0]

    def test_the_first_and_last_arrival_are_kept(self) -> None:
        record = measure(steady(51, start_ms=500))

        assert record["first_arrival_ns"] == START_NS + 500_000_000
        assert record["last_arrival_ns"] == START_NS + 1_500_000_000

    def test_every_field_of_a_slice_is_written(self) -> None:
        stream = new_stream()
        for packet in later(steady(10), {3: 5}):
            see(stream, packet)
        slices = [np.full(1, fill, np.uint8).repeat(SLICE.itemsize).view(SLICE) for fill in (0, 255)]

        for written in slices:
            cut_slice(stream.copy(), START_NS + 10**9, written[0])

        assert repr(slices[0].tolist()) == repr(slices[1].tolist())

    def test_the_kinds_come_from_the_format_table(self) -> None:
        assert (FORMAT_TABLE[101]["kind"], FORMAT_TABLE[CN]["kind"]) == (EVENT, COMFORT_NOISE)
