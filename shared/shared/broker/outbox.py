"""Events on their way to Redis. Putting one never waits: a call must not stall because the broker does."""

import asyncio
from collections import deque
from contextlib import suppress

import structlog

from shared.broker.bus import RETRY_S, Bus
from shared.broker.connection import BrokerLost
from shared.events import Draft, Event, Stream

log = structlog.get_logger(__name__)

CAPACITY = 50_000  # some 50 MB; minutes of a busy proxy without Redis
BATCH = 100  # what is written at once holds up the messages that come meanwhile
GATHER_S = 0.02  # what happens within it travels together: one event at a time costs some three times as much
FINISH_S = 1.0  # a batch takes milliseconds


class Outbox:
    """A bounded queue that one task empties into the bus. When it is full the oldest events go, and are counted."""

    def __init__(self, bus: Bus, capacity: int = CAPACITY) -> None:
        self._bus = bus
        self._waiting: deque[tuple[Stream, Event | Draft]] = deque(maxlen=capacity)
        self._filled = asyncio.Event()
        self._hurried = asyncio.Event()  # somebody waits for an event
        self.dropped = 0  # events that never reached Redis

    def put(self, stream: Stream, event: Event | Draft) -> None:
        """Queues one event. It leaves after GATHER_S, or at once when its stream is urgent."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append((stream, event))
        self._filled.set()
        if stream.urgent:
            self._hurried.set()

    async def run(self) -> None:
        """Publishes until cancelled."""
        while True:
            await self._filled.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._hurried.wait()
            self._filled.clear()
            self._hurried.clear()
            await self._flush()

    async def close(self, timeout_s: float = 2.0) -> None:
        """Publishes what still waits, if Redis answers in time. Call it after `run` was cancelled."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._flush()
        except TimeoutError:
            log.error("events lost at shutdown", events=len(self._waiting))

    async def _flush(self) -> None:
        failures = 0
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await self._publish(batch)
                failures = 0
            except BrokerLost as error:
                self._put_back(batch)
                pause = RETRY_S[min(failures, len(RETRY_S) - 1)]
                failures += 1
                log.warning("broker unavailable, events wait", events=len(self._waiting), error=str(error))
                await asyncio.sleep(pause)

    async def _publish(self, batch: list[tuple[Stream, Event | Draft]]) -> None:
        """Finishes what has begun, even when cancelled meanwhile: a batch that is cut off would be told twice."""
        publishing = asyncio.ensure_future(self._bus.publish(batch))
        try:
            await asyncio.shield(publishing)
        except asyncio.CancelledError:
            await asyncio.wait({publishing}, timeout=FINISH_S)
            if not publishing.done():
                publishing.cancel()
                await asyncio.wait({publishing})
            if publishing.cancelled() or publishing.exception() is not None:
                self._put_back(batch)
            raise

    def _put_back(self, batch: list[tuple[Stream, Event | Draft]]) -> None:
        room = (self._waiting.maxlen or 0) - len(self._waiting)
        kept = batch[-room:] if room > 0 else []
        self.dropped += len(batch) - len(kept)
        self._waiting.extendleft(reversed(kept))
