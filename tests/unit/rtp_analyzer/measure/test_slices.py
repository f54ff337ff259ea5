"""What is published of a stream."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.slices import MIN_PACKETS_FOR_MOS, StreamContext, build_report, build_slice, quality
from rtp_analyzer.quality.codecs import G711, RATED, CodecRating
from tests.unit.rtp_analyzer.rtp_builders import (
    FORMATS,
    SSRC,
    START_NS,
    cut,
    later,
    measure,
    measure_slices,
    new_stream,
    steady,
    twice,
    without,
)

CONTEXT = StreamContext("a@b", "m1", "caller", "192.0.2.1:4000", FORMATS)
START = START_NS / 1e9


def test_a_slice_says_whose_it_is() -> None:
    piece = build_slice(measure(steady(50)), CONTEXT)

    assert (piece.call_id, piece.media_id, piece.direction, piece.ssrc) == ("a@b", "m1", "caller", SSRC)
    assert (piece.codec, piece.payload_type, piece.clock_rate, piece.ptime_ms) == ("PCMA", 8, 8000, 20)
    assert piece.source == "192.0.2.1:4000"


def test_a_slice_says_when_it_was() -> None:
    pieces = [build_slice(record, CONTEXT) for record in measure_slices(steady(101), [50])]

    assert [piece.started_at for piece in pieces] == [START, START + 1]
    assert [piece.duration_s for piece in pieces] == [1, 1]


def test_interval_and_total_are_told_apart() -> None:
    packets = twice(without(steady(150), [60, 70, 120]), [20])

    _, second, _ = (build_slice(record, CONTEXT) for record in measure_slices(packets, [51, 99]))

    assert (second.interval.packets_expected, second.interval.packets_lost, second.interval.loss_percent) == (50, 2, 4)
    assert (second.total.packets_expected, second.total.packets_lost, second.total.loss_percent) == (100, 2, 2)
    assert (second.interval.duplicates, second.total.duplicates) == (0, 1)
    assert second.total.packets_received == 99
    assert second.total.bytes_received == 99 * 160


def test_jitter_is_in_milliseconds() -> None:
    piece = build_slice(measure(later(steady(100), {50: 19})), CONTEXT)

    assert piece.total.jitter_ms == pytest.approx(0.1039, abs=5e-5)
    assert piece.total.jitter_max_ms == pytest.approx(2.3008, abs=5e-5)
    assert piece.interval.jitter_max_ms == piece.total.jitter_max_ms


def test_reordering_is_reported() -> None:
    assert build_slice(measure(later(steady(100), {50: 45})), CONTEXT).total.reordered == 1


def test_a_clean_g711_stream_has_the_best_narrowband_mos() -> None:
    verdict = build_slice(measure(steady(50)), CONTEXT).total.quality

    assert verdict is not None
    assert verdict.mos == pytest.approx(4.41, abs=0.005)
    assert verdict.r_factor == pytest.approx(93.206, abs=0.001)
    assert (verdict.scale, verdict.kind, verdict.grounding) == ("nb", "LQ", "standard")
    assert verdict.assumption is not None


def test_five_percent_loss_costs_what_g107_says() -> None:
    verdict = build_slice(measure(without(steady(1001), range(10, 1000, 20))), CONTEXT).total.quality

    assert verdict is not None
    assert verdict.mos == pytest.approx(3.92, abs=0.005)


@given(
    st.integers(0, 60),
    st.integers(0, 40),
    st.none() | st.floats(1, 50),
    st.sampled_from([rating for rating in RATED if rating.ie is not None]),
)
def test_the_published_waterfall_adds_up(lost: int, discarded: int, burst_r: float | None, rating: CodecRating) -> None:
    verdict = quality(rating, 100, lost, discarded, burst_r)

    fall = verdict.waterfall
    assert fall is not None
    parts = fall.simultaneous + fall.delay + fall.codec + fall.loss + fall.burst + fall.discard
    assert fall.ro - parts == pytest.approx(fall.r, abs=1e-9)
    assert fall.r == verdict.r_factor
    assert (fall.ie, fall.bpl) == (rating.ie, rating.bpl)
    assert min(fall.loss, fall.burst, fall.discard) >= 0


def test_discards_of_the_scored_buffer_are_missing_like_loss() -> None:
    packets = later(without(steady(1000), [10, 20]), {i: 60 for i in range(100, 900, 100)})
    record = measure(packets)

    total = build_slice(record, replace(CONTEXT, scored_buffer="fixed50")).total

    assert (total.packets_lost, total.packets_discarded, total.discard_percent) == (2, 8, 0.8)
    assert total.scored_buffer == "fixed50"
    assert total.quality is not None
    assert total.quality.waterfall is not None
    assert total.quality.r_factor == pytest.approx(93.206 - 95 / 26.1, abs=0.001)  # 1 % at Bpl 25.1
    assert total.quality.waterfall.discard > total.quality.waterfall.loss > 0


def test_each_buffer_has_its_own_outcome() -> None:
    packets = later(steady(1000), {i: 60 for i in range(100, 900, 100)})

    outcomes = build_slice(measure(packets), CONTEXT).total.buffers

    assert outcomes is not None
    assert [outcome.name for outcome in outcomes] == ["fixed50", "fixed200", "adaptive500"]
    assert [outcome.packets_discarded for outcome in outcomes] == [8, 0, 1]  # then it has adapted
    assert [outcome.mos for outcome in outcomes] == pytest.approx([4.34, 4.41, 4.41], abs=0.01)
    assert outcomes[1].hold_ms == pytest.approx(199.5, abs=0.1)


def test_bursts_cost_more_where_the_concealment_has_a_state() -> None:
    together, apart = (
        build_slice(measure(without(steady(1000), lost)), CONTEXT).total
        for lost in (range(100, 115), range(100, 850, 50))
    )

    assert [together.burst_r, apart.burst_r] == pytest.approx([15 * 0.985, 1])
    assert together.quality is not None
    assert apart.quality is not None
    assert together.quality.waterfall is not None
    assert together.quality.waterfall.burst > 0
    assert together.quality.mos is not None
    assert apart.quality.mos is not None
    assert together.quality.mos < apart.quality.mos


def test_each_slice_has_its_own_runs() -> None:
    first, second = (
        build_slice(record, CONTEXT) for record in measure_slices(without(steady(200), [10, 60, 61, 62]), [50])
    )

    assert [first.interval.burst_r, second.interval.burst_r] == pytest.approx([1, 3 * (1 - 3 / 149)])
    assert second.loss_runs == (1, 0, 1, 0, 0, 0, 0, 0, 0, 0)


def test_without_a_clock_rate_no_buffer_has_an_outcome() -> None:
    total = build_slice(measure(steady(50, payload_type=96)), CONTEXT).total

    assert (total.packets_discarded, total.discard_percent, total.buffers, total.scored_buffer) == (None,) * 4
    assert (total.pdv_p50_ms, total.pdv_p95_ms, total.pdv_p99_ms) == (None,) * 3


def test_nothing_missing_has_no_burst_ratio() -> None:
    assert build_slice(measure(steady(50)), CONTEXT).total.burst_r is None


def test_percentiles_and_distances_are_in_milliseconds() -> None:
    piece = build_slice(measure(later(steady(100), {i: 10 for i in range(1, 100, 2)})), CONTEXT)

    assert [piece.interval.pdv_p50_ms, piece.interval.pdv_p95_ms] == pytest.approx([0, 10])
    assert piece.total.pdv_p99_ms == pytest.approx(10, rel=1 / 30)
    assert piece.delta_max_ms == pytest.approx(30)


def test_a_codec_without_a_value_has_no_mos_but_a_reason() -> None:
    piece = build_slice(measure(steady(50, payload_type=111, clock_rate=48000, payload_bytes=20)), CONTEXT)

    assert (piece.codec, piece.clock_rate, piece.total.loss_percent) == ("OPUS", 48000, 0)
    verdict = piece.total.quality
    assert verdict is not None
    assert (verdict.grounding, verdict.mos, verdict.r_factor, verdict.waterfall) == ("none", None, None, None)
    assert verdict.assumption is not None
    assert "Opus" in verdict.assumption


def test_opus_is_judged_by_its_neighbour_at_its_bitrate() -> None:
    piece = build_slice(measure(steady(50, payload_type=111, clock_rate=48000, payload_bytes=61)), CONTEXT)

    for verdict in (piece.interval.quality, piece.total.quality):
        assert verdict is not None
        assert (verdict.scale, verdict.grounding) == ("fb", "proxy")
        assert verdict.mos == pytest.approx(4.444, abs=5e-4)
        assert "EVS-SWB at 24.4 kbit/s" in (verdict.assumption or "")


def test_the_tag_of_srtp_is_no_bitrate() -> None:
    record = measure(steady(50, payload_type=111, clock_rate=48000, payload_bytes=61))

    verdict = build_slice(record, replace(CONTEXT, encrypted=True)).total.quality

    assert verdict is not None
    assert "EVS-SWB at 16.4 kbit/s" in (verdict.assumption or "")


def test_a_payload_type_that_nobody_named_is_unknown_not_zero() -> None:
    piece = build_slice(measure(steady(50, payload_type=96)), CONTEXT)

    assert (piece.codec, piece.payload_type, piece.clock_rate, piece.ptime_ms) == (None, 96, None, None)
    assert (piece.total.jitter_ms, piece.total.packets_expected) == (None, 50)
    assert piece.total.quality is not None
    assert piece.total.quality.mos is None


def test_a_handful_of_packets_has_no_mos() -> None:
    too_short = quality(G711, MIN_PACKETS_FOR_MOS - 1, 1)

    assert (too_short.grounding, too_short.mos) == ("none", None)
    assert too_short.assumption is not None
    assert "too short" in too_short.assumption
    assert quality(G711, MIN_PACKETS_FOR_MOS, 1).mos is not None


def test_a_short_last_slice_is_no_verdict_but_counts_in_the_total() -> None:
    last = build_slice(measure_slices(without(steady(63), [55]), [50])[-1], CONTEXT)

    assert (last.duration_s, last.interval.packets_lost) == (0.24, 1)
    assert last.interval.quality is not None
    assert (last.interval.quality.mos, last.interval.quality.assumption) == (None, "too short to judge")
    assert last.total.quality is not None
    assert last.total.quality.mos == pytest.approx(4.28, abs=0.05)


def test_a_second_without_packets_has_no_loss_ratio() -> None:
    stream = new_stream()

    piece = build_slice(cut(stream, 1000), CONTEXT)

    assert (piece.interval.packets_expected, piece.interval.loss_percent, piece.interval.jitter_ms) == (0, None, None)
    assert (piece.codec, piece.payload_type) == (None, None)


def test_a_slice_cut_after_the_clock_was_set_back_has_a_length() -> None:
    stream = new_stream()
    cut(stream, 1000)

    assert build_slice(cut(stream, 500), CONTEXT).duration_s > 0


def test_our_own_drops_mark_the_slice() -> None:
    record = measure(steady(50))

    assert build_slice(record, CONTEXT, impaired_by=("loop_lag",)).impaired
    assert not build_slice(record, CONTEXT).impaired


def test_the_report_covers_the_whole_stream() -> None:
    last = measure_slices(without(steady(101, start_ms=20), [30]), [50])[-1]

    report = build_report(last, CONTEXT, mos_min=3.5)

    assert (report.started_at, report.ended_at) == pytest.approx((START + 0.02, START + 2.02), abs=1e-6)
    assert (report.total.packets_expected, report.total.packets_lost) == (101, 1)
    assert (report.mos_min, report.codec, report.direction) == (3.5, "PCMA", "caller")
