"""What a recording sounds like: the level and the strongest frequency. Numbers in, numbers out."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 8000  # Hz: what the phone's sound bridge runs at
WAV_HEADER_BYTES = 44  # RIFF, fmt and data chunk headers, as pjmedia writes them
OVERLOAD = 32768.0  # the RMS of 0 dBov: a square wave at full scale (RFC 6464 section 3)
SILENCE_DBOV = -127.0  # the lowest level that RFC 6464 section 3 can express


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of sound. `frequency_hz` is None in silence; `purity` is that tone's share of the power, 0..1."""

    seconds: float
    level_dbov: float
    frequency_hz: float | None
    purity: float


def amplitude(level_dbov: float) -> int:
    """The peak sample value of a sine wave with this level."""
    return round(OVERLOAD * math.sqrt(2) * 10 ** (level_dbov / 20))


def recorded(wav: Path, seconds: float) -> npt.NDArray[np.int16]:
    """The last `seconds` of a 16-bit mono recording that may still be growing (so its header is not to be believed)."""
    size = max(0, wav.stat().st_size - WAV_HEADER_BYTES) // 2
    wanted = min(size, round(seconds * SAMPLE_RATE))
    with wav.open("rb") as file:
        file.seek(WAV_HEADER_BYTES + 2 * (size - wanted))
        return np.frombuffer(file.read(2 * wanted), dtype="<i2")


def listen(samples: npt.NDArray[np.int16]) -> Heard:
    """Level and dominant frequency of the samples."""
    seconds = len(samples) / SAMPLE_RATE
    signal = samples.astype(np.float64)
    rms = float(np.sqrt(np.mean(signal**2))) if len(signal) else 0.0
    if rms < 1.0:
        return Heard(seconds, SILENCE_DBOV, None, 0.0)
    # The Hann window keeps a tone's power within two bins on either side of its peak.
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2
    peak = int(np.argmax(power))
    tone = power[max(0, peak - 2) : peak + 3].sum()
    return Heard(
        seconds=seconds,
        level_dbov=20 * math.log10(rms / OVERLOAD),
        frequency_hz=peak * SAMPLE_RATE / len(signal),
        purity=float(tone / power.sum()),
    )
