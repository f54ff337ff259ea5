"""Real packets of G.722, G.729 and Opus, decoded by PyAV: the level that went in comes out, and noise harms nothing."""

import io
import random
from fractions import Fraction

import numpy as np
import pytest

from rtp_analyzer.audio.health import health_of
from rtp_analyzer.audio.listening import TABLES, hear_decoded, hear_samples
from rtp_analyzer.audio.runs import RUN_IN
from rtp_analyzer.audio.state import CODECS, FIRST_DECODED, HEARING, PIECE, SAMPLE
from rtp_analyzer.audio.wire import ANSWER, BATCH
from rtp_analyzer.measure.state import STREAM
from rtp_analyzer.sounds.prompts import packets_of
from shared.events import AudioHealth
from tests.unit.rtp_analyzer.audio.audio_builders import SSRC, cut_hearing, samples, sine

av = pytest.importorskip("av", reason="PyAV is not installed: it is the extra `audio` of vqm-rtp-analyzer")

from rtp_analyzer.audio import decoding  # noqa: E402  # it needs PyAV

DECODED = ["G722", "G729", "OPUS"]
ENCODERS = {"G722": ("g722", 16_000), "OPUS": ("libopus", 48_000)}


def encoded(sound, encoding: str) -> list[bytes]:
    """Packets of 20 ms, made by an encoder of FFmpeg."""
    name, rate = ENCODERS[encoding]
    context = av.CodecContext.create(name, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", "s16"
    context.time_base = Fraction(1, rate)
    context.bit_rate = 64_000
    if encoding == "OPUS":
        context.options = {"vbr": "off"}
    pcm = (np.asarray(sound) * 32767).astype(np.int16)
    payloads = []
    for first in range(0, len(pcm) - rate // 50 + 1, rate // 50):
        frame = av.AudioFrame.from_ndarray(pcm[None, first : first + rate // 50], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, first
        payloads += [bytes(packet) for packet in context.encode(frame)]
    return payloads


def served(batch, budget_s: float = 10.0):
    """What the decoding process answers to one batch."""
    source, sink = io.BytesIO(BATCH.pack(len(batch)) + batch.tobytes()), io.BytesIO()
    decoding.serve(source, sink, budget_s, random.Random(1))
    answer = sink.getvalue()
    pieces, count, left, idle = ANSWER.unpack_from(answer)
    split = ANSWER.size + pieces * PIECE.itemsize
    assert len(answer) == split + 2 * count
    found = np.frombuffer(bytearray(answer[ANSWER.size : split]), PIECE)
    return found, np.frombuffer(bytearray(answer[split:]), np.int16), left, idle


def health(payloads, encoding: str) -> AudioHealth:
    """Of a whole stream, all packets of which are judged."""
    streams, hearings = np.zeros(1, STREAM), np.zeros(1, HEARING)
    streams["ssrc"] = SSRC
    batch = samples(payloads, encoding)
    if CODECS[encoding] < FIRST_DECODED:
        hear_samples(batch, TABLES, streams, hearings, np.zeros(len(batch), np.int64))
    else:
        pieces, pcm, _, _ = served(batch)
        hear_decoded(batch, pieces, pcm, streams, hearings)
    told = health_of(cut_hearing(hearings, 0), len(payloads), len(payloads), "not_judged").total
    assert told is not None
    return told


@pytest.mark.parametrize("encoding", ["G722", "OPUS"])
@pytest.mark.parametrize("wanted", [-10.0, -26.0])
def test_a_tone_comes_out_as_loud_as_it_went_in(encoding, wanted):
    tone = sine(10 ** ((wanted + 3.01) / 20), rate=ENCODERS[encoding][1])

    told = health(encoded(tone, encoding), encoding)

    assert told.level_dbov == pytest.approx(wanted, abs=0.7)
    assert (told.source, told.silence_percent, told.clipping_percent, told.dead_air_s) == ("decoded", 0, 0, 0)


@pytest.mark.parametrize("encoding", ["G722", "OPUS"])
def test_digital_silence_is_still_digital_silence_behind_a_codec(encoding):
    told = health(encoded(np.zeros(ENCODERS[encoding][1] * 2), encoding), encoding)

    assert (told.level_dbov, told.silence_percent) == (-127, 100)
    assert told.dead_air_s == pytest.approx(2 - 0.02 * (RUN_IN + 1), abs=0.05)


@pytest.mark.parametrize("encoding", ["G722", "OPUS"])
def test_an_overloaded_wave_is_clipped_behind_a_codec(encoding):
    told = health(encoded(sine(4.0, frequency_hz=300, rate=ENCODERS[encoding][1]), encoding), encoding)

    assert told.clipping_percent is not None
    assert told.clipping_percent > 10


@pytest.mark.parametrize("encoding", DECODED)
@pytest.mark.parametrize("language", ["en", "it"])
def test_spoken_sentences_sound_the_same_in_every_codec(encoding, language):
    spoken = {name: [bytes(packet) for packet in rows[:400]] for name, rows in packets_of(language).items()}

    told, plain = health(spoken[encoding], encoding), health(spoken["PCMA"], "PCMA")

    assert told.active_level_dbov == pytest.approx(plain.active_level_dbov, abs=1.5)
    assert told.peak_dbov == pytest.approx(plain.peak_dbov, abs=3)
    assert told.silence_percent == pytest.approx(plain.silence_percent, abs=10)
    assert told.clipping_percent == plain.clipping_percent == 0


@pytest.mark.parametrize("encoding", DECODED)
def test_what_is_no_sound_harms_nothing(encoding):
    noise = random.Random(encoding)
    payloads = [noise.randbytes(noise.randrange(8, 320)) for _ in range(300)]

    pieces, pcm, _, _ = served(samples(payloads, encoding))

    assert (pieces["index"] < 300).all()
    assert (pieces["first"] + pieces["samples"] <= len(pcm)).all()


def test_without_time_everything_is_left():
    batch = samples([bytes(packet) for packet in packets_of("en")["G729"][:50]], "G729")

    pieces, pcm, left, idle = served(batch, budget_s=0.0)

    assert (len(pieces), len(pcm), left, idle) == (0, 0, 50, False)


def test_a_batch_that_is_cut_short_ends_the_process():
    batch = np.zeros(3, SAMPLE)

    decoding.serve(io.BytesIO(BATCH.pack(3)[:2]), io.BytesIO(), 1.0, random.Random(1))
    with pytest.raises(ValueError, match="buffer"):
        decoding.serve(io.BytesIO(BATCH.pack(3) + batch.tobytes()[:-7]), io.BytesIO(), 1.0, random.Random(1))
