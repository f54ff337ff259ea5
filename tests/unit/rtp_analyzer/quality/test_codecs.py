"""Codec values, and that none is shown without saying where it comes from."""

import pytest

from rtp_analyzer.quality.codecs import NARROWBAND, narrowband_rating


@pytest.mark.parametrize(
    ("encoding", "ie", "bpl"),
    [("PCMU", 0, 25.1), ("PCMA", 0, 25.1), ("G729", 11, 19.0), ("G723", 15, 16.1), ("GSM-EFR", 5, 10.0)],
)
def test_the_values_of_g113_table_i4(encoding: str, ie: float, bpl: float) -> None:
    rating = narrowband_rating(encoding)

    assert (rating.ie, rating.bpl) == (ie, bpl)
    assert rating.source == "ITU-T G.113 Table I.4"


def test_g711_names_the_concealment_it_assumes() -> None:
    rating = narrowband_rating("PCMA")

    assert rating.grounding == "standard"
    assert "G.711 Appendix I" in rating.assumption
    assert "10 ms" in rating.assumption


@pytest.mark.parametrize("encoding", ["OPUS", "G722", "AMR", "AMR-WB", "EVS", "ILBC", "SPEEX", "X-UNHEARD-OF"])
def test_a_codec_without_a_narrowband_value_has_none(encoding: str) -> None:
    rating = narrowband_rating(encoding)

    assert (rating.grounding, rating.ie, rating.bpl) == ("none", None, None)
    assert rating.assumption


def test_a_payload_type_that_nobody_named_has_no_value() -> None:
    rating = narrowband_rating(None)

    assert rating.grounding == "none"
    assert "payload type" in rating.assumption


def test_names_of_codecs_are_case_insensitive() -> None:
    assert narrowband_rating("opus") == narrowband_rating("OPUS")


@pytest.mark.parametrize("encoding", NARROWBAND)
def test_every_rating_says_where_it_comes_from(encoding: str) -> None:
    rating = NARROWBAND[encoding]

    assert rating.assumption
    assert (rating.source is None) == (rating.ie is None) == (rating.bpl is None) == (rating.grounding == "none")


@pytest.mark.parametrize("encoding", ["GSM", "G726-32", "G728"])
def test_a_borrowed_loss_robustness_is_a_proxy(encoding: str) -> None:
    rating = narrowband_rating(encoding)

    assert rating.grounding == "proxy"
    assert "Bpl" in rating.assumption
