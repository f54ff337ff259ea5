"""What is shown follows from what is known; what is not known is null."""

import json
from functools import reduce
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.fold import facts_of, fold
from api.quality import directions_of
from api.rollup import Row, add, bucket_of, row_of
from api.shapes import CallView, Injected, rfc3339
from api.store.queries import StreamRows
from api.views import call_detail, call_view, course_view
from shared.events import AudioHealth, CallRinging, CallUpdated, Impairment, SlicesMeasured
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of, slices_measured


def view(*events, now: float = AT + 3) -> CallView:
    call = reduce(lambda known, fact: fold(known, *fact), [fact for each in events for fact in facts_of(each)], None)
    assert call is not None
    return call_view(call.signalling, directions_of(call.streams.values()), now)


def both_ways(**changes):
    return slices_measured(slice_of(**changes), slice_of(direction="callee", ssrc=2, **changes))


def test_times_are_rfc_3339_in_utc():
    assert rfc3339(AT + 0.25) == "2023-11-14T22:13:20.250Z"


@pytest.mark.parametrize(
    ("events", "state", "phase"),
    [
        ([call_started()], "live", "started"),
        ([call_started(), CallRinging(at=AT + 1, call_id="call-1", code=180)], "live", "ringing"),
        ([call_started(), call_answered()], "live", "answered"),
        ([call_started(), call_ended()], "ended", "ended"),
    ],
)
def test_a_call_passes_through_its_phases(events, state, phase):
    shown = view(*events)

    assert (shown.state, shown.phase) == (state, phase)


def test_the_duration_runs_from_the_answer():
    assert view(call_started()).duration_s is None
    assert view(call_started(), call_answered(), now=AT + 9).duration_s == 7
    assert view(call_started(), call_answered(), call_ended(), now=AT + 99).duration_s == 10


def test_a_refused_call_has_its_code_and_no_duration():
    shown = view(call_started(), call_ended(final_code=486, hangup_by="callee", reason="busy"))

    assert (shown.final_code, shown.hangup_by, shown.reason, shown.duration_s) == (486, "callee", "busy", None)


def test_the_answer_is_the_final_code_of_a_call_that_lives():
    assert view(call_started(), call_answered()).final_code == 200


def test_a_direction_without_media_is_all_null():
    shown = view(call_started(), call_answered())

    assert all(
        value is None for value in json.loads(TypeAdapter(CallView).dump_json(shown))["directions"]["caller"].values()
    )
    assert shown.mos is None


def test_without_a_signalled_codec_the_one_on_the_wire_is_shown():
    assert view(call_started(), call_answered(codec=None), both_ways(codec="G729")).codec == "G729"


def test_an_answered_call_without_media_is_flagged_after_a_while():
    events = call_started(), call_answered()

    assert view(*events, now=AT + 6).flags == []
    assert view(*events, now=AT + 7).flags == ["no_media"]


def test_one_silent_direction_is_flagged():
    one_way = slices_measured(slice_of(), slice_of(direction="callee", ssrc=2, total=measures(0, quality=None)))

    assert view(call_started(), call_answered(), one_way, now=AT + 9).flags == ["no_media", "one_way_audio"]
    assert view(call_started(), call_answered(), both_ways(), now=AT + 9).flags == []


def test_what_997_injects_is_told_with_the_call():
    impairment = Impairment(loss_percent=3, jitter_ms=20, seed=1)
    impaired = view(call_started(extension="997"), call_answered(impairment=impairment))

    assert impaired.injected == Injected(loss_percent=3, jitter_ms=20)
    assert view(call_started(extension="999"), call_answered()).injected is None


def test_our_own_extension_need_not_send():
    events = call_started(extension="999"), call_answered(), slices_measured()

    assert view(*events, now=AT + 9).flags == []


def test_a_call_on_hold_may_be_silent():
    hold = CallUpdated(at=AT + 3, call_id="call-1", by="caller", on_hold=True)

    assert view(call_started(), call_answered(), hold, now=AT + 9).flags == []


def test_a_short_call_is_not_blamed_for_missing_media():
    assert view(call_started(), call_answered(), call_ended(at=AT + 4), now=AT + 99).flags == []


def heard(party: str, **audio) -> SlicesMeasured:
    """Ten seconds of a party's stream."""
    told = {"source": "g711", "silence_percent": 40, "clipping_percent": 0, "dead_air_s": 0, "judged_s": 2, **audio}
    part = slice_of(direction=party, total=measures(500), audio=AudioHealth.model_validate(told))
    return slices_measured(part)


