"""Which media nobody will release: those that have long been silent, and on hold a day."""

from rtp_analyzer.abandoned import HELD_S, SILENT_S, Silence
from shared.events import MediaAssigned
from shared.testing import media_assigned


def media(*, held: bool = False) -> dict[str, MediaAssigned]:
    medium = media_assigned()
    caller, callee = medium.legs
    if held:
        medium = medium.model_copy(update={"legs": (caller, callee.model_copy(update={"sends": False}))})
    return {medium.media_id: medium}


def found(silence: Silence, known: dict[str, MediaAssigned], packets: int, at: float) -> list[str]:
    heard = dict.fromkeys(known, packets)
    return [medium.media_id for medium in silence.abandoned(known, heard, at)]


def test_a_medium_without_a_packet_for_an_hour_is_abandoned():
    silence, known = Silence(), media()

    assert found(silence, known, 7, 100.0) == []
    assert found(silence, known, 7, 100.0 + SILENT_S) == []
    assert found(silence, known, 7, 101.0 + SILENT_S) == list(known)


def test_a_packet_begins_the_time_anew():
    silence, known = Silence(), media()
    found(silence, known, 7, 100.0)

    assert found(silence, known, 8, 200.0 + SILENT_S) == []
    assert found(silence, known, 8, 300.0 + SILENT_S) == []
    assert found(silence, known, 8, 201.0 + 2 * SILENT_S) == list(known)


def test_a_call_on_hold_is_left_alone_for_a_day():
    silence, known = Silence(), media(held=True)
    found(silence, known, 7, 0.0)

    assert found(silence, known, 7, HELD_S - 1) == []
    assert found(silence, known, 7, HELD_S + 1) == list(known)


def test_what_is_closed_is_forgotten():
    silence, known = Silence(), media()
    found(silence, known, 7, 0.0)

    found(silence, {}, 0, 10.0)

    assert found(silence, known, 7, SILENT_S + 5) == []
