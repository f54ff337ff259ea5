"""Makes the sounds that are played in codecs which this project cannot encode by itself: `python make_prompts.py`.

Their product is kept in the repository (rtp_analyzer/sounds/*.npz: per codec an array of packets), so this runs only
when a text changes. It needs the programs espeak-ng and ffmpeg, and the libraries libopus and libbcg729 (Debian:
libopus0, libbcg729-0).
"""

import ctypes
import subprocess
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.sounds import tone
from rtp_analyzer.sounds.prompts import FOLDER

Samples = NDArray[np.float64]  # within -1..1, 16000 a second

RATE = 16_000
PACKET_SAMPLES = RATE // 50
WORDS_A_MINUTE = 175
OPUS_OCTETS = 40  # a packet: 16 kbit/s
PEAK = 0.5
# Codecs remember: around each clip it is quiet for so long that it does not matter which one came before.
LEAD_S, NUMBER_PAUSE_S, PHRASE_PAUSE_S = 0.02, 0.06, 0.2

TEXTS = {
    "en": {
        "intro": "This is how your voice arrived here.",
        "score": "Quality score",
        "loss": "packet loss",
        "jitter": "jitter",
        "point": "point",
        "percent": "percent",
        "milliseconds": "milliseconds",
        "less than": "less than",
        "more than": "more than",
        "unknown": "unknown",
        "nothing": "No sound arrived from your phone.",
        "goodbye": "Goodbye.",
    },
    "it": {
        "intro": "Ecco come è arrivata la tua voce.",
        "score": "Punteggio di qualità",
        "loss": "pacchetti persi",
        "jitter": "gìtter",
        "point": "virgola",
        "percent": "per cento",
        "milliseconds": "millisecondi",
        "less than": "meno di",
        "more than": "più di",
        "unknown": "sconosciuto",
        "nothing": "Dal tuo telefono non è arrivato alcun suono.",
        "goodbye": "Arrivederci.",
    },
}
# ventuno, ventotto: in Italian these two units take the end of the ten with them.
FURTHER_NUMBERS = {"en": [], "it": [ten + unit for ten in range(20, 100, 10) for unit in (1, 8)]}


def main() -> None:
    """Writes all files."""
    for language, texts in TEXTS.items():
        numbers = sorted([*range(21), *range(30, 101, 10), *FURTHER_NUMBERS[language]])
        clips = {name: padded(spoken(text, language), PHRASE_PAUSE_S) for name, text in texts.items()}
        clips |= {str(number): padded(spoken(str(number), language), NUMBER_PAUSE_S) for number in numbers}
        packets = encoded(np.concatenate(list(clips.values())))
        counts = [len(clip) // PACKET_SAMPLES for clip in clips.values()]
        np.savez_compressed(FOLDER / f"{language}.npz", words=list(clips), counts=counts, **packets)
    # From the middle of a long tone, where every codec has settled.
    amplitude = 10 ** ((tone.LEVEL_DBM0 - tone.FULL_SCALE_DBM0["PCMA"]) / 20)
    long_tone = amplitude * np.sin(2 * np.pi * tone.FREQUENCY_HZ / RATE * np.arange(5 * RATE))
    packets = {encoding: each[100 : 100 + tone.PERIOD_PACKETS] for encoding, each in encoded(long_tone).items()}
    del packets["PCMA"]  # is computed
    np.savez_compressed(FOLDER / "tone.npz", **packets)


def encoded(samples: Samples) -> dict[str, NDArray[np.uint8]]:
    """By encoding, a packet a row."""
    count = len(samples) // PACKET_SAMPLES
    packets = {encoding: b"".join(encode(samples)) for encoding, encode in ENCODERS.items()}
    return {encoding: np.frombuffer(octets, np.uint8).reshape(count, -1) for encoding, octets in packets.items()}


def spoken(text: str, language: str) -> Samples:
    """A text without the silence around it."""
    espeak = ["espeak-ng", "-v", language, "-s", str(WORDS_A_MINUTE), "--stdout", text]
    samples = from_16_bits(ffmpeg(["-i", "-"], run(espeak), ["-ar", str(RATE), "-f", "s16le"]))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    return samples * (PEAK / np.max(np.abs(samples)))


def padded(samples: Samples, pause_s: float) -> Samples:
    """With quiet around it, in whole packets."""
    whole = int(LEAD_S * RATE) + len(samples) + int(pause_s * RATE)
    result = np.zeros(-(-whole // PACKET_SAMPLES) * PACKET_SAMPLES)
    result[int(LEAD_S * RATE) :][: len(samples)] = samples
    return result


def ffmpeg(source: list[str], octets: bytes, result: list[str]) -> bytes:
    return run(["ffmpeg", "-v", "error", *source, "-ac", "1", *result, "-"], octets)


def run(command: list[str], octets: bytes = b"") -> bytes:
    return subprocess.run(command, input=octets, check=True, capture_output=True).stdout  # noqa: S603  # all our own


def to_16_bits(samples: Samples) -> bytes:
    return np.round(samples * 32767).astype("<i2").tobytes()


def from_16_bits(octets: bytes) -> Samples:
    return np.frombuffer(octets, "<i2") / 32768


def chopped(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))


def with_ffmpeg(options: list[str]) -> Callable[[Samples], Iterator[bytes]]:
    source = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
    return lambda samples: chopped(ffmpeg(source, to_16_bits(samples), options), 160)


def opus(samples: Samples) -> Iterator[bytes]:
    """RFC 6716 at a constant bit rate, each packet independent of those before."""
    library = ctypes.CDLL("libopus.so.0")
    library.opus_encoder_create.restype = ctypes.c_void_p
    voip, set_bitrate, set_vbr, set_prediction_disabled = 2048, 4002, 4006, 4046
    encoder = ctypes.c_void_p(library.opus_encoder_create(RATE, 1, voip, None))
    for request, value in ((set_bitrate, OPUS_OCTETS * 8 * 50), (set_vbr, 0), (set_prediction_disabled, 1)):
        library.opus_encoder_ctl(encoder, request, ctypes.c_int(value))
    packet = ctypes.create_string_buffer(1500)
    for frame in chopped(to_16_bits(samples), 2 * PACKET_SAMPLES):
        size = library.opus_encode(encoder, frame, PACKET_SAMPLES, packet, len(packet))
        yield packet.raw[:size]


def g729(samples: Samples) -> Iterator[bytes]:
    """G.729A without Annex B, two frames of 10 ms a packet."""
    library = ctypes.CDLL("libbcg729.so.0")
    library.initBcg729EncoderChannel.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.initBcg729EncoderChannel(ctypes.c_uint8(0)))
    source = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
    narrow = ffmpeg(source, to_16_bits(samples), ["-ar", "8000", "-f", "s16le"])
    frame, size = ctypes.create_string_buffer(10), ctypes.c_uint8()
    encoded = b""
    for octets in chopped(narrow, 2 * 80):
        library.bcg729Encoder(encoder, octets, frame, ctypes.byref(size))
        encoded += frame.raw
    return chopped(encoded, 20)


ENCODERS: dict[str, Callable[[Samples], Iterator[bytes]]] = {
    "PCMA": with_ffmpeg(["-ar", "8000", "-f", "alaw"]),
    "G722": with_ffmpeg(["-f", "g722"]),
    "G729": g729,
    "OPUS": opus,
}

if __name__ == "__main__":
    main()
