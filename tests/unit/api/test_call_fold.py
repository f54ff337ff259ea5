"""A call folds to the same value whatever the order of its events, and however often each one comes."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from api.fold import Call, facts_of, fold
from shared.events import CallRinging, CallUpdated, Impairment, MediaStopped, StreamEnded, StreamReport
from shared.testing import AT, call_answered, call_ended, call_judged, call_started, measures, slice_of, slices_measured


def report(received: int, **changes) -> StreamEnded:
    part = slice_of(**changes).model_dump(exclude={"interval", "total", "duration_s", "impaired", "started_at"})
    total = measures(received + 2, 2)
    figures = StreamReport(**part, started_at=AT + 2, ended_at=AT + 11.5, mos_min=3.9, total=total)
    return StreamEnded(at=AT + 12, worker="worker-1", call_id="call-1", report=figures)


def second(number: int, **changes):
    total = measures(50 * (number + 1), number)
    interval = measures(50, 1 if number else 0)
    return slices_measured(slice_of(started_at=AT + 2 + number, interval=interval, total=total, **changes))


WHOLE_CALL = (
    call_started(user_agent="Phone A"),
    CallRinging(at=AT + 1, call_id="call-1", code=180),
    call_answered(user_agent="Phone B", impairment=Impairment(loss_percent=3, jitter_ms=20, seed=1)),
    CallUpdated(at=AT + 5, call_id="call-1", by="callee", codec="G729", on_hold=True),
    CallUpdated(at=AT + 6, call_id="call-1", by="callee", on_hold=False),
    second(0),
    second(1),
    second(2, ssrc=7, impaired=True),
    second(3, direction="callee", codec="PCMU"),
    call_judged("good"),
    call_judged("poor", at=AT + 11),
    call_judged("fair", at=AT + 10.5, final=True),
    report(498),
    call_ended(reason="normal"),
)


def folded(events) -> Call:
    facts = [fact for event in events for fact in facts_of(event)]
    call = reduce(lambda known, fact: fold(known, *fact), facts, None)
    assert call is not None
    return call


@given(st.permutations(WHOLE_CALL), st.lists(st.sampled_from(WHOLE_CALL), max_size=8))
def test_order_and_repetition_change_nothing(events, repeated):
    assert folded([*events, *repeated]) == folded(WHOLE_CALL)


@given(st.permutations(WHOLE_CALL), st.integers(min_value=0, max_value=len(WHOLE_CALL)))
def test_no_field_is_lost_between_two_batches(events, cut):
    first = [fact for event in events[:cut] for fact in facts_of(event)]
    rest = [fact for event in events[cut:] for fact in facts_of(event)]

    call = reduce(lambda known, fact: fold(known, *fact), [*first, *rest, *first], None)

    assert call == folded(WHOLE_CALL)


def test_the_last_verdict_stands_over_later_ones_of_a_running_call():
    signalling = folded(WHOLE_CALL).signalling

    assert signalling.verdict is not None
    assert '"rating":"fair"' in signalling.verdict


def test_everything_the_signalling_said_is_kept():
    signalling = folded(reversed(WHOLE_CALL)).signalling

    assert (signalling.caller, signalling.callee) == ("alice@example.com", "bob@example.com")
    assert (signalling.user_agent, signalling.callee_user_agent) == ("Phone A", "Phone B")
    assert (signalling.started_at, signalling.ringing_at, signalling.answered_at) == (AT, AT + 1, AT + 2)
    assert (signalling.ended_at, signalling.hangup_by, signalling.end_code) == (AT + 12, "caller", 200)
    assert (signalling.signalled_codec, signalling.on_hold, signalling.impaired) == ("G729", False, True)


def test_a_call_known_only_from_its_media_has_begun_with_it():
    signalling = folded([second(0)]).signalling

    assert signalling.caller is None
    assert signalling.started_at == AT + 2
    assert signalling.ended_at is None


def test_the_final_report_wins_over_a_slice_that_ends_after_it():
    last_slice = second(9)  # ends at AT + 12, half a second after the last packet

    stream = folded([report(498), last_slice]).streams["media-1", "caller", 0x11223344]

    assert stream.total.packets_received == 498
    assert stream.final


def test_a_stream_that_goes_on_after_its_report_is_not_final():
    later = slices_measured(slice_of(started_at=AT + 20, total=measures(600)))

    stream = folded([later, report(498)]).streams["media-1", "caller", 0x11223344]

    assert stream.total.packets_received == 600
    assert not stream.final


def test_the_worst_second_is_remembered():
    stream = folded([second(0), report(498), second(1)]).streams["media-1", "caller", 0x11223344]

    assert stream.mos_min == 3.9


def test_a_second_attempt_under_the_same_call_id_lives():
    refused = call_ended(at=AT + 1, final_code=422, hangup_by="callee")
    again = call_started(at=AT + 2)

    signalling = folded([refused, again, call_started()]).signalling

    assert signalling.started_at == AT
    assert signalling.ended_at is None
    assert folded([refused, again, call_ended()]).signalling.ended_at == AT + 12


def test_other_events_say_nothing_about_a_call():
    assert not list(facts_of(MediaStopped(at=AT, worker="worker-1", call_id="call-1", media_id="media-1")))
