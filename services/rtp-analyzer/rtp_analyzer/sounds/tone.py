"""The 1004 Hz test tone (998)."""

from typing import Final

import numpy as np

from rtp_analyzer.sounds.g711 import a_law, mu_law
from rtp_analyzer.sounds.prompts import packets_of
from rtp_analyzer.sounds.sound import Sound

FREQUENCY_HZ: Final = 1004
SAMPLE_RATE: Final = 8000
PACKET_SAMPLES: Final = 160  # 20 ms, RFC 3551 4.5
PERIOD_PACKETS: Final = 25  # 0.5 s: 502 whole periods
LEVEL_DBM0: Final = -10.0  # the milliwatt itself, 0 dBm0, hurts in an earpiece
# G.711 tables 1 and 2: a sine of full scale has 3.14 dBm0 in A-law, 3.17 dBm0 in µ-law.
FULL_SCALE_DBM0: Final = {"PCMA": 3.14, "PCMU": 3.17}


def tone() -> Sound:
    """The tone, exact in both laws; in the other codecs as they carry a tone."""
    phase = 2 * np.pi * FREQUENCY_HZ / SAMPLE_RATE * np.arange(PERIOD_PACKETS * PACKET_SAMPLES)
    packets = packets_of("tone")
    for encoding, encode in (("PCMA", a_law), ("PCMU", mu_law)):
        amplitude = 10 ** ((LEVEL_DBM0 - FULL_SCALE_DBM0[encoding]) / 20)
        packets[encoding] = encode(amplitude * np.sin(phase)).reshape(PERIOD_PACKETS, PACKET_SAMPLES)
    return Sound(packets, loops=True)
