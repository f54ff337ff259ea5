"""From a delay of the network to what a talker's words take from mouth to ear: a budget with named parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Sound card, DSP and play-out of the receiver, 10 to 30 ms: no packet shows it.
PLAY_OUT_MS: Final = 20.0
# Look-ahead in ms by encoding name (ITU-T G.114 Appendix I and the codecs' own specifications).
# Unverified: written down without the texts at hand.
LOOK_AHEAD_MS: Final[Mapping[str, float]] = {
    "PCMU": 0.0,
    "PCMA": 0.0,
    "G726-40": 0.0,
    "G726-32": 0.0,
    "G726-24": 0.0,
    "G726-16": 0.0,
    "G722": 1.5,
    "G729": 5.0,
    "G723": 7.5,
    "GSM": 0.0,
    "GSM-EFR": 0.0,
    "AMR": 5.0,  # an upper limit: the mode of 12.2 kbit/s has none
    "AMR-WB": 5.0,
    "ILBC": 5.0,  # with frames of 20 ms; 10 with 30 ms
    "OPUS": 6.5,  # 2.5 where an application asks for low delay, which no packet tells
    "EVS": 12.0,
}
_LONG_ILBC_FRAME_MS: Final = 30.0


@dataclass(frozen=True, slots=True)
class MouthToEar:
    """Where the time goes on the way from a mouth to an ear, in ms (ITU-T G.114). The computing itself is left out."""

    packetisation_ms: float
    look_ahead_ms: float
    network_ms: float
    buffer_ms: float
    play_out_ms: float

    @property
    def total_ms(self) -> float:
        """Ta of the E-model."""
        return self.packetisation_ms + self.look_ahead_ms + self.network_ms + self.buffer_ms + self.play_out_ms


def mouth_to_ear(
    encoding: str, ptime_ms: float, network_ms: float, buffer_ms: float, play_out_ms: float = PLAY_OUT_MS
) -> MouthToEar | None:
    """The budget of one direction; None for a codec whose look-ahead is not known.

    `ptime_ms` is the sound in a packet of the talker, `network_ms` one way, `buffer_ms` the mean time that a packet
    waits in the listener's de-jitter buffer.
    """
    look_ahead_ms = LOOK_AHEAD_MS.get(encoding.upper())
    if look_ahead_ms is None:
        return None
    if encoding.upper() == "ILBC" and ptime_ms % _LONG_ILBC_FRAME_MS == 0:
        look_ahead_ms *= 2
    return MouthToEar(ptime_ms, look_ahead_ms, network_ms, buffer_ms, play_out_ms)
