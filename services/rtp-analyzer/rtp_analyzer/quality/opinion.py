"""From R to what people say, and back (G.107 Annex B and Appendix I, G.109). R on the narrowband scale, 0 to 100."""

from math import atan2, cos, pi, sqrt
from statistics import NormalDist
from typing import Final

_GOOD_OR_BETTER: Final = NormalDist(60, 16)
_POOR_OR_WORSE: Final = NormalDist(45, 16)
# ITU-T G.109 Table 1: lower limit of R, and what users say
CATEGORIES: Final = (
    (90.0, "very satisfied"),
    (80.0, "satisfied"),
    (70.0, "some users dissatisfied"),
    (60.0, "many users dissatisfied"),
    (50.0, "nearly all users dissatisfied"),
)
NOT_RECOMMENDED: Final = "not recommended"


def mos(r: float) -> float:
    """The mean opinion score of G.107 Annex B, 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # G.107 Annex B. The cubic is below 1 for 0 < R < 6.5, which is no opinion anybody can have.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def r_of_mos(score: float) -> float:
    """The R that gives a MOS of 1 to 4.5 (G.107 Appendix I); of all R up to 6.5, which give 1.0, the highest.

    Raises ValueError for a score that no R gives.
    """
    if not 1 <= score <= 4.5:
        raise ValueError(f"no R gives a MOS of {score}")
    # G.107 Appendix I
    h = atan2(15 * sqrt(-903522 + 1113960 * score - 202500 * score**2), 18566 - 6750 * score) / 3
    return 20 / 3 * (8 - sqrt(226) * cos(h + pi / 3))


def good_or_better_percent(r: float) -> float:
    """GoB: how many would call it good or better (G.107 Annex B)."""
    return 100 * _GOOD_OR_BETTER.cdf(r)


def poor_or_worse_percent(r: float) -> float:
    """PoW: how many would call it poor or worse (G.107 Annex B)."""
    return 100 * (1 - _POOR_OR_WORSE.cdf(r))


def category(r: float) -> str:
    """The words of ITU-T G.109."""
    return next((words for limit, words in CATEGORIES if r >= limit), NOT_RECOMMENDED)
