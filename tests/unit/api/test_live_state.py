"""The live view: what changed, what left, and what a new client sees."""

from functools import reduce

import pytest

from api.fold import facts_of, fold
from api.live import CALLS_SHOWN, ENDED_KEPT_S, FORGET_AFTER_S, LiveState
from shared.events import DeviceRegistered
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of, slices_measured

NOW = AT + 3


def registered(**changes) -> DeviceRegistered:
    fields = {"aor": "alice@example.com", "contact": "sip:alice@192.0.2.1", "source": "192.0.2.1:5060"}
    return DeviceRegistered.model_validate({**fields, "at": AT, "transport": "udp", "expires_at": AT + 60, **changes})


@pytest.fixture
def state() -> LiveState:
    return LiveState({}, [], AT)


def test_nothing_happened_is_no_message(state):
    assert state.changes(NOW) is None


def test_an_event_is_told_once(state):
    state.apply(call_started())

    delta = state.changes(NOW)

    assert [call.call_id for call in delta.calls] == ["call-1"]
    assert state.changes(NOW) is None


def test_deltas_are_numbered_without_gaps(state):
    numbers = []
    for moment in range(3):
        state.apply(call_started(at=AT + moment))
        numbers.append(state.changes(NOW).seq)

    assert numbers == [1, 2, 3]


def test_slices_travel_with_their_call(state):
    state.apply(call_started())
    state.apply(slices_measured(slice_of(interval=measures(50, 5), total=measures(100, 5))))

    delta = state.changes(NOW)

    assert delta.calls[0].directions.caller.loss_percent == 5.0
    assert [(part.call_id, part.packets_expected, part.packets_lost) for part in delta.slices] == [("call-1", 50, 5)]


def test_a_snapshot_shows_live_calls_and_those_that_just_ended(state):
    state.apply(call_started(call_id="live", at=AT + 1))
    state.apply(call_started(call_id="ended"))
    state.apply(call_ended(call_id="ended", at=AT + 2))

    assert [call.call_id for call in state.snapshot(NOW).calls] == ["live", "ended"]


def test_live_calls_crowd_out_ended_ones_in_the_snapshot(state):
    for number in range(CALLS_SHOWN + 1):
        state.apply(call_started(call_id=f"live-{number}"))
    state.apply(call_started(call_id="ended"))
    state.apply(call_ended(call_id="ended"))

    shown = {call.call_id for call in state.snapshot(NOW).calls}

    assert len(shown) == CALLS_SHOWN + 1
    assert "ended" not in shown


def test_an_ended_call_leaves_after_a_quarter_of_an_hour(state):
    state.apply(call_started())
    state.apply(call_ended(at=AT + 12))
    state.changes(NOW)

    assert state.changes(AT + 12 + ENDED_KEPT_S) is None
    assert state.changes(AT + 14 + ENDED_KEPT_S).removed == ["call-1"]
    assert state.snapshot(NOW).calls == []


def test_the_oldest_ended_calls_leave_when_there_are_many(state):
    for number in range(CALLS_SHOWN + 2):
        state.apply(call_started(call_id=f"call-{number}"))
        state.apply(call_ended(call_id=f"call-{number}", at=AT + number))

    delta = state.changes(AT + 300)

    assert sorted(delta.removed) == ["call-0", "call-1"]


def test_the_last_figures_of_a_call_that_left_do_not_bring_it_back(state):
    state.apply(call_started())
    state.apply(call_ended())
    state.changes(AT + 13 + ENDED_KEPT_S)

    state.apply(slices_measured())

    assert state.changes(AT + 14 + ENDED_KEPT_S) is None


def test_a_flag_that_time_alone_raises_is_told(state):
    state.apply(call_started())
    state.apply(call_answered())
    state.changes(AT + 3)

    assert state.changes(AT + 5) is None
    assert state.changes(AT + 7.5).calls[0].flags == ["no_media"]
    assert state.changes(AT + 9) is None


def test_a_live_call_that_nobody_mentions_is_forgotten_after_a_day(state):
    state.apply(call_started())
    state.changes(NOW)

    assert state.changes(AT + FORGET_AFTER_S + 1).removed == ["call-1"]


def test_seconds_are_kept_while_the_call_lives(state):
    parts = [slice_of(started_at=AT + number) for number in range(3)]
    state.apply(call_started())
    state.apply(slices_measured(*parts))

    assert state.seconds("call-1") == parts
    state.apply(call_ended())
    assert state.seconds("call-1") == []
    assert state.seconds("unknown") == []


def test_a_device_that_comes_is_told_and_so_is_its_expiry(state):
    state.apply(registered())

    assert [device.state for device in state.changes(AT + 2).registrations] == ["registered"]
    assert state.changes(AT + 59) is None
    assert [device.state for device in state.changes(AT + 61).registrations] == ["expired"]
    assert state.changes(AT + 63) is None


def test_a_gone_device_is_forgotten_after_a_day(state):
    state.apply(registered())
    state.changes(AT + 61)
    state.changes(AT + 62 + FORGET_AFTER_S)

    assert state.snapshot(AT + 62 + FORGET_AFTER_S).registrations == []


def test_a_restored_view_starts_where_the_other_one_stood(state):
    events = call_started(), slices_measured()
    for event in events:
        state.apply(event)
    call = reduce(lambda known, fact: fold(known, *fact), [fact for event in events for fact in facts_of(event)], None)
    assert call is not None

    restored = LiveState({"call-1": call}, [], NOW)

    assert restored.snapshot(NOW).calls == state.snapshot(NOW).calls
