"""What is heard in copied packets: G.711 at once, other codecs when somebody has decoded them."""

import numpy as np
import pytest

from rtp_analyzer.audio.health import dbov
from rtp_analyzer.audio.listening import TABLES, hear_decoded, hear_samples
from rtp_analyzer.audio.state import A_LAW, HEARING, MU_LAW, PIECE
from rtp_analyzer.measure.state import STREAM
from rtp_analyzer.sounds.g711 import a_law, mu_law
from rtp_analyzer.sounds.tone import LEVEL_DBM0, tone
from tests.unit.rtp_analyzer.audio.audio_builders import MILLIWATT, SILENCE, SSRC, samples, sine

LAWS = {"PCMA": A_LAW, "PCMU": MU_LAW}


def encode(sound, encoding: str) -> bytes:
    """The first 20 ms as a packet."""
    law = {"PCMA": a_law, "PCMU": mu_law}[encoding]
    return law(sound[:160].astype(np.float64)).tobytes()


class Ear:
    """The streams and hearings of one leg."""

    def __init__(self, ssrc: int = SSRC) -> None:
        self.streams = np.zeros(4, STREAM)
        self.streams["ssrc"] = ssrc
        self.hearings = np.zeros(4, HEARING)

    def hear(self, batch) -> list[int]:
        others = np.zeros(len(batch), np.int64)
        count = hear_samples(batch, TABLES, self.streams, self.hearings, others)
        return others[:count].tolist()

    def level(self, slot: int = 0) -> float:
        heard = self.hearings[slot]["total"]
        return dbov(heard["square_s"] / heard["judged_s"])


def level_of(payloads, encoding) -> float:
    ear = Ear()
    ear.hear(samples(payloads, encoding))
    return ear.level()


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_the_digital_milliwatt_lies_6_db_below_overload(encoding):
    # RFC 6464 4: 0 dBov is 6.18 dBm0 in u-law.
    assert level_of([MILLIWATT[encoding]], encoding) == pytest.approx(-6.1, abs=0.1)


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_the_tone_of_998_lies_10_db_below_the_milliwatt(encoding):
    packets = [bytes(packet) for packet in tone().packets[encoding]]

    below = level_of([MILLIWATT[encoding]], encoding) - level_of(packets, encoding)

    assert below == pytest.approx(-LEVEL_DBM0, abs=0.15)


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_a_sine_as_high_as_the_highest_code_lies_3_db_below_overload(encoding):
    highest = {"PCMA": 4032 / 4096, "PCMU": 8031 / 8159}[encoding]

    level = level_of([encode(sine(highest), encoding)], encoding)

    assert level == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_the_highest_code_is_full_scale(encoding):
    octets = np.frombuffer(encode(np.array([1.0, -1.0]), encoding), np.uint8)

    assert TABLES[LAWS[encoding]][octets].tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [
        ("PCMA", [0xD5]),
        ("PCMA", [0xD5, 0x55]),
        ("PCMU", [0xFF]),
        ("PCMU", [0xFF, 0x7F]),
        ("PCMU", [0xFE, 0x7E]),
    ],
    ids=["A-law zero", "A-law idle", "u-law zero", "u-law both zeros", "u-law of an A-law zero"],
)
def test_what_transcoders_make_of_nothing_is_digital_silence(encoding, octets):
    assert level_of([bytes(octets) * 80], encoding) == -127.0


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_the_weakest_noise_is_more_than_digital_silence(encoding):
    noise = np.random.default_rng(1).choice([-2, 0, 2], 160) / 4096

    assert -127 < level_of([encode(noise, encoding)], encoding) < -60


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_an_overloaded_sine_is_clipped_and_a_loud_one_is_not(encoding):
    clipped_s = {}
    for amplitude in (1.0, 2.0):
        ear = Ear()
        ear.hear(samples([encode(sine(amplitude), encoding)] * 10, encoding))
        clipped_s[amplitude] = ear.hearings[0]["total"]["clipped_s"]

    assert clipped_s[1.0] == 0
    assert clipped_s[2.0] > 0.05


def test_streams_are_heard_for_themselves():
    ear = Ear()

    ear.hear(np.concatenate([samples([SILENCE["PCMA"]], "PCMA"), samples([MILLIWATT["PCMU"]], "PCMU", slot=2)]))

    assert (ear.level(0), ear.hearings[1]["open"]) == (-127, 0)
    assert ear.level(2) == pytest.approx(-6.1, abs=0.1)


def test_packets_of_a_stream_that_has_gone_are_passed_over():
    ear = Ear(ssrc=SSRC + 1)

    ear.hear(samples([MILLIWATT["PCMA"]], "PCMA"))
    hear_decoded(samples([bytes(20)], "G729"), piece(160), np.ones(160, np.int16), ear.streams, ear.hearings)

    assert not ear.hearings["open"].any()


def test_other_codecs_are_left_to_a_decoder():
    batch = np.concatenate([samples([MILLIWATT["PCMA"]] * 2, "PCMA"), samples([bytes(20)], "G729", slot=1)])

    ear = Ear()

    assert ear.hear(batch) == [2]
    assert not ear.hearings[1]["open"]


def piece(count: int, rate: int = 8000):
    return np.array([(0, rate, 0, count)], PIECE)


def test_decoded_sound_is_measured_against_16_bits():
    ear = Ear()
    pcm = (sine(1.0, rate=48000, seconds=0.02) * 32767).astype(np.int16)

    hear_decoded(samples([bytes(40)], "OPUS"), piece(len(pcm), 48000), pcm, ear.streams, ear.hearings)

    assert ear.level() == pytest.approx(-3.0, abs=0.05)
    assert ear.hearings[0]["total"]["judged_s"] == pytest.approx(0.02)
    assert ear.hearings[0]["decoded"]
