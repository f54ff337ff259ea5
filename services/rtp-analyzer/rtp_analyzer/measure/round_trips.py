"""Round trips between us and one party, from answers to reference times that we saw on their way to it. Pure.

The party answers for its peer, not for us: with LSR and DLSR it tells the sender of an SR which report it had last and
how long ago. On the way between, and on one clock of our own, that is

    round trip (us and the party) = answer came to us - report went from us - DLSR

whatever the clocks of the parties say. An answer to what never went that way is no measurement: some devices fill LSR
with their own time, or DLSR with a constant.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

KEPT_REFERENCES: Final = 16  # a report every 5 s or so: more than a minute
NS_PER_MS: Final = 1e6
DELAY_UNITS_A_MS: Final = 65.536  # DLSR counts 1/65536 s (RFC 3550 6.4.1)
# Clocks of small devices step by up to 10 ms, so that DLSR may exceed what we saw pass by as much.
NEGATIVE_TOLERANCE_MS: Final = 10.0
# Nobody talks over such a path. It is what a wrong unit in DLSR looks like.
LONGEST_MS: Final = 10_000.0
# A report is timed by its own interval and not by what came before: 1/65536 s is a constant of a device that does not
# measure DLSR (seen: 0 and 1).
LEAST_DELAY_UNITS: Final = 2
# A path changes; reports come about every 5 s, and four in a row may be lost.
FRESH_NS: Final = 30_000_000_000


class Reference(NamedTuple):
    """A moment on the clock of one source, as it is answered: an SR (LSR), or an XR reference time (LRR)."""

    kind: Literal["sr", "xr"]
    ssrc: int
    middle: int  # 32 bits of its NTP time; 0 means "none" in an answer


@dataclass(slots=True)
class _Passed:
    at_ns: int
    ambiguous: bool = False  # the same time went there twice: it cannot be told which one is answered
    delay_units: int = -1  # of its latest answer


class RoundTrips:
    """Those between us and one party. Times are ns on one clock of ours."""

    def __init__(self) -> None:
        self._passed: dict[Reference, _Passed] = {}
        self._latest_ms = 0.0
        self._latest_ns = 0
        self._sum_ms = 0.0
        self.measured = 0
        self.rejected = 0  # answers that cannot be true

    def passed(self, reference: Reference, at_ns: int) -> None:
        """A report went from us to the party."""
        if reference.middle == 0:
            return
        known = self._passed.get(reference)
        if known is not None:
            known.ambiguous = True
            return
        if len(self._passed) == KEPT_REFERENCES:
            del self._passed[next(iter(self._passed))]
        self._passed[reference] = _Passed(at_ns)

    def answered(self, reference: Reference, delay_units: int, at_ns: int) -> None:
        """The party says that it had the reference `delay_units` of 1/65536 s before it sent what came at `at_ns`."""
        if reference.middle == 0:
            return
        passed = self._passed.get(reference)
        if passed is not None and delay_units <= passed.delay_units:
            return  # an answer that came before, or was overtaken
        round_trip_ms = None if passed is None else _round_trip_ms(passed, delay_units, at_ns)
        if passed is None or round_trip_ms is None:
            self.rejected += 1
            return
        passed.delay_units = delay_units
        self.measured += 1
        self._sum_ms += round_trip_ms
        self._latest_ms, self._latest_ns = round_trip_ms, at_ns

    def latest_ms(self, now_ns: int) -> float | None:
        """The last one; None when it is too old to tell of now, and before the first."""
        return self._latest_ms if self.measured and now_ns - self._latest_ns <= FRESH_NS else None

    @property
    def mean_ms(self) -> float | None:
        """Of all so far."""
        return self._sum_ms / self.measured if self.measured else None


def _round_trip_ms(passed: _Passed, delay_units: int, at_ns: int) -> float | None:
    """None: it cannot be."""
    if passed.ambiguous or delay_units < LEAST_DELAY_UNITS:
        return None
    milliseconds = (at_ns - passed.at_ns) / NS_PER_MS - delay_units / DELAY_UNITS_A_MS
    if not -NEGATIVE_TOLERANCE_MS <= milliseconds <= LONGEST_MS:
        return None
    return max(milliseconds, 0.0)
