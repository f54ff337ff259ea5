"""The phone's ear: level and frequency of known sounds."""

import numpy as np
import pytest

from vqm_local.phone.hearing import SAMPLE_RATE, amplitude, listen, recorded


def tone(frequency_hz, level_dbov, seconds=1.0):
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude(level_dbov) * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.int16)


@pytest.mark.parametrize("frequency_hz", [300, 440, 1004, 3400])
def test_a_tone_is_heard_at_its_frequency_and_level(frequency_hz):
    heard = listen(tone(frequency_hz, -20))

    assert heard.frequency_hz == pytest.approx(frequency_hz, abs=1)
    assert heard.level_dbov == pytest.approx(-20, abs=0.1)
    assert heard.purity > 0.99


def test_the_louder_of_two_tones_wins_and_is_not_pure():
    heard = listen(tone(440, -20) + tone(1000, -26))

    assert heard.frequency_hz == pytest.approx(440, abs=1)
    assert 0.7 < heard.purity < 0.9


def test_silence_has_no_frequency():
    heard = listen(np.zeros(800, dtype=np.int16))

    assert heard.frequency_hz is None
    assert heard.level_dbov == -127.0


def test_nothing_recorded_yet_is_silence():
    assert listen(np.zeros(0, dtype=np.int16)).frequency_hz is None


def test_only_the_end_of_a_growing_recording_is_read(tmp_path):
    wav = tmp_path / "growing.wav"
    wav.write_bytes(bytes(44) + np.arange(8000, dtype="<i2").tobytes() + b"\x01")

    samples = recorded(wav, 0.25)

    assert len(samples) == 2000
    assert samples[-1] == 7999
