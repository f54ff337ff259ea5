"""How fast the sender's clock runs against ours: the slope of the lower envelope of transit, compiled.

Queues only ever add to transit, so its lowest points follow the clocks (Moon, Skelly, Towsley 1999). Of the lines below
all points, the closest is the edge of their lower convex hull that crosses their mean time.
"""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.state import CORNERS, STREAM

MIN_SPAN_S: Final = 30.0  # below, queues that come and go look like drift
# No clock of a device is off by more than 500 ppm, and a little is the measurement's; steeper is a queue that fills.
MAX_DRIFT: Final = 505e-6

_STREAM: Final = numba.from_dtype(STREAM)
_VOID: Final = numba.void
_FLOAT: Final = numba.float64


@compiled(_VOID(_STREAM))
def forget_points(stream: np.void) -> None:
    """Begin another envelope."""
    stream["corner_count"] = 0
    stream["point_count"] = 0
    stream["points_s"] = 0.0


@compiled(_VOID(_STREAM))
def _drop_corner(stream: np.void) -> None:
    """Drop the corner that lies closest to the line between its neighbours: the envelope hardly rises."""
    times, transits = stream["corner_s"], stream["corner_transit_s"]
    flattest, least_s = 1, np.inf
    for corner in range(1, CORNERS - 1):
        before, after = corner - 1, corner + 1
        share = (times[corner] - times[before]) / (times[after] - times[before])
        depth_s = transits[before] + share * (transits[after] - transits[before]) - transits[corner]
        if depth_s < least_s:
            flattest, least_s = corner, depth_s
    for corner in range(flattest, CORNERS - 1):
        times[corner] = times[corner + 1]
        transits[corner] = transits[corner + 1]


@compiled(_VOID(_STREAM, _FLOAT, _FLOAT))
def add_point(stream: np.void, at_s: float, transit_s: float) -> None:
    """Add the lowest transit of a window of time. A point that is not later than the last one is left out."""
    times, transits = stream["corner_s"], stream["corner_transit_s"]
    count = stream["corner_count"]
    if count > 0 and at_s <= times[count - 1]:
        return
    stream["point_count"] += 1
    stream["points_s"] += at_s
    # A corner on or above the line from the one before it to the new point is none.
    while count >= 2 and (transits[count - 1] - transits[count - 2]) * (at_s - times[count - 2]) >= (
        transit_s - transits[count - 2]
    ) * (times[count - 1] - times[count - 2]):
        count -= 1
    if count == CORNERS:
        _drop_corner(stream)
        count -= 1
    times[count] = at_s
    transits[count] = transit_s
    stream["corner_count"] = count + 1


@compiled(_FLOAT(_STREAM))
def slope(stream: np.void) -> float:
    """Seconds a second that transit grows by, 0 from a single point."""
    times, transits = stream["corner_s"], stream["corner_transit_s"]
    count = stream["corner_count"]
    if count < 2:
        return 0.0
    mean_s = stream["points_s"] / stream["point_count"]
    corner = 1
    while corner < count - 1 and times[corner] < mean_s:
        corner += 1
    return (transits[corner] - transits[corner - 1]) / (times[corner] - times[corner - 1])  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(_FLOAT(_STREAM))
def watched_s(stream: np.void) -> float:
    """The time from the first point to the last one."""
    count = stream["corner_count"]
    if count == 0:
        return 0.0
    return stream["corner_s"][count - 1] - stream["corner_s"][0]  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(_VOID(_STREAM))
def estimate(stream: np.void) -> None:
    """Note the drift, once watched long enough. The longest watch since the stream began counts."""
    span_s = watched_s(stream)
    if span_s < MIN_SPAN_S or span_s < stream["drift_span_s"]:
        return
    steepness = slope(stream)
    stream["drift_span_s"] = span_s
    stream["drift"] = steepness if abs(steepness) <= MAX_DRIFT else np.nan


@compiled(_FLOAT(_STREAM, _FLOAT))
def intercept(stream: np.void, steepness: float) -> float:
    """Transit in seconds at the anchor of the highest line of this slope below all points."""
    times, transits = stream["corner_s"], stream["corner_transit_s"]
    lowest = np.inf
    for corner in range(stream["corner_count"]):
        lowest = min(lowest, transits[corner] - steepness * times[corner])
    return lowest
