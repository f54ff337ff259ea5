"""What delay and echo cost in a conversation: the parts of Id that the three scales share (G.107 7.4)."""

from math import exp, log10, sqrt

from rtp_analyzer.quality.line import Line


def weighted_echo_loudness(line: Line) -> float:
    """TERV in dB: how loud the talker hears his own echo, for T of 1 ms and more."""
    t = line.echo_delay_ms
    # G.107 7.4.1
    return line.echo_loudness - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t**2)


def talker_echo(without_echo: float, with_echo: float, delay_ms: float) -> float:
    """Idte from what R would be without (Roe) and with (Re) the echo of the talker's own voice."""
    # G.107 7.4.1
    impairment = ((without_echo - with_echo) / 2 + sqrt((without_echo - with_echo) ** 2 / 4 + 100) - 1) * (
        1 - exp(-delay_ms)
    )
    # Below 5 ms with the default echo loss the formula dips under zero, by up to 0.11; no impairment improves.
    return max(impairment, 0.0)


def listener_echo(without_echo: float, line: Line) -> float:
    """Idle: the listener hears the talker a second time."""
    # G.107 7.4.2: Rle, Idle
    rle: float = 10.5 * (line.weighted_echo_path_loss + 7) * (line.round_trip_ms + 1) ** -0.25
    return (without_echo - rle) / 2 + sqrt((without_echo - rle) ** 2 / 4 + 169)


def absolute_delay(line: Line) -> float:
    """Idd: too long to take turns in talking, even without any echo."""
    # G.107 7.4.3: Idd with X, sT, mT
    if line.delay_ms <= line.minimum_perceivable_delay_ms:
        return 0.0
    x = log10(line.delay_ms / line.minimum_perceivable_delay_ms) / log10(2)
    power = 6 * line.delay_sensitivity
    impairment: float = 25 * ((1 + x**power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2)
    return impairment
