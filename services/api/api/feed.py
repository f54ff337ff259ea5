"""From the live view to the browsers: follows the streams, and hands each client what it can take.

A message is encoded once for all clients. A client that cannot keep up loses the old deltas, not the connection: it
gets a fresh snapshot instead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from pydantic import TypeAdapter

from api.live import CALLS_SHOWN, ENDED_KEPT_S, FORGET_AFTER_S, LiveState
from api.shapes import Delta, Ping, Snapshot
from api.store import queries
from api.store.database import Database
from shared.broker import Bus
from shared.events import CALLS, METRICS, REGISTRATIONS, Event

log = structlog.get_logger(__name__)

INTERVAL_S = 0.25
PING_S = 15.0
QUEUE = 8  # two seconds of deltas
DEVICES_SHOWN = 1000
# Several api processes store side by side: what one has stored may be ahead of what another still holds.
REWIND_MS = 10_000

_SNAPSHOT, _DELTA, _PING = TypeAdapter(Snapshot), TypeAdapter(Delta), TypeAdapter(Ping)


class Subscriber:
    """One client's queue. It begins with a snapshot."""

    def __init__(self, snapshot: Callable[[], str], now: Callable[[], float]) -> None:
        self._snapshot = snapshot
        self._now = now
        self._waiting: deque[str] = deque()
        self._behind = True
        self._filled = asyncio.Event()
        self._filled.set()

    def offer(self, message: str) -> None:
        """Queues a delta, or notes that the client is too slow for it."""
        if self._behind:
            return
        if len(self._waiting) >= QUEUE:
            self._behind = True
            self._waiting.clear()
        else:
            self._waiting.append(message)
        self._filled.set()

    async def next(self) -> str:
        """The next message for this client; a ping when nothing happens."""
        try:
            async with asyncio.timeout(PING_S):
                await self._filled.wait()
        except TimeoutError:
            return _PING.dump_json(Ping(self._now())).decode()
        if self._behind:
            self._behind = False
            message = self._snapshot()
        else:
            message = self._waiting.popleft()
        if not self._waiting:
            self._filled.clear()
        return message


class LiveFeed:
    """The live view of this process and its clients."""

    def __init__(
        self,
        bus: Bus,
        state: LiveState,
        after: dict[str, str],
        now: Callable[[], float],
        observe: Callable[[Event], None],
    ) -> None:
        self._bus = bus
        self._observe = observe
        self._after = after
        self._now = now
        self._subscribers: set[Subscriber] = set()
        self._encoded: tuple[float, str] = 0.0, ""
        self.state = state

    @classmethod
    async def restore(
        cls, bus: Bus, database: Database, now: Callable[[], float], observe: Callable[[Event], None]
    ) -> "LiveFeed":
        """The live view as the database knows it, and the place in the streams from which to read on.

        `observe` sees every event too.
        """
        at = now()
        async with database.reading() as connection:
            # In one transaction, so that nothing falls between what is stored and what is read on.
            stored = await queries.positions(connection)
            calls = await queries.recent_calls(connection, at - ENDED_KEPT_S, at - FORGET_AFTER_S, CALLS_SHOWN)
            devices = await queries.devices(connection, DEVICES_SHOWN)
        after = {stream.key: _rewound(stored.get(stream.key)) for stream in (CALLS, REGISTRATIONS, METRICS)}
        return cls(bus, LiveState(calls, devices, at), after, now, observe)

    @property
    def clients(self) -> int:
        return len(self._subscribers)

    async def run(self) -> None:
        """Follows the streams and pushes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._push())

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """A client, for as long as the block lasts."""
        subscriber = Subscriber(self._snapshot, self._now)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    async def _follow(self) -> None:
        async for deliveries in self._bus.tail((CALLS, REGISTRATIONS, METRICS), after=self._after):
            for each in deliveries:
                if each.event is not None:  # the ingest counts and keeps the malformed ones
                    self.state.apply(each.event)
                    self._observe(each.event)

    async def _push(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            delta = self.state.changes(self._now())
            if delta is None or not self._subscribers:
                continue
            message = _DELTA.dump_json(delta).decode()
            for subscriber in self._subscribers:
                subscriber.offer(message)

    def _snapshot(self) -> str:
        """The newest snapshot. Clients that come between two deltas share one."""
        now = self._now()
        if now - self._encoded[0] >= INTERVAL_S:
            self._encoded = now, _SNAPSHOT.dump_json(self.state.snapshot(now)).decode()
        return self._encoded[1]


def _rewound(entry_id: str | None) -> str:
    if entry_id is None:
        return "0-0"
    return f"{max(0, int(entry_id.partition('-')[0]) - REWIND_MS)}-0"
