"""A call as the events of the phone's process tell it."""

from pathlib import Path

from vqm_local.phone.calls import CallState, after


def state_event(state, at, code=200, reason="OK"):
    return {"event": "call_state", "call": 0, "state": state, "code": code, "reason": reason, "at": at}


def test_an_answered_call_keeps_the_moment_of_its_answer():
    call = CallState("abc")

    for event in (state_event("calling", 1.0, 0, ""), state_event("confirmed", 2.0), state_event("ended", 5.0)):
        call = after(call, event)

    assert (call.answered_at, call.ended_at) == (2.0, 5.0)
    assert call.answered
    assert call.ended


def test_a_refused_call_was_never_answered():
    call = after(CallState("abc"), state_event("ended", 2.0, 404, "Not Found"))

    assert not call.answered
    assert (call.code, call.reason) == (404, "Not Found")


def test_sound_brings_the_codec_and_the_recording():
    call = after(CallState("abc"), {"event": "media", "call": 0, "codec": "PCMA", "recording": "heard-1.wav"})

    assert (call.codec, call.recording) == ("PCMA", Path("heard-1.wav"))
