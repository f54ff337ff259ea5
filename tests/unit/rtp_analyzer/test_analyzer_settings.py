"""The port range of a worker, and the de-jitter buffer that it scores."""

import pytest
from pydantic import ValidationError

from rtp_analyzer.settings import RtpAnalyzerSettings, rtp_ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("20000-20005", [20000, 20002, 20004]),
        ("20001-20005", [20002, 20004]),
        ("20000-20004", [20000, 20002]),
        ("65534-65535", [65534]),
    ],
)
def test_rtp_takes_the_even_ports_that_have_a_neighbour_for_rtcp(text, ports):
    assert list(rtp_ports(text)) == ports


@pytest.mark.parametrize("text", ["20000-20000", "20005-20000", "80-90", "65000-70000"])
def test_a_range_without_a_usable_pair_is_empty(text):
    assert not rtp_ports(text)


def test_the_default_holds_five_thousand():
    assert len(rtp_ports("20000-29999")) == 5000


def test_an_adaptive_buffer_is_scored_unless_another_is_chosen(monkeypatch):
    by_default = RtpAnalyzerSettings().dejitter_buffer
    monkeypatch.setenv("VQM_DEJITTER_BUFFER", "fixed50")

    assert (by_default, RtpAnalyzerSettings().dejitter_buffer) == ("adaptive500", "fixed50")


def test_a_buffer_that_is_not_simulated_stops_the_start(monkeypatch):
    monkeypatch.setenv("VQM_DEJITTER_BUFFER", "fixed60")

    with pytest.raises(ValidationError, match="fixed50"):
        RtpAnalyzerSettings()
