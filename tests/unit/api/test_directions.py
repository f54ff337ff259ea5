"""Streams of one direction add up to one row of figures."""

import pytest

from api.fold import fold
from api.quality import call_mos, direction_of, directions_of
from shared.events import Delay, Quality
from shared.testing import AT, measures, slice_of


def stream(ssrc: int = 1, at: float = AT, expected: int = 100, lost: int = 0, **changes):
    total = measures(expected, lost, **changes)
    part = slice_of(ssrc=ssrc, started_at=at, total=total)
    return next(iter(fold(None, "call-1", part).streams.values()))


def delayed(ssrc: int, at: float, delay: Delay | None):
    part = slice_of(ssrc=ssrc, started_at=at, delay=delay)
    return next(iter(fold(None, "call-1", part).streams.values()))


def scored(scale: str, mos: float):
    return Quality.model_validate({"grounding": "standard", "scale": scale, "mos": mos, "r_factor": 20 * mos})


def test_one_stream_is_shown_as_it_was_measured():
    found = direction_of([stream(expected=1000, lost=50, duplicates=3, reordered=2)])

    assert (found.packets_expected, found.packets_received, found.packets_lost) == (1000, 950, 50)
    assert (found.duplicates, found.reordered) == (3, 2)
    assert found.loss_percent == 5.0
    assert (found.mos, found.r_factor) == (4.41, 93.2)
    assert (found.codec, found.ptime_ms, found.ssrc) == ("PCMA", 20.0, 1)


def test_several_streams_are_added_up():
    found = direction_of([stream(1, expected=100, lost=0), stream(2, at=AT + 5, expected=300, lost=20)])

    assert (found.packets_expected, found.packets_lost, found.loss_percent) == (400, 20, 5.0)
    assert found.ssrc == 2


def test_what_came_too_late_is_of_the_streams_that_can_tell():
    known = stream(1, expected=100, packets_discarded=5, burst_r=1.2)
    uneven = stream(2, expected=300, packets_discarded=5, burst_r=2.5)
    unclear = stream(3, expected=1000, packets_discarded=None)

    found = direction_of([known, uneven, unclear])

    assert (found.discard_percent, found.burst_r) == (2.5, 2.5)


def test_without_a_known_clock_rate_nobody_can_say_what_came_too_late():
    found = direction_of([stream(packets_discarded=None)])

    assert (found.discard_percent, found.burst_r) == (None, None)


def test_scores_of_several_streams_are_weighted_by_packets():
    streams = [stream(1, expected=100, quality=scored("nb", 4.0)), stream(2, expected=300, quality=scored("nb", 2.0))]

    assert direction_of(streams).mos == pytest.approx(2.5)


def test_scores_of_different_scales_are_not_averaged():
    streams = [stream(1, expected=100, quality=scored("nb", 4.0)), stream(2, expected=300, quality=scored("wb", 2.0))]

    assert direction_of(streams).mos == 2.0


def test_jitter_is_the_latest_and_the_highest():
    streams = [
        stream(2, at=AT + 5, jitter_ms=1.0, jitter_max_ms=2.0),
        stream(1, jitter_ms=7.0, jitter_max_ms=9.0),
    ]

    found = direction_of(streams)

    assert (found.jitter_ms, found.jitter_max_ms) == (1.0, 9.0)


def test_the_delay_is_that_of_the_latest_stream_that_has_one():
    measured = Delay(one_way_ms=55, rtt_ms=110, source="rtcp", mouth_to_ear_ms=115)
    configured = Delay(one_way_ms=80, source="configured")

    found = direction_of([delayed(1, AT, configured), delayed(2, AT + 5, measured), delayed(3, AT + 9, None)])

    assert (found.rtt_ms, found.delay_ms, found.delay_source) == (110, 55, "rtcp")


def test_a_configured_delay_has_no_round_trip():
    found = direction_of([delayed(1, AT, Delay(one_way_ms=0, source="configured"))])

    assert (found.rtt_ms, found.delay_ms, found.delay_source) == (None, 0, "configured")


def test_without_a_delay_it_is_unknown_and_not_zero():
    found = direction_of([delayed(1, AT, None)])

    assert (found.rtt_ms, found.delay_ms, found.delay_source) == (None, None, None)


def test_without_packets_the_loss_is_unknown():
    found = direction_of([stream(expected=0, quality=None)])

    assert found.loss_percent is None
    assert found.mos is None


def test_the_call_is_as_good_as_its_worse_direction():
    one = stream(1, quality=scored("nb", 4.4))
    other = next(
        iter(
            fold(
                None, "call-1", slice_of(direction="callee", total=measures(quality=scored("nb", 3.1)))
            ).streams.values()
        )
    )

    assert call_mos(directions_of([one, other])) == 3.1
    assert call_mos(directions_of([one])) == 4.4
    assert call_mos({}) is None