DEAD_CALLEE = heard("callee", silence_percent=100, dead_air_s=10)
HOLD = CallUpdated(at=AT + 3, call_id="call-1", by="caller", on_hold=True)


def test_a_party_that_sends_digital_silence_while_the_other_speaks_is_flagged():
    shown = view(call_started(), call_answered(), heard("caller"), DEAD_CALLEE, now=AT + 15)

    assert shown.flags == ["one_way_audio", "dead_air"]
    assert shown.directions.callee.audio is not None
    assert shown.directions.callee.audio.silence_percent == 100


def test_on_hold_nobody_need_be_heard():
    shown = view(call_started(), call_answered(), heard("caller"), heard("callee", silence_percent=100), HOLD)

    assert shown.flags == []


def test_a_voice_that_is_cut_off_is_flagged():
    overloaded = heard("caller", clipping_percent=2.5)

    assert view(call_started(), call_answered(), overloaded, heard("callee"), now=AT + 9).flags == ["clipping"]


def test_a_call_to_our_own_extension_cannot_be_one_way():
    dead = heard("caller", silence_percent=100, dead_air_s=10)

    assert view(call_started(extension="999"), call_answered(), dead, now=AT + 15).flags == ["dead_air"]


def test_our_own_overload_is_told():
    assert "monitor_impaired" in view(call_started(), both_ways(impaired=True)).flags


def test_a_live_call_that_nobody_mentions_is_stale():
    events = call_started(), call_answered(), both_ways()

    assert view(*events, now=AT + 302).flags == []
    assert view(*events, now=AT + 303).flags == ["stale"]


def test_the_detail_has_every_stream_in_the_order_of_time():
    parts = (
        slice_of(ssrc=3, started_at=AT + 8),
        slice_of(ssrc=9),
        slice_of(direction="callee", ssrc=1, started_at=AT + 1),
    )
    call = reduce(lambda known, part: fold(known, "call-1", part), parts, None)
    assert call is not None

    detail = call_detail(call.signalling, directions_of(call.streams.values()), call.streams.values(), AT + 9)

    assert [stream.ssrc for stream in detail.streams] == [1, 9, 3]


def rows_of(*parts) -> StreamRows:
    folded: dict[int, Row] = {}
    for part in parts:
        folded[bucket_of(part)] = add(folded.get(bucket_of(part)), [row_of(part)])
    return StreamRows("caller", 0x11223344, list(folded.values()))


def test_the_course_has_seconds_where_they_are_at_hand_and_rows_before():
    seconds = [slice_of(started_at=AT + number) for number in range(12)]

    course = course_view([rows_of(*seconds)], seconds[7:])

    assert [(view.started_at - AT, view.duration_s) for view in course] == [(0, 5), (5, 5), (10, 1), (11, 1)]
    assert sum(view.packets_expected for view in course) == 600


def test_the_course_tells_what_came_too_late_and_how_unevenly():
    calm: dict[str, Any] = {
        "packets_discarded": 0,
        "discard_percent": 0.0,
        "pdv_p50_ms": 1.0,
        "pdv_p95_ms": 4.0,
        "pdv_p99_ms": 6.0,
    }
    uneven: dict[str, Any] = {
        "packets_discarded": 5,
        "discard_percent": 10.0,
        "burst_r": 2.5,
        "pdv_p95_ms": 40.0,
        "pdv_p99_ms": 61.0,
    }
    seconds = [
        slice_of(started_at=AT, interval=measures(**calm)),
        slice_of(started_at=AT + 1, interval=measures(**uneven)),
    ]

    (row,) = course_view([rows_of(*seconds)], [])
    first, second = course_view([], seconds)

    assert (row.discard_percent, row.burst_r) == (5.0, 2.5)
    assert (row.pdv_p50_ms, row.pdv_p95_ms, row.pdv_p99_ms) == (1.0, 40.0, 61.0)
    assert (first.discard_percent, first.burst_r, first.pdv_p95_ms) == (0.0, None, 4.0)
    assert (second.discard_percent, second.burst_r, second.pdv_p99_ms) == (10.0, 2.5, 61.0)


def test_a_course_without_a_known_clock_rate_has_no_discards():
    seconds = [slice_of(started_at=AT, interval=measures(packets_discarded=None, discard_percent=None))]

    (row,) = course_view([rows_of(*seconds)], [])
    (second,) = course_view([], seconds)

    assert row.discard_percent is second.discard_percent is None
    assert row.pdv_p95_ms is second.pdv_p95_ms is None


def test_a_course_that_is_not_stored_yet_has_its_seconds():
    seconds = [slice_of(started_at=AT + number) for number in range(3)]

    assert len(course_view([], [*seconds, *seconds])) == 3
