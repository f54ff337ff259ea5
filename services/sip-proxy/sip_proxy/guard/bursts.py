"""What comes in bursts, summed up by the host it comes from: the first is told at once, the rest once a window."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.events import Event
from sip_proxy.effects import Flow

# Sources can be forged: when this many hosts are remembered, all of them are told and forgotten.
MAX_SOURCES = 1000

SomeEvent = TypeVar("SomeEvent", bound=Event)


@dataclass(slots=True)
class _Burst:
    since: float
    flow: Flow
    reason: str
    count: int = 0


class Bursts(Generic[SomeEvent]):
    """Counts one kind of nuisance."""

    def __init__(self, event: Callable[[Flow, str, float, int], SomeEvent], window_s: float) -> None:
        """`event` makes what is told, of a flow, a reason, the time and how many."""
        self._event = event
        self._window_s = window_s
        self._bursts: dict[str, _Burst] = {}
        self.total = 0

    def note(self, flow: Flow, reason: str, now: float, of: str | None = None) -> list[SomeEvent]:
        """One more, `of` this host or whatever else it is summed up by; the events to publish now, if any."""
        self.total += 1
        key = of or flow.remote.host
        burst = self._bursts.get(key)
        if burst is not None:
            burst.count += 1
            burst.flow, burst.reason = flow, reason
            return []
        told = self.due(now, everything=True) if len(self._bursts) >= MAX_SOURCES else []
        self._bursts[key] = _Burst(now, flow, reason)
        return [*told, self._event(flow, reason, now, 1)]

    def due(self, now: float, *, everything: bool = False) -> list[SomeEvent]:
        """The sums of the windows that are over. A source that kept quiet for one window is forgotten."""
        over = [host for host, burst in self._bursts.items() if everything or now - burst.since >= self._window_s]
        told = []
        for host in over:
            burst = self._bursts[host]
            if burst.count:
                told.append(self._event(burst.flow, burst.reason, now, burst.count))
            if burst.count and not everything:
                self._bursts[host] = _Burst(now, burst.flow, burst.reason)
            else:
                del self._bursts[host]
        return told
