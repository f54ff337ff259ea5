"""Servers that were out of order a moment ago, so that the next request does not wait for them again."""

from collections.abc import Callable, Iterable

from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.sip.locate import Server

DOWN_S = 30.0  # as long as a caller would have waited
MAX_DOWN_S = 300.0  # whatever a Retry-After says: there may be no other
MAX_KEPT = 1000


class Outages:
    """A short memory. It changes the order only: where every server is out of order, they are tried all the same."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[tuple[Transport, Address], float] = {}

    def down(self, flow: Flow, for_s: float = DOWN_S) -> None:
        """The server at its end failed, or asked for so much time (RFC 3261 21.5.4)."""
        now = self._now()
        if len(self._until) >= MAX_KEPT:
            self._until = {key: until for key, until in self._until.items() if until > now}
        if len(self._until) < MAX_KEPT:
            self._until[flow.transport, flow.remote] = now + min(MAX_DOWN_S, for_s)

    def up(self, flow: Flow) -> None:
        """It answers."""
        self._until.pop((flow.transport, flow.remote), None)

    def last(self, servers: Iterable[Server]) -> list[Server]:
        """The servers in their order, those out of order behind all others."""
        now = self._now()
        return sorted(servers, key=lambda server: self._until.get((server.transport, server.address), now) > now)
