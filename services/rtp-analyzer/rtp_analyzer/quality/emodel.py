"""The E-model of ITU-T G.107 (06/2015), narrowband: from impairments to R, and from R to MOS. Pure formulas."""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log10, sqrt
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """The transmission parameters of G.107 that are no property of codec or packet loss, with their defaults.

    Levels in dB, dBm0p or dBm, delays in ms. `delay_ms` (Ta) is the absolute one-way delay, `echo_delay_ms` (T) the
    mean one-way delay of the echo path, `round_trip_ms` (Tr) that of the four-wire loop.
    """

    send_loudness: float = 8.0  # SLR
    receive_loudness: float = 2.0  # RLR
    sidetone_masking: float = 15.0  # STMR
    send_d: float = 3.0  # Ds
    receive_d: float = 3.0  # Dr
    echo_loudness: float = 65.0  # TELR
    weighted_echo_path_loss: float = 110.0  # WEPL
    delay_ms: float = 0.0  # Ta
    echo_delay_ms: float = 0.0  # T
    round_trip_ms: float = 0.0  # Tr
    quantizing_units: float = 1.0  # qdu
    circuit_noise: float = -70.0  # Nc
    receive_noise_floor: float = -64.0  # Nfor
    send_room_noise: float = 35.0  # Ps
    receive_room_noise: float = 35.0  # Pr
    advantage: float = 0.0  # A
    delay_sensitivity: float = 1.0  # sT
    minimum_perceivable_delay_ms: float = 100.0  # mT

    @property
    def listener_sidetone(self) -> float:
        """LSTR, bound to STMR by the handset (G.107 Table 3, note)."""
        return self.sidetone_masking + self.receive_d

    @property
    def overall_loudness(self) -> float:
        """OLR."""
        return self.send_loudness + self.receive_loudness


@dataclass(frozen=True, slots=True)
class PacketImpairment:
    """What codec and packet loss do. `loss_percent` is lost in the network, `discard_percent` too late to be played;
    both of the packets expected, together Ppl."""

    ie: float = 0.0
    bpl: float = 4.3
    loss_percent: float = 0.0
    discard_percent: float = 0.0
    burst_r: float = 1.0


@dataclass(frozen=True, slots=True)
class Breakdown:
    """R and its terms: r = ro - simultaneous - delay - codec - loss - burst - discard + advantage."""

    ro: float
    simultaneous: float
    delay: float
    codec: float
    loss: float
    burst: float
    discard: float
    advantage: float
    r: float


DEFAULT_LINE: Final = Line()


def _noise(line: Line) -> float:
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


def _basic_signal_to_noise(line: Line) -> float:
    # G.107 7.2: Ro = 15 - 1.5 (SLR + No)
    return 15 - 1.5 * (line.send_loudness + _noise(line))


def _too_loud(line: Line) -> float:
    # G.107 7.3.1: Iolr with Xolr
    excess = line.overall_loudness + 0.2 * (64 + _noise(line) - line.receive_loudness)
    impairment: float = 20 * ((1 + (excess / 8) ** 8) ** (1 / 8) - excess / 8)
    return impairment


def _sidetone(line: Line) -> float:
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


def _quantizing(line: Line) -> float:
    # G.107 7.3.3: Iq with Q, G, Y, Z
    q = 37 - 15 * log10(line.quantizing_units)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (_basic_signal_to_noise(line) - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return 15 * log10(1 + 10**y + 10**z)


def _simultaneous(line: Line) -> float:
    # G.107 7.3: Is = Iolr + Ist + Iq
    return _too_loud(line) + _sidetone(line) + _quantizing(line)


def _talker_echo(line: Line) -> float:
    """Idte."""
    t = line.echo_delay_ms
    if t < 1:
        return 0.0  # G.107 7.4.1: echo within 1 ms is sidetone
    # G.107 7.4.1: TERV, TERVs, Re, Roe, Idte, Idtes
    echo_loudness = line.echo_loudness - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t**2)
    if line.sidetone_masking < 9:
        echo_loudness += _sidetone(line) / 2
    re = 80 + 2.5 * (echo_loudness - 14)
    roe = -1.5 * (_noise(line) - line.receive_loudness)
    impairment = ((roe - re) / 2 + sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - exp(-t))
    # Below 5 ms with the default echo loss the formula dips under zero, by up to 0.11; no impairment improves.
    impairment = max(impairment, 0.0)
    if line.sidetone_masking > 20:
        return sqrt(impairment**2 + _sidetone(line) ** 2)
    return impairment


def _listener_echo(line: Line) -> float:
    # G.107 7.4.2: Idle with Rle
    ro = _basic_signal_to_noise(line)
    rle: float = 10.5 * (line.weighted_echo_path_loss + 7) * (line.round_trip_ms + 1) ** -0.25
    return (ro - rle) / 2 + sqrt((ro - rle) ** 2 / 4 + 169)


def _absolute_delay(line: Line) -> float:
    # G.107 7.4.3: Idd with X, sT, mT
    if line.delay_ms <= line.minimum_perceivable_delay_ms:
        return 0.0
    x = log10(line.delay_ms / line.minimum_perceivable_delay_ms) / log10(2)
    power = 6 * line.delay_sensitivity
    impairment: float = 25 * ((1 + x**power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2)
    return impairment


def _delay(line: Line) -> float:
    # G.107 7.4: Id = Idte + Idle + Idd
    return _talker_echo(line) + _listener_echo(line) + _absolute_delay(line)


@lru_cache(maxsize=256)
def _line_terms(line: Line) -> tuple[float, float, float]:
    """Ro, Is and Id: the same for every slice of a stream whose delay does not change."""
    return _basic_signal_to_noise(line), _simultaneous(line), _delay(line)


def effective_equipment_impairment(ie: float, bpl: float, loss_percent: float, burst_r: float = 1.0) -> float:
    """Ie,eff of G.107 7.5 for a packet loss Ppl in percent."""
    # G.107 7.5: Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)
    return ie + (95 - ie) * loss_percent / (loss_percent / burst_r + bpl)


def rate(packets: PacketImpairment, line: Line = DEFAULT_LINE) -> Breakdown:
    """R of G.107 7.1 with its terms. The share of loss is taken first, then what its bursts add, then the discard."""
    ro, simultaneous, delay = _line_terms(line)
    lost = effective_equipment_impairment(packets.ie, packets.bpl, packets.loss_percent)
    in_bursts = effective_equipment_impairment(packets.ie, packets.bpl, packets.loss_percent, packets.burst_r)
    missing_percent = packets.loss_percent + packets.discard_percent
    all_missing = effective_equipment_impairment(packets.ie, packets.bpl, missing_percent, packets.burst_r)
    return Breakdown(
        ro=ro,
        simultaneous=simultaneous,
        delay=delay,
        codec=packets.ie,
        loss=lost - packets.ie,
        burst=in_bursts - lost,
        discard=all_missing - in_bursts,
        advantage=line.advantage,
        # G.107 7.1: R = Ro - Is - Id - Ie,eff + A
        r=ro - simultaneous - delay - all_missing + line.advantage,
    )


def mos(r: float) -> float:
    """The mean opinion score of G.107 Annex B for R on the narrowband scale, 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # G.107 Annex B. The cubic is below 1 for 0 < R < 6.5, which is no opinion anybody can have.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
