"""Levels, silence and clipping of known waves; what they add up to in a stream."""

from itertools import groupby

import numpy as np
import pytest

from rtp_analyzer.audio.health import dbov
from rtp_analyzer.audio.levels import FULL_SCALE, judge, open_hearing, pause_hearing
from rtp_analyzer.audio.state import HEARING
from tests.unit.rtp_analyzer.audio.audio_builders import SSRC, cut_hearing, hear_all, new_hearing, sine

SPEECH = sine(0.1, seconds=0.02)
MUTE = np.zeros(160, np.float32)
NOISE = (np.random.default_rng(1).normal(0, 1, 160) * 10 ** (-60 / 20)).astype(np.float32)


def level(sound) -> float:
    square, _, _ = judge(sound)
    return dbov(square)


def test_a_square_wave_at_full_scale_has_0_dbov():
    square = np.sign(sine(1.0) + 1e-9).astype(np.float32)

    assert level(square) == 0.0


def test_a_sine_at_full_scale_has_3_db_less():
    assert level(sine(1.0)) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("wanted", [-10.0, -26.0, -60.0])
def test_the_level_of_a_sine_follows_its_amplitude(wanted):
    assert level(sine(10 ** ((wanted + 3.01) / 20))) == pytest.approx(wanted, abs=0.01)


def test_the_peak_is_the_highest_sample_of_either_sign():
    sound = sine(0.25)
    sound[77] = -0.5

    assert judge(sound)[1] == 0.5


def test_digital_silence_has_the_lowest_level():
    assert level(MUTE) == -127.0


@pytest.mark.parametrize("value", [1.0, -0.3])
def test_a_wave_that_does_not_move_is_digital_silence_too(value):
    assert judge(np.full(160, value, np.float32)) == (0.0, 0.0, 0.0)


def test_noise_however_weak_is_not_digital_silence():
    assert level(NOISE) == pytest.approx(-60, abs=1)
    assert judge(NOISE)[1] > 0


def expected_clipping(sound) -> float:
    """Its definition, said once more: runs of three samples and more at full scale, of one sign."""
    signs = np.where(np.abs(sound) >= FULL_SCALE, np.sign(sound), 0)
    runs = [(sign, len(list(run))) for sign, run in groupby(signs.tolist())]
    return sum(length for sign, length in runs if sign != 0 and length >= 3) / len(sound)


@pytest.mark.parametrize(("overload", "frequency_hz"), [(1.5, 300), (4.0, 300), (4.0, 1004), (50.0, 1004)])
def test_what_is_cut_off_is_clipping(overload, frequency_hz):
    sound = sine(overload, frequency_hz=frequency_hz)

    clipped = judge(sound)[2]

    assert clipped == pytest.approx(expected_clipping(sound))
    assert clipped > 0.2


@pytest.mark.parametrize("amplitude", [0.5, 0.9, 1.0])
def test_a_loud_tone_that_fits_is_not_clipping(amplitude):
    assert judge(sine(amplitude))[2] == 0.0


def test_a_stream_has_the_mean_power_of_its_packets():
    heard = hear_all([SPEECH, SPEECH, MUTE, MUTE])["total"]

    assert heard["packets"] == 4
    assert heard["judged_s"] == pytest.approx(0.08)
    assert heard["active_s"] == pytest.approx(0.04)
    assert dbov(heard["square_s"] / heard["judged_s"]) == pytest.approx(level(SPEECH) - 3.01, abs=0.01)
    assert dbov(heard["active_square_s"] / heard["active_s"]) == pytest.approx(level(SPEECH), abs=0.01)


def test_noise_below_50_dbov_is_silence_but_not_dead_air():
    heard = hear_all([NOISE] * 100)["total"]

    assert (heard["active_s"], heard["dead_air_s"]) == (0, 0)


def test_dead_air_lasts_from_the_first_to_the_last_dead_packet():
    heard = hear_all([SPEECH, *[MUTE] * 101])

    assert heard["slice"]["dead_air_s"] == pytest.approx(2.0)
    assert heard["total"]["dead_air_s"] == pytest.approx(2.0)


def test_a_sound_ends_dead_air_and_the_longest_is_remembered():
    heard = hear_all([*[MUTE] * 51, SPEECH, *[MUTE] * 11])

    assert heard["slice"]["dead_air_s"] == pytest.approx(0.2)
    assert heard["total"]["dead_air_s"] == pytest.approx(1.0)


def test_dead_air_runs_on_over_a_cut():
    hearings = np.zeros(1, HEARING)
    open_hearing(hearings, 0, SSRC, False)
    hear_all([MUTE] * 50, hearings[0])

    cut_hearing(hearings, 0)
    hear_all([MUTE] * 51, hearings[0], start_s=1)

    known = cut_hearing(hearings, 0)
    assert known["slice"]["dead_air_s"] == pytest.approx(2.0)
    assert (known["slice"]["packets"], known["total"]["packets"]) == (51, 101)


def test_silence_on_both_sides_of_a_hold_is_not_one():
    hearing = hear_all([MUTE] * 51)

    pause_hearing(hearing)
    hear_all([MUTE] * 51, hearing, start_s=60)

    assert hearing["total"]["dead_air_s"] == pytest.approx(1.0)


def test_silence_on_both_sides_of_a_long_gap_is_not_one():
    hearing = hear_all([MUTE] * 51)

    hear_all([MUTE] * 51, hearing, start_s=60)

    assert hearing["total"]["dead_air_s"] == pytest.approx(1.0)


def test_another_stream_in_the_same_place_begins_anew():
    hearings = np.zeros(1, HEARING)
    open_hearing(hearings, 0, SSRC, False)
    hear_all([SPEECH], hearings[0])

    open_hearing(hearings, 0, SSRC + 1, True)

    assert hearings[0]["total"]["packets"] == 0
    assert hearings[0]["decoded"]
    assert new_hearing()["open"]
