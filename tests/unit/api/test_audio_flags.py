"""When a call is flagged because of its sound, and when it must not be."""

import pytest

from api.audio_flags import has_dead_air, is_clipping, is_one_way
from api.quality import UNKNOWN, Direction
from shared.events import AudioHealth


def sends(seconds: float = 60, **audio) -> Direction:
    """A direction of packets of 20 ms with this sound."""
    heard = {"source": "g711", "silence_percent": 40, "clipping_percent": 0, "dead_air_s": 0, "judged_s": 1, **audio}
    return Direction(packets_received=round(seconds * 50), ptime_ms=20, audio=AudioHealth.model_validate(heard))


SPEAKS = sends()
DEAD = sends(silence_percent=100, dead_air_s=60)
NOISE = sends(silence_percent=100)
ENCRYPTED = Direction(packets_received=3000, ptime_ms=20, audio=AudioHealth(unknown="encrypted"))


@pytest.mark.parametrize("other", [DEAD, NOISE, UNKNOWN], ids=["digital silence", "noise only", "no packets"])
@pytest.mark.parametrize("heard", [SPEAKS, ENCRYPTED], ids=["voice", "encrypted"])
def test_one_party_is_heard_and_the_other_one_is_not(heard, other):
    assert is_one_way(heard, other)
    assert is_one_way(other, heard)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SPEAKS, SPEAKS),
        (SPEAKS, ENCRYPTED),
        (SPEAKS, sends(silence_percent=99)),
        (SPEAKS, sends(29, silence_percent=100)),
        (SPEAKS, sends(9, silence_percent=100, dead_air_s=9)),
        (DEAD, DEAD),
        (DEAD, NOISE),
        (UNKNOWN, UNKNOWN),
        (UNKNOWN, DEAD),
        (DEAD, sends(2, silence_percent=0)),
    ],
    ids=[
        "both speak",
        "one is encrypted",
        "one says little",
        "a listener over noise",
        "a short silence",
        "both are dead",
        "nobody speaks",
        "nothing is known",
        "one is dead, the other does not come",
        "a click",
    ],
)
def test_what_is_not_one_way(one, other):
    assert not is_one_way(one, other)
    assert not is_one_way(other, one)


def test_packets_of_unknown_length_say_nothing_of_a_voice():
    unknown = Direction(packets_received=3000, audio=AudioHealth(source="g711", silence_percent=0))

    assert not is_one_way(unknown, DEAD)


@pytest.mark.parametrize(("dead_air_s", "flagged"), [(9.9, False), (10.0, True)])
def test_ten_seconds_of_digital_silence_are_dead_air(dead_air_s, flagged):
    assert has_dead_air(sends(dead_air_s=dead_air_s)) is flagged


@pytest.mark.parametrize(("clipping_percent", "flagged"), [(0.99, False), (1.0, True)])
def test_one_percent_of_clipping_is_heard(clipping_percent, flagged):
    assert is_clipping(sends(clipping_percent=clipping_percent)) is flagged


@pytest.mark.parametrize("direction", [UNKNOWN, ENCRYPTED])
def test_what_is_unknown_is_not_flagged(direction):
    assert not has_dead_air(direction)
    assert not is_clipping(direction)
