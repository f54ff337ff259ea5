"""The transmission parameters of G.107 that are no property of codec or packet loss. Values only."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """One connection with the defaults of G.107 Table 3; the wideband and fullband models read a part of it.

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
    advantage: float = 0.0  # A, narrowband only
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


DEFAULT_LINE: Final = Line()


@lru_cache(maxsize=256)
def symmetric_line(mouth_to_ear_ms: float) -> Line:
    """A path whose echo comes back the same way, with the default echo loss of 65 dB: Ta = T = d and Tr = 2 d.

    This is what the usual approximations "0.024 d" stand for; Ta alone would mean that nobody ever hears an echo.
    """
    return Line(delay_ms=mouth_to_ear_ms, echo_delay_ms=mouth_to_ear_ms, round_trip_ms=2 * mouth_to_ear_ms)
