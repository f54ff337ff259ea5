"""Which packets a decoder gets, and what becomes of them when there is no time, or when they are no sound."""

import numpy as np

from rtp_analyzer.audio.runs import RUN_IN, decode_runs, runs_of
from tests.unit.rtp_analyzer.audio.audio_builders import SSRC, samples

TEN = [bytes([number] * 20) for number in range(10)]


def constant(codec, payloads):
    """A decoder whose sound tells which packet it was."""
    for payload in payloads:
        yield np.full(80, payload[0], np.int16), 8000


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def standing() -> float:
    return 0.0


def test_packets_in_sequence_are_a_run():
    batch = samples(TEN, "G729", first=65_530)

    assert runs_of(batch) == [list(range(10))]


def test_streams_that_arrive_together_are_runs_of_their_own():
    one, other = samples(TEN, "G729"), samples(TEN, "G729", slot=1, ssrc=SSRC + 1)
    batch = np.stack([one, other], axis=1).ravel()

    assert runs_of(batch) == [list(range(0, 20, 2)), list(range(1, 20, 2))]


def test_a_lost_packet_ends_a_run():
    batch = np.delete(samples(TEN, "G729"), 4)

    assert runs_of(batch) == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]


def test_another_codec_is_another_run():
    batch = np.concatenate([samples(TEN[:5], "G729"), samples(TEN[5:], "G722", first=1005)])

    assert runs_of(batch) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_a_run_that_would_only_prepare_the_decoder_is_left_out():
    assert runs_of(samples(TEN[:RUN_IN], "G729")) == []
    assert runs_of(samples([], "G729")) == []


def test_the_beginning_of_a_run_prepares_the_decoder_and_is_not_heard():
    batch = samples(TEN, "G729")

    pieces, pcm = decode_runs(batch, runs_of(batch), constant, standing, budget_s=1).arrays()

    assert pieces["index"].tolist() == list(range(RUN_IN, 10))
    assert [pcm[piece["first"]] for piece in pieces] == list(range(RUN_IN, 10))
    assert {(int(piece["rate"]), int(piece["samples"])) for piece in pieces} == {(8000, 80)}
    assert len(pcm) == 80 * (10 - RUN_IN)


def test_what_there_is_no_time_for_is_left_and_told():
    batch = np.concatenate([samples(TEN, "G729", slot=slot) for slot in range(4)])

    outcome = decode_runs(batch, runs_of(batch), constant, Clock(), budget_s=2.5)

    assert outcome.left == 20
    assert len(outcome.pieces) == 2 * (10 - RUN_IN)


def test_a_packet_that_is_no_sound_is_passed_over():
    def gappy(codec, payloads):
        for sound, payload in zip(constant(codec, payloads), payloads, strict=True):
            yield None if payload[0] == 6 else sound

    batch = samples(TEN, "G729")

    pieces, pcm = decode_runs(batch, runs_of(batch), gappy, standing, budget_s=1).arrays()

    assert pieces["index"].tolist() == [3, 4, 5, 7, 8, 9]
    assert [pcm[piece["first"]] for piece in pieces] == [3, 4, 5, 7, 8, 9]


def test_nothing_decoded_is_two_empty_arrays():
    pieces, pcm = decode_runs(samples([], "G729"), [], constant, standing, budget_s=1).arrays()

    assert (len(pieces), len(pcm)) == (0, 0)
