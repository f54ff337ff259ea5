"""Accept-Language: which of our languages a phone likes best."""

import pytest

from sip_proxy.sip.languages import preferred


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ([], "en"),
        (["it"], "it"),
        (["IT-it"], "it"),
        (["en", "it"], "en"),
        (["en;q=0.5", "it;q=0.7"], "it"),
        (["en ; q = 0.5", "it ; q = 0.7"], "it"),
        (["de", "fr", "it;q=0.1"], "it"),
        (["it;q=0"], "en"),
        (["*"], "en"),
        (["it;q=much", "it;=", "italiano", ""], "en"),
    ],
)
def test_the_language_that_is_liked_best_and_that_we_speak(accepted: list[str], language: str) -> None:
    assert preferred(accepted, "en") == language


def test_without_one_that_we_speak_it_is_the_set_one() -> None:
    assert preferred(["de"], "it") == "it"
