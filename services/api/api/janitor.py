"""Keeps the streams short: what every reader has handled goes, the hard cap is enforced, and losses are counted."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from shared.broker import BrokerLost, Bus
from shared.events import Stream

log = structlog.get_logger(__name__)

INTERVAL_S = 10.0


class Janitor:
    """Trims the streams that the api reads."""

    def __init__(self, bus: Bus, streams: Sequence[Stream], now: Callable[[], float]) -> None:
        self._bus = bus
        self._streams = streams
        self._now = now
        self._lost = 0

    @property
    def counters(self) -> Mapping[str, float]:
        """Entries that were dropped before they were stored, since the start."""
        return {"entries_lost": self._lost}

    async def run(self) -> None:
        """Trims until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                for stream in self._streams:
                    self._lost += await self._bus.trim(stream, self._now())
            except BrokerLost as error:
                log.warning("streams not trimmed", error=str(error))
