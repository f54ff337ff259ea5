"""The table of codec values, and that none is shown without saying where it comes from."""

import pytest

from rtp_analyzer.quality import codecs
from rtp_analyzer.quality.codecs import AMR_WB, EVS, OPUS, RATED, UNVERIFIED, CodecRating, unrated
from rtp_analyzer.quality.emodel import SCALES, PacketImpairment, rate
from rtp_analyzer.quality.line import DEFAULT_LINE


@pytest.mark.parametrize(
    ("rating", "ie", "bpl"),
    [
        (codecs.G711, 0, 25.1),
        (codecs.G729_VAD, 11, 19.0),
        (codecs.G723_63_VAD, 15, 16.1),
        (codecs.GSM_EFR, 5, 10.0),
    ],
)
def test_the_values_of_g113_table_i4(rating: CodecRating, ie: float, bpl: float) -> None:
    assert (rating.scale, rating.ie, rating.bpl, rating.grounding) == ("nb", ie, bpl, "standard")
    assert rating.source == "ITU-T G.113 Table I.4"


def test_the_values_of_amr_wb_are_those_for_one_ear() -> None:
    by_mode = {kbps: (row.ie, row.bpl) for kbps, row in AMR_WB.items()}

    assert by_mode == {
        6.6: (41, 4.3),
        8.85: (26, 4.3),
        12.65: (13, 4.3),
        14.25: (10, 4.3),
        15.85: (7, 4.3),
        18.25: (5, 4.3),
        19.85: (3, 4.3),
        23.05: (1, 4.6),
        23.85: (8, 4.9),
    }
    assert {(row.scale, row.grounding) for row in AMR_WB.values()} == {("wb", "proxy")}


def test_the_values_of_evs_stand_for_opus_too() -> None:
    by_rate = {kbps: (row.ie, row.bpl) for kbps, row in EVS.items()}

    assert by_rate == {
        9.6: (22.7, 13.0),
        13.2: (17.1, 11.7),
        16.4: (10.8, 10.3),
        24.4: (7.2, 11.4),
        32.0: (8.7, 9.3),
        48.0: (10.2, 9.6),
    }
    assert {kbps: (row.ie, row.bpl) for kbps, row in OPUS.items()} == by_rate
    assert {(row.scale, row.grounding) for row in EVS.values()} == {("fb", "standard")}
    assert {(row.scale, row.grounding) for row in OPUS.values()} == {("fb", "proxy")}


def test_g711_names_the_concealment_it_assumes() -> None:
    assert "G.711 Appendix I" in codecs.G711.described
    assert "10 ms" in codecs.G711.described


@pytest.mark.parametrize("rating", RATED, ids=lambda rating: rating.codec)
def test_every_rating_says_where_it_comes_from_in_what_an_event_holds(rating: CodecRating) -> None:
    assert rating.source is not None
    assert rating.assumption
    assert rating.grounding in ("standard", "proxy")
    assert rating.described.startswith("ITU-T G.113")
    assert len(rating.described) <= 256


@pytest.mark.parametrize("rating", RATED, ids=lambda rating: rating.codec)
def test_every_rating_leaves_an_r_above_the_worst(rating: CodecRating) -> None:
    assert rating.ie is not None
    assert rating.bpl is not None
    scale = SCALES[rating.scale]

    assert scale.mos(rate(PacketImpairment(rating.ie, rating.bpl), DEFAULT_LINE, scale).r) > 2


def test_rows_have_names_of_their_own() -> None:
    assert len({rating.codec for rating in RATED}) == len(RATED)


@pytest.mark.parametrize("rating", [codecs.GSM_FR, codecs.GSM_HR, codecs.G722, codecs.G7221_24, codecs.AMR_122])
def test_what_was_not_verified_says_so(rating: CodecRating) -> None:
    assert rating.described.endswith(UNVERIFIED)


@pytest.mark.parametrize(
    "rating", [codecs.GSM_FR, codecs.G726_32, codecs.G728, codecs.G722, codecs.G729, AMR_WB[12.65]]
)
def test_a_borrowed_loss_robustness_is_a_proxy(rating: CodecRating) -> None:
    assert rating.grounding == "proxy"
    assert "Bpl" in rating.assumption


def test_a_codec_without_a_value_gives_its_reason_alone() -> None:
    assert unrated("X", "nobody measured it").described == "nobody measured it"
