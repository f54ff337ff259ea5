"""From what was heard to what is published. Pure."""

from dataclasses import dataclass
from math import log10
from typing import Final

import numpy as np

from shared.events.metrics import AudioHealth, AudioUnknown

LOWEST_DBOV: Final = -127.0  # RFC 6464 3: digital silence, and whatever is below


@dataclass(frozen=True, slots=True)
class Health:
    """Of one stream: since the last cut, and in all."""

    slice: AudioHealth | None
    total: AudioHealth | None


UNHEARD: Final = Health(None, None)


def health_of(hearing: np.void | None, slice_packets: int, total_packets: int, unknown: AudioUnknown) -> Health:
    """What a HEARING record says; `unknown`: why there is nothing, where there is none.

    The counts of packets are those that arrived: the part of them that was judged is told.
    """
    if hearing is None:
        return Health(None, AudioHealth(unknown=unknown))
    decoded = bool(hearing["decoded"])
    return Health(
        _stretch(hearing["slice"], decoded, slice_packets),
        _stretch(hearing["total"], decoded, total_packets) or AudioHealth(unknown=unknown),
    )


def dbov(square: float) -> float:
    """The level of a mean square relative to full scale (RFC 6465 4.1): 0 is a square wave as high as can be."""
    return LOWEST_DBOV if square <= 0 else max(LOWEST_DBOV, round(10 * log10(square), 2))


def _stretch(heard: np.void, decoded: bool, packets: int) -> AudioHealth | None:
    # All fields at once, in the order of HEARD: one by one they would cost ten times as much.
    judged, judged_s, square_s, active_s, active_square_s, clipped_s, peak, dead_air_s = heard.item()
    if judged_s <= 0:
        return None
    return AudioHealth(
        source="decoded" if decoded else "g711",
        level_dbov=dbov(square_s / judged_s),
        active_level_dbov=dbov(active_square_s / active_s) if active_s > 0 else None,
        peak_dbov=dbov(peak**2),
        silence_percent=_percent(judged_s - active_s, judged_s),
        clipping_percent=_percent(clipped_s, judged_s),
        dead_air_s=round(dead_air_s, 3),
        judged_s=round(judged_s, 3),
        judged_percent=_percent(judged, packets) if packets > 0 else None,
    )


def _percent(part: float, whole: float) -> float:
    return min(100.0, max(0.0, round(100 * part / whole, 3)))
