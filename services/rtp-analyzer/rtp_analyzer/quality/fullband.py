"""What a fullband line makes of speech before any codec: Ro and Id of ITU-T G.107.2 (06/2019).

The edition of 03/2023 adds background noise and bursty loss; its text was not at hand, so they are left out.
"""

from typing import Final

from rtp_analyzer.quality.echo import absolute_delay
from rtp_analyzer.quality.line import Line

RO: Final = 148.0  # G.107.2 7.1: Ro,FB, with A = 0
STRETCH: Final = 1.48


def delay(line: Line) -> float:
    """Id,FB: the model of 2019 has no echo."""
    return STRETCH * absolute_delay(line)
