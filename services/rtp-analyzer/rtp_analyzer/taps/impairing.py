"""Whether an echo is impaired on its way back (997): the rows of the impairment table, taken and given back."""

from typing import Final

import numpy as np

from rtp_analyzer.taps.impairment import LOSS_SCALE, MIDDLE
from rtp_analyzer.taps.legs import IMPAIRMENT, NO_IMPAIRMENT
from rtp_analyzer.taps.memory import LoopMemory
from shared.events import Impairment

_FREE: Final = np.zeros(1, IMPAIRMENT)
_FREE["leg"] = -1


def impair(memory: LoopMemory, index: int, impairment: Impairment) -> None:
    """Impairs the echo of a leg from now on. The packet loop must stand still."""
    row = int(np.flatnonzero(memory.impairments["leg"] < 0)[0])  # there are as many rows as legs
    record = memory.impairments[row]
    record["leg"] = index
    record["loss"] = round(impairment.loss_percent / 100 * LOSS_SCALE)
    record["step_ns"] = round(impairment.jitter_ms * 1e6)
    record["steps"] = MIDDLE
    record["random"] = impairment.seed
    memory.legs[index]["impairment"] = row
    memory.loop["impairments"] = max(int(memory.loop["impairments"]), row + 1)


def stop_impairing(memory: LoopMemory, index: int) -> None:
    """Gives the row of a leg back; what is still held in it is gone with its call. The packet loop must stand still."""
    row = int(memory.legs[index]["impairment"])
    if row != NO_IMPAIRMENT:
        memory.impairments[row] = _FREE[0]
