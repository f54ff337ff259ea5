"""The sound of several streams as one."""

import pytest

from api.sound import combined
from shared.events import AudioHealth

LOUD = AudioHealth(
    source="g711",
    level_dbov=-20,
    active_level_dbov=-20,
    peak_dbov=-3,
    silence_percent=0,
    clipping_percent=4,
    dead_air_s=1,
    judged_s=1,
    judged_percent=20,
)
MUTE = AudioHealth(
    source="decoded",
    level_dbov=-127,
    peak_dbov=-127,
    silence_percent=100,
    clipping_percent=0,
    dead_air_s=15,
    judged_s=3,
    judged_percent=12,
)
ENCRYPTED = AudioHealth(unknown="encrypted")


def test_what_is_judged_counts_by_its_length_and_levels_by_their_power():
    both = combined([LOUD, MUTE])

    assert both is not None
    assert (both.source, both.silence_percent, both.clipping_percent, both.judged_percent) == ("decoded", 75, 1, 14)
    assert both.level_dbov == pytest.approx(-26.02, abs=0.01)
    assert both.active_level_dbov == pytest.approx(-20)
    assert both.peak_dbov == -3
    assert (both.dead_air_s, both.judged_s) == (15, 4)


def test_one_stream_is_told_as_it_is():
    assert combined([None, LOUD]) is LOUD


def test_what_is_known_goes_before_what_is_not():
    assert combined([LOUD, ENCRYPTED]) is LOUD


def test_what_nobody_heard_is_unknown_with_its_reason():
    assert combined([AudioHealth(unknown="not_judged"), ENCRYPTED, None]) is ENCRYPTED
    assert combined([None]) is None
    assert combined([]) is None


def test_two_silent_streams_are_as_silent_as_one():
    both = combined([MUTE, MUTE])

    assert both is not None
    assert both.level_dbov == pytest.approx(-127)
    assert (both.active_level_dbov, both.silence_percent) == (None, 100)
