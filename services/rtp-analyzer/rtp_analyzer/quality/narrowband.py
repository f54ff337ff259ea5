"""What a narrowband line makes of speech before any codec: Ro, Is and Id of ITU-T G.107 (06/2015). Pure formulas."""

from math import exp, log10, sqrt

from rtp_analyzer.quality.echo import absolute_delay, listener_echo, talker_echo, weighted_echo_loudness
from rtp_analyzer.quality.line import Line


def noise(line: Line) -> float:
    """No, the sum of all noise at the 0 dBr point in dBm0p."""
    # G.107 7.2: Nos, Nor, Nfo, No
    slr, rlr = line.send_loudness, line.receive_loudness
    send = (
        line.send_room_noise
        - slr
        - line.send_d
        - 100
        + 0.004 * (line.send_room_noise - line.overall_loudness - line.send_d - 14) ** 2
    )
    effective_room = line.receive_room_noise + 10 * log10(1 + 10 ** ((10 - line.listener_sidetone) / 10))
    receive = rlr - 121 + effective_room + 0.008 * (effective_room - 35) ** 2
    floor = line.receive_noise_floor + rlr
    return 10 * log10(sum(10 ** (level / 10) for level in (line.circuit_noise, send, receive, floor)))


def signal_to_noise(line: Line) -> float:
    """Ro."""
    # G.107 7.2: Ro = 15 - 1.5 (SLR + No)
    return 15 - 1.5 * (line.send_loudness + noise(line))


def too_loud(line: Line) -> float:
    """Iolr."""
    # G.107 7.3.1: Iolr with Xolr
    excess = line.overall_loudness + 0.2 * (64 + noise(line) - line.receive_loudness)
    impairment: float = 20 * ((1 + (excess / 8) ** 8) ** (1 / 8) - excess / 8)
    return impairment


def sidetone(line: Line) -> float:
    """Ist."""
    # G.107 7.3.2: Ist with STMRo
    masking = -10 * log10(
        10 ** (-line.sidetone_masking / 10) + exp(-line.echo_delay_ms / 4) * 10 ** (-line.echo_loudness / 10)
    )
    impairment: float = (
        12 * (1 + ((masking - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((masking + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((masking - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    return impairment


def quantizing(line: Line) -> float:
    """Iq."""
    # G.107 7.3.3: Iq with Q, G, Y, Z
    q = 37 - 15 * log10(line.quantizing_units)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (signal_to_noise(line) - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return 15 * log10(1 + 10**y + 10**z)


def simultaneous(line: Line) -> float:
    """Is."""
    # G.107 7.3: Is = Iolr + Ist + Iq
    return too_loud(line) + sidetone(line) + quantizing(line)


def narrowband_talker_echo(line: Line) -> float:
    """Idte."""
    if line.echo_delay_ms < 1:
        return 0.0  # G.107 7.4.1: echo within 1 ms is sidetone
    # G.107 7.4.1: TERVs, Re, Roe, Idtes
    loudness = weighted_echo_loudness(line)
    if line.sidetone_masking < 9:
        loudness += sidetone(line) / 2
    roe = -1.5 * (noise(line) - line.receive_loudness)
    impairment = talker_echo(roe, 80 + 2.5 * (loudness - 14), line.echo_delay_ms)
    if line.sidetone_masking > 20:
        return sqrt(impairment**2 + sidetone(line) ** 2)
    return impairment


def delay(line: Line) -> float:
    """Id."""
    # G.107 7.4: Id = Idte + Idle + Idd
    return narrowband_talker_echo(line) + listener_echo(signal_to_noise(line), line) + absolute_delay(line)
