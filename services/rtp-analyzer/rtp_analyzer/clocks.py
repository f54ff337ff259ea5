"""Whether the wall clock was set: receive timestamps are of it, and a step looks like delay. No I/O of its own."""

from collections.abc import Callable
from typing import Final

# What an NTP daemon slews in a second is half a millisecond.
STEP_S: Final = 0.01
_TRIES: Final = 3
_AT_ONCE_S: Final = 0.001


class ClockWatch:
    """Compares the wall clock `now` with one that nobody sets."""

    def __init__(self, now: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._offset_s = self._measure()

    def stepped(self) -> bool:
        """Whether the wall clock was set since the last time this was asked."""
        before, self._offset_s = self._offset_s, self._measure()
        return abs(self._offset_s - before) > STEP_S

    def _measure(self) -> float:
        """What the wall clock is ahead; a reading during which we were kept from the processor is taken again."""
        offset_s = 0.0
        for _ in range(_TRIES):
            first = self._monotonic()
            offset_s = self._now() - first
            if self._monotonic() - first < _AT_ONCE_S:
                break
        return offset_s
