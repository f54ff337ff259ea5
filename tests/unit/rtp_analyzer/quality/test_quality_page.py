"""docs/quality.md is what the code computes, and says of other tools what their formulas give."""

import re
from collections.abc import Callable
from math import floor
from pathlib import Path

import pytest

from rtp_analyzer.quality import codecs
from rtp_analyzer.quality.codecs import RATED, CodecRating, unrated
from rtp_analyzer.quality.document import REFERENCES, Reference, bearable_loss_percent, computed, document
from rtp_analyzer.quality.opinion import mos
from rtp_analyzer.quality.score import listening_mos

PAGE = Path(__file__).parents[4] / "docs" / "quality.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == document(), "run `make quality-doc`"


@pytest.mark.parametrize("wanted", REFERENCES, ids=lambda wanted: f"{wanted.codec} {wanted.loss_percent}")
def test_the_references_of_the_page_hold(wanted: Reference) -> None:
    r, score = computed(wanted)

    assert r == pytest.approx(wanted.r, abs=0.0051)
    assert score == pytest.approx(wanted.mos, abs=0.00051)


@pytest.mark.parametrize("rating", RATED, ids=lambda rating: rating.codec)
def test_the_loss_that_a_codec_bears_leads_to_that_mos(rating: CodecRating) -> None:
    percent = bearable_loss_percent(rating, 3.6)

    score = listening_mos(rating, percent)
    assert score is not None
    assert score == pytest.approx(3.6, abs=1e-6) if percent else score <= 3.6


def test_what_is_not_known_bears_no_number() -> None:
    with pytest.raises(ValueError, match="no values"):
        bearable_loss_percent(unrated("X", "nobody measured it"), 3.6)


def g107(bpl: float) -> Callable[[float], float]:
    return lambda loss: mos(93.2 - 95 * loss / (loss + bpl))


def voipmonitor(loss: float) -> float:
    if loss == 0:
        return 4.5
    r = 93.2062077233 - 95 * loss / (loss + 17.2647)
    return 2.06405 + 0.031738 * r - 0.000356641 * r**2 + 2.93143e-6 * r**3


def sip_exporter(loss: float) -> float:
    fraction = loss / 100
    return mos(93.2 - 95 * fraction / (fraction / 10 + 1))


def heplify(loss: float) -> float:
    # latency 0 and jitter 0 are an effective latency of 10 ms
    r = 93.2 - 10 / 40 - 2.5 * int(loss)
    return 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)


def rtpengine(loss: float) -> float:
    r = 93.2 - loss
    return floor(10 * mos(0.18 * r**2 - 27.9 * r + 1126.62 - 0.024 * 50)) / 10  # a round trip of 100 ms


@pytest.mark.parametrize(
    ("column", "formula", "decimals"),
    [
        (1, lambda loss: listening_mos(codecs.G711, loss), 2),
        (2, g107(4.3), 2),
        (3, voipmonitor, 2),
        (4, lambda loss: mos(100 - loss), 2),
        (5, sip_exporter, 2),
        (6, g107(4.3), 2),
        (7, heplify, 2),
        (8, g107(10), 2),
        (9, rtpengine, 1),
    ],
)
def test_a_column_about_another_tool_is_what_its_formula_gives(
    column: int, formula: Callable[[float], float], decimals: int
) -> None:
    section = PAGE.read_text("utf-8").partition("## Beside other tools")[2]
    rows = [row.split(" | ") for row in re.findall(r"^\| (\d.*) \|$", section, re.M)]

    assert len(rows) == 7
    for row in rows:
        assert float(row[column]) == pytest.approx(formula(float(row[0])), abs=0.51 * 10**-decimals + 1e-3)
