"""Datagrams of strangers wait here for a free moment, so that nobody who has signed in waits behind them."""

import asyncio
from collections import deque
from collections.abc import Callable

from sip_proxy.effects import Flow

# Half a second's work. Who comes later asks again: strangers have retransmissions, too.
LIMIT = 1000
TURN_S = 0.002  # of reading strangers, then the loop looks whether a friend has come


class QueueOfStrangers:
    """Read in order, a little at a time."""

    def __init__(self, read: Callable[[bytes, Flow], None]) -> None:
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, Flow]] = deque()

    def put(self, octets: bytes, flow: Flow) -> bool:
        """False when too many wait already."""
        if len(self._waiting) >= LIMIT:
            return False
        if not self._waiting:
            self._loop.call_soon(self._turn)
        self._waiting.append((octets, flow))
        return True

    def close(self) -> None:
        """Forgets who waits."""
        self._waiting.clear()

    def _turn(self) -> None:
        until = self._loop.time() + TURN_S
        while self._waiting and self._loop.time() < until:
            self._read(*self._waiting.popleft())
        if self._waiting:
            self._loop.call_soon(self._turn)
