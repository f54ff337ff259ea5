"""What is said of a measurement, and that there is a sound for every word of it."""

from typing import get_args

import pytest

from rtp_analyzer.sounds.prompts import say
from rtp_analyzer.sounds.sentences import quality_words
from rtp_analyzer.sounds.tone import tone
from shared.events import Language, Quality
from shared.testing import measures

LANGUAGES: tuple[Language, ...] = get_args(Language)


def spoken(language: Language = "en", **changes) -> str:
    return " ".join(quality_words(measures(**changes), language))


def test_the_score_the_loss_and_the_jitter_are_said():
    quality = Quality(grounding="standard", mos=4.349, r_factor=93.2)

    said = spoken(quality=quality, loss_percent=2.94, jitter_ms=45.4)

    assert said == ("intro score 4 point 3 loss 2 point 9 percent jitter 40 5 milliseconds goodbye")


def test_nothing_received_is_said_instead_of_numbers():
    assert quality_words(None, "it") == quality_words(measures(expected=0), "it") == ["nothing", "goodbye"]


def test_what_is_unknown_is_said_to_be_unknown():
    no_mos = Quality(grounding="none", assumption="no value for this codec")

    assert spoken(quality=None, loss_percent=None, jitter_ms=None) == (
        "intro score unknown loss unknown jitter unknown goodbye"
    )
    assert spoken(quality=no_mos, jitter_ms=1.0).startswith("intro score unknown loss 0 percent jitter 1 point 0")


@pytest.mark.parametrize(
    ("jitter_ms", "words"),
    [
        (0.0, "0"),
        (0.01, "less than 0 point 1"),
        (0.05, "0 point 1"),
        (9.94, "9 point 9"),
        (9.96, "10"),
        (20.5, "20"),
        (21, "20 1"),
        (28, "20 8"),
        (100.4, "100"),
        (100.6, "more than 100"),
        (1e9, "more than 100"),
    ],
)
def test_numbers_are_rounded_and_never_to_nothing(jitter_ms, words):
    assert f"jitter {words} milliseconds" in spoken(jitter_ms=jitter_ms)


@pytest.mark.parametrize(("jitter_ms", "words"), [(21, "21"), (28, "28"), (22, "20 2"), (11, "11"), (91, "91")])
def test_italian_melts_two_units_into_the_ten(jitter_ms, words):
    assert f"jitter {words} milliseconds" in spoken("it", jitter_ms=jitter_ms)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_sound_for_every_word_in_every_codec(language):
    values = [None, 0, 0.01, *(tenth / 10 for tenth in range(1, 100)), *range(10, 103)]
    texts = [quality_words(measures(jitter_ms=value), language) for value in values]

    sounds = [say(words, language) for words in (*texts, ["nothing"])]

    for sound in sounds:
        assert set(sound.packets) == {"PCMA", "PCMU", "G722", "G729", "OPUS"}
        assert len({len(packets) for packets in sound.packets.values()}) == 1
        assert 30 < len(sound.packets["PCMA"]) < 50 * 20


def test_the_packets_have_the_size_that_their_codec_wants():
    sizes = {encoding: packets.shape for encoding, packets in tone().packets.items()}

    assert sizes == {"PCMA": (25, 160), "PCMU": (25, 160), "G722": (25, 160), "G729": (25, 20), "OPUS": (25, 40)}
