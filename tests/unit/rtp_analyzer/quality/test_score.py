"""The published verdict: on which scale, what it is made of, and what of a measured burst ratio is believed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.quality import codecs
from rtp_analyzer.quality.codecs import AMR_WB, EVS, OPUS, RATED, CodecRating, unrated
from rtp_analyzer.quality.score import admitted_burst_r, conversational, listening_mos, score

ratings = st.sampled_from(RATED)
shares_percent = st.floats(0, 50)
burst_ratios = st.floats(1, 50)
one_a_scale = pytest.mark.parametrize("rating", [codecs.G711, AMR_WB[12.65], EVS[24.4]], ids=["nb", "wb", "fb"])


@pytest.mark.parametrize(
    ("rating", "scale", "mos"),
    [(codecs.G711, "nb", 4.409), (codecs.G722, "wb", 4.334), (EVS[24.4], "fb", 4.444), (OPUS[24.4], "fb", 4.444)],
)
def test_a_clean_stream_has_the_best_mos_of_its_codec_and_scale(rating: CodecRating, scale: str, mos: float) -> None:
    verdict = score(rating, loss_percent=0)

    assert (verdict.scale, verdict.kind, verdict.grounding) == (scale, "LQ", rating.grounding)
    assert verdict.mos == pytest.approx(mos, abs=5e-4)
    assert verdict.assumption == rating.described


@given(ratings, shares_percent, shares_percent, burst_ratios, st.floats(0, 1000))
def test_the_published_waterfall_adds_up_on_every_scale(
    rating: CodecRating, loss_percent: float, discard_percent: float, burst_r: float, delay_ms: float
) -> None:
    listening = score(rating, loss_percent, discard_percent, burst_r)

    for verdict in (listening, conversational(listening, delay_ms)):
        assert verdict is not None
        fall = verdict.waterfall
        assert fall is not None
        parts = fall.simultaneous + fall.delay + fall.codec + fall.loss + fall.burst + fall.discard
        assert fall.ro - parts == pytest.approx(fall.r, abs=1e-9)
        assert fall.r == verdict.r_factor
        assert (fall.ie, fall.bpl) == (rating.ie, rating.bpl)


@given(ratings, shares_percent, shares_percent, burst_ratios)
def test_the_short_way_to_a_mos_gives_the_same(
    rating: CodecRating, loss_percent: float, discard_percent: float, burst_r: float
) -> None:
    verdict = score(rating, loss_percent, discard_percent, burst_r)

    assert listening_mos(rating, loss_percent + discard_percent, burst_r) == pytest.approx(verdict.mos, abs=1e-9)


@pytest.mark.parametrize(
    ("rating", "loss_percent", "delay_ms", "mos"),
    [
        (codecs.G711, 0, 300, 3.719),
        (codecs.G729_VAD, 2, 150, 3.622),
        (EVS[24.4], 3, 200, 3.801),
        (codecs.G711, 0, -5, 4.409),
    ],
)
def test_a_delay_makes_it_the_quality_of_a_conversation(
    rating: CodecRating, loss_percent: float, delay_ms: float, mos: float
) -> None:
    verdict = conversational(score(rating, loss_percent), delay_ms)

    assert verdict is not None
    assert (verdict.kind, verdict.scale, verdict.grounding) == ("CQ", rating.scale, rating.grounding)
    assert verdict.mos == pytest.approx(mos, abs=5e-4)


@one_a_scale
def test_conversing_is_never_better_than_listening(rating: CodecRating) -> None:
    listening = score(rating, loss_percent=1)

    conversations = [conversational(listening, delay_ms) for delay_ms in range(0, 1001, 10)]

    scores = [verdict.mos for verdict in (listening, *conversations) if verdict is not None and verdict.mos is not None]
    assert len(scores) == 102
    assert scores == sorted(scores, reverse=True)


def test_a_codec_without_a_value_has_no_mos_but_a_reason() -> None:
    rating = unrated("X", "nobody measured it")

    verdict = score(rating, loss_percent=1)

    assert (verdict.grounding, verdict.mos, verdict.r_factor, verdict.waterfall) == ("none", None, None, None)
    assert verdict.assumption == "nobody measured it"
    assert listening_mos(rating, 1) is None
    assert conversational(verdict, 100) is None


class TestBurstRatio:
    @pytest.mark.parametrize("rating", [codecs.GSM_EFR, codecs.G726_32, codecs.G722, EVS[24.4]])
    def test_it_counts_only_with_a_stateful_concealment_on_the_narrowband_scale(self, rating: CodecRating) -> None:
        assert admitted_burst_r(rating, 5, 2) == 1
        assert score(rating, 5, burst_r=2).mos == score(rating, 5).mos

    @pytest.mark.parametrize("rating", [codecs.G711, codecs.G729_VAD, codecs.G723_63_VAD])
    def test_it_is_valid_up_to_two(self, rating: CodecRating) -> None:
        assert [admitted_burst_r(rating, 5, ratio) for ratio in (0.5, 1, 1.5, 2, 8)] == [1, 1, 1.5, 2, 2]

    def test_it_may_be_larger_the_less_is_lost(self) -> None:
        assert [admitted_burst_r(codecs.G711, percent, 8) for percent in (0, 0.25, 0.5, 1, 2, 50)] == [2, 8, 8, 4, 2, 2]

    def test_one_that_is_not_known_is_none(self) -> None:
        assert admitted_burst_r(codecs.G711, 5, float("nan")) == 1

    @pytest.mark.parametrize(
        ("rating", "loss_percent", "burst_r", "r"),
        [(codecs.G711, 5, 2, 76.00), (codecs.G711, 1, 4, 89.46), (codecs.G729_VAD, 2, 2, 73.81)],
    )
    def test_it_costs_what_g107_says(self, rating: CodecRating, loss_percent: float, burst_r: float, r: float) -> None:
        verdict = score(rating, loss_percent, burst_r=burst_r)

        assert verdict.r_factor == pytest.approx(r, abs=0.0051)
        assert verdict.waterfall is not None
        assert verdict.waterfall.burst > 0

    @pytest.mark.parametrize("burst_r", [1, 2, 4, 20])
    @pytest.mark.parametrize("rating", RATED, ids=lambda rating: rating.codec)
    def test_more_loss_never_helps_and_never_jumps(self, rating: CodecRating, burst_r: float) -> None:
        scores = [listening_mos(rating, i / 100, burst_r) or 0 for i in range(10_001)]

        steps = [after - before for before, after in itertools.pairwise(scores)]
        assert max(steps) <= 1e-12
        assert min(steps) > -0.01
        assert min(scores) >= 1
        assert max(scores) <= 4.5
