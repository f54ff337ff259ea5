"""What is published of a stream."""

from dataclasses import replace

import pytest

from rtp_analyzer.measure.slices import MIN_PACKETS_FOR_MOS, StreamContext, build_report, build_slice, quality
from rtp_analyzer.quality.codecs import G711, G729_VAD
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


@pytest.mark.parametrize("lost", [0, 1, 7, 50, 100])
def test_the_published_waterfall_adds_up(lost: int) -> None:
    verdict = quality(G729_VAD, 100, lost)

    fall = verdict.waterfall
    assert fall is not None
    parts = fall.simultaneous + fall.delay + fall.codec + fall.loss + fall.burst + fall.discard
    assert fall.ro - parts == pytest.approx(fall.r, abs=1e-9)
    assert fall.r == verdict.r_factor
    assert (fall.ie, fall.bpl) == (11, 19)


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

    assert build_slice(record, CONTEXT, impaired=True).impaired
    assert not build_slice(record, CONTEXT).impaired


def test_the_report_covers_the_whole_stream() -> None:
    last = measure_slices(without(steady(101, start_ms=20), [30]), [50])[-1]

    report = build_report(last, CONTEXT, mos_min=3.5)

    assert (report.started_at, report.ended_at) == pytest.approx((START + 0.02, START + 2.02), abs=1e-6)
    assert (report.total.packets_expected, report.total.packets_lost) == (101, 1)
    assert (report.mos_min, report.codec, report.direction) == (3.5, "PCMA", "caller")
