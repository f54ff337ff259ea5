"""Bytes that are no SIP, counted: the first of a source is told at once, the rest of a burst once a window."""

from dataclasses import dataclass

from shared.events import RequestBadFormat
from sip_proxy.effects import Flow

WINDOW_S = 1.0
# Sources can be forged: when this many hosts are remembered, all of them are told and forgotten.
MAX_SOURCES = 1000


@dataclass(slots=True)
class _Burst:
    since: float
    flow: Flow
    reason: str
    count: int = 0


class BadFormats:
    """Sums up malformed datagrams by the host they come from."""

    def __init__(self) -> None:
        self._bursts: dict[str, _Burst] = {}
        self.total = 0

    def note(self, flow: Flow, reason: str, now: float) -> list[RequestBadFormat]:
        """One more malformed datagram; the event to publish now, if any."""
        self.total += 1
        burst = self._bursts.get(flow.remote.host)
        if burst is not None:
            burst.count += 1
            burst.flow, burst.reason = flow, reason
            return []
        told = self.due(now, everything=True) if len(self._bursts) >= MAX_SOURCES else []
        self._bursts[flow.remote.host] = _Burst(now, flow, reason)
        return [*told, _event(flow, reason, now, 1)]

    def due(self, now: float, *, everything: bool = False) -> list[RequestBadFormat]:
        """The sums of the windows that are over. A source that kept quiet for one window is forgotten."""
        over = [host for host, burst in self._bursts.items() if everything or now - burst.since >= WINDOW_S]
        told = []
        for host in over:
            burst = self._bursts[host]
            if burst.count:
                told.append(_event(burst.flow, burst.reason, now, burst.count))
            if burst.count and not everything:
                self._bursts[host] = _Burst(now, burst.flow, burst.reason)
            else:
                del self._bursts[host]
        return told


def _event(flow: Flow, reason: str, now: float, count: int) -> RequestBadFormat:
    return RequestBadFormat(at=now, source=str(flow.remote), transport=flow.transport, reason=reason[:256], count=count)
