"""What a wideband line makes of speech before any codec: Ro and Id of ITU-T G.107.1 (06/2019, Cor. 1 01/2020)."""

from typing import Final

from rtp_analyzer.quality.echo import absolute_delay, listener_echo, talker_echo, weighted_echo_loudness
from rtp_analyzer.quality.line import Line

RO: Final = 129.0  # G.107.1 7.1: Ro,WB, with Is,WB = 0 and A = 0
STRETCH: Final = 1.29  # what the narrowband scale of 100 is stretched by


def wideband_talker_echo(line: Line) -> float:
    """Idte,WB."""
    t = line.echo_delay_ms
    if t < 1:
        return 0.0  # as G.107 7.4.1: echo within 1 ms is sidetone
    # G.107.1: TERV with K, Re, Idte; Corrigendum 1 replaced an undefined Roe by 129
    k = 0.08 * t + 10 if t < 100 else 18.0
    return talker_echo(RO, 80 + 3 * (weighted_echo_loudness(line) + k - 14), t)


def delay(line: Line) -> float:
    """Id,WB."""
    # G.107.1: Id = Idte + Idle + 1.29 Idd
    return wideband_talker_echo(line) + listener_echo(RO, line) + STRETCH * absolute_delay(line)
