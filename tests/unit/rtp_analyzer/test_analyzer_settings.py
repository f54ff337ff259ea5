"""The port range of a worker."""

import pytest

from rtp_analyzer.settings import rtp_ports


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
