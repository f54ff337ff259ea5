"""What can be sent to a party: packets of 20 ms by codec, once or over and over."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Packets = NDArray[np.uint8]  # one a row


@dataclass(frozen=True, slots=True)
class Sound:
    """`packets`: by encoding name, equally many of each."""

    packets: Mapping[str, Packets]
    loops: bool = False


def timestamps_a_packet(encoding: str) -> int:
    """RTP timestamp units of 20 ms: G.722 counts as if it had 8000 samples a second (RFC 3551 4.5.2)."""
    return 960 if encoding == "OPUS" else 160  # RFC 7587 4.1
