"""What is published of what was heard; what was not heard is unknown, with the reason."""

import numpy as np
import pytest

from rtp_analyzer.audio.health import UNHEARD, dbov, health_of
from rtp_analyzer.audio.levels import open_hearing
from rtp_analyzer.audio.state import HEARING
from shared.events import AudioHealth
from tests.unit.rtp_analyzer.audio.audio_builders import SSRC, cut_hearing, hear_all, sine

SPEECH = sine(0.1, frequency_hz=1000, seconds=0.02)
MUTE = np.zeros(160, np.float32)


def heard(*packets, decoded: bool = False) -> np.void:
    hearings = np.zeros(1, HEARING)
    open_hearing(hearings, 0, SSRC, decoded)
    hear_all(packets, hearings[0])
    return cut_hearing(hearings, 0)


def test_a_stretch_is_told_in_levels_and_shares():
    told = health_of(heard(SPEECH, MUTE, MUTE, MUTE), 20, 40, "not_judged").total

    assert told == AudioHealth(
        source="g711",
        level_dbov=-29.03,
        active_level_dbov=-23.01,
        peak_dbov=dbov(float(SPEECH.max()) ** 2),
        silence_percent=75,
        clipping_percent=0,
        dead_air_s=0.04,
        judged_s=0.08,
        judged_percent=10,
    )


def test_the_slice_and_the_whole_have_their_own_packets():
    told = health_of(heard(SPEECH), 5, 50, "not_judged")

    assert told.slice is not None
    assert told.total is not None
    assert (told.slice.judged_percent, told.total.judged_percent) == (20, 2)


def test_digital_silence_has_a_level_but_no_active_one():
    told = health_of(heard(MUTE), 5, 5, "not_judged").total

    assert told is not None
    assert (told.level_dbov, told.active_level_dbov, told.peak_dbov, told.silence_percent) == (-127, None, -127, 100)


def test_what_a_library_decoded_is_marked():
    told = health_of(heard(SPEECH, decoded=True), 5, 5, "not_judged").total

    assert told is not None
    assert told.source == "decoded"


@pytest.mark.parametrize("reason", ["encrypted", "no_decoder", "not_judged"])
def test_what_was_never_heard_is_unknown_for_a_reason(reason):
    told = health_of(None, 50, 50, reason)

    assert (told.slice, told.total) == (None, AudioHealth(unknown=reason))


def test_a_slice_in_which_nothing_was_heard_is_null_and_the_whole_stays():
    hearings = np.zeros(1, HEARING)
    open_hearing(hearings, 0, SSRC, False)
    hear_all([SPEECH], hearings[0])
    cut_hearing(hearings, 0)

    told = health_of(cut_hearing(hearings, 0), 50, 100, "not_judged")

    assert told.slice is None
    assert told.total is not None
    assert told.total.level_dbov == pytest.approx(-23, abs=0.1)


def test_more_judged_than_was_counted_in_the_slice_is_not_more_than_all():
    told = health_of(heard(SPEECH, SPEECH), 1, 2, "not_judged")

    assert told.slice is not None
    assert told.slice.judged_percent == 100


def test_levels_are_never_below_127_dbov():
    assert (dbov(0.0), dbov(1e-20), dbov(1.0)) == (-127, -127, 0)
    assert UNHEARD.slice is None
