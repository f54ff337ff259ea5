"""What can be sent to a party: octets by codec, all of the same length, once or for ever."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sound:
    """`octets`: by encoding name, as the packet loop sends them, 8000 octets a second (G.711, G.722). One that loops
    ends with a repetition of its first packet, so that any start is whole."""

    octets: Mapping[str, NDArray[np.uint8]]
    loops: bool = False
