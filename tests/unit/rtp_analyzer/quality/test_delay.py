"""The budget from mouth to ear."""

import pytest

from rtp_analyzer.quality.delay import PLAY_OUT_MS, mouth_to_ear


def test_the_parts_add_up() -> None:
    budget = mouth_to_ear("G729", ptime_ms=20, network_ms=40, buffer_ms=50)

    assert budget is not None
    assert (budget.packetisation_ms, budget.look_ahead_ms, budget.network_ms) == (20, 5, 40)
    assert (budget.buffer_ms, budget.play_out_ms) == (50, PLAY_OUT_MS)
    assert budget.total_ms == 20 + 5 + 40 + 50 + PLAY_OUT_MS


@pytest.mark.parametrize(("encoding", "look_ahead_ms"), [("pcma", 0), ("G722", 1.5), ("OPUS", 6.5), ("EVS", 12)])
def test_a_codec_may_look_ahead(encoding: str, look_ahead_ms: float) -> None:
    budget = mouth_to_ear(encoding, 20, 0, 0)

    assert budget is not None
    assert budget.look_ahead_ms == look_ahead_ms


@pytest.mark.parametrize(("ptime_ms", "look_ahead_ms"), [(20, 5), (40, 5), (30, 10), (60, 10)])
def test_ilbc_looks_ahead_as_its_frame_is_long(ptime_ms: float, look_ahead_ms: float) -> None:
    budget = mouth_to_ear("ILBC", ptime_ms, 0, 0)

    assert budget is not None
    assert budget.look_ahead_ms == look_ahead_ms


def test_the_play_out_may_be_known_better() -> None:
    budget = mouth_to_ear("PCMA", 20, 10, 30, play_out_ms=12)

    assert budget is not None
    assert budget.total_ms == 72


def test_a_codec_of_unknown_look_ahead_has_no_budget() -> None:
    assert mouth_to_ear("SPEEX", 20, 10, 30) is None
