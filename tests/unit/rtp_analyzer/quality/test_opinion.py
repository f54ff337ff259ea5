"""R and what people say of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.quality.opinion import category, good_or_better_percent, mos, poor_or_worse_percent, r_of_mos


@pytest.mark.parametrize(
    ("r", "wanted"), [(90, 4.339), (80, 4.024), (70, 3.597), (60, 3.100), (50, 2.575), (0, 1), (100, 4.5)]
)
def test_the_table_of_annex_b_holds(r: float, wanted: float) -> None:
    assert mos(r) == pytest.approx(wanted, abs=5e-4)


def test_a_mos_never_falls_below_one() -> None:
    assert [mos(r) for r in (-20, -0.001, 0.001, 3.22, 6.5)] == [1.0] * 5


@given(st.floats(-1000, 1000))
def test_a_mos_stays_in_its_range(r: float) -> None:
    assert 1 <= mos(r) <= 4.5


@given(st.floats(-10, 110), st.floats(0, 10))
def test_a_mos_never_falls_when_r_rises(r: float, more: float) -> None:
    assert mos(r + more) >= mos(r)


@given(st.floats(6.6, 100))
def test_r_is_found_again_from_its_mos(r: float) -> None:
    assert r_of_mos(mos(r)) == pytest.approx(r, abs=1e-6)


def test_the_worst_mos_stands_for_the_highest_r_that_gives_it() -> None:
    assert r_of_mos(1.0) == pytest.approx(6.515, abs=5e-4)


@pytest.mark.parametrize("score", [0.999, 4.501, float("nan"), float("inf")])
def test_a_score_that_no_r_gives_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="no R gives"):
        r_of_mos(score)


@pytest.mark.parametrize(
    ("r", "good", "poor"), [(90, 97, 0), (80, 89, 1), (70, 73, 6), (60, 50, 17), (50, 27, 38), (45, 17, 50)]
)
def test_the_shares_of_users_are_those_of_annex_b(r: float, good: float, poor: float) -> None:
    assert good_or_better_percent(r) == pytest.approx(good, abs=0.6)
    assert poor_or_worse_percent(r) == pytest.approx(poor, abs=1)


@pytest.mark.parametrize(
    ("r", "words"),
    [
        (93.2, "very satisfied"),
        (90, "very satisfied"),
        (89.9, "satisfied"),
        (70, "some users dissatisfied"),
        (60, "many users dissatisfied"),
        (50, "nearly all users dissatisfied"),
        (49.9, "not recommended"),
        (-5, "not recommended"),
    ],
)
def test_the_words_are_those_of_g109(r: float, words: str) -> None:
    assert category(r) == words
