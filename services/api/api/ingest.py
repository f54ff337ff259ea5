"""From the streams to the database: batches in one transaction each, acknowledged only once they are stored.

While one batch is being stored the next one is read and summed up: the slower the database, the larger the batches, and
the less each entry costs. A crash before the acknowledgement delivers a batch again, and storing it again changes
nothing (store/writes.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from api.batch import Batch
from api.store import writes
from api.store.database import Database, DatabaseUnavailable, Unstorable
from shared.broker import BrokerLost, Bus, Delivery
from shared.events import CALLS, GATEWAYS, METRICS, REGISTRATIONS, SECURITY, SIP, Stream, decode

log = structlog.get_logger(__name__)

STREAMS: tuple[Stream, ...] = (CALLS, REGISTRATIONS, GATEWAYS, SECURITY, SIP, METRICS)
GROUP = "api"
READ = 10  # entries of each stream at once (one of vqm:metrics holds up to 100 slices): more only takes memory
BATCH_SLICES = 20_000  # what a batch may hold: 40 MB of JSON, as the entries are kept until they are stored
BATCH_ENTRIES = 5_000
RETRY_S = 1.0


@dataclass(slots=True)
class _Waiting:
    """Entries that are summed up but not stored yet."""

    batch: Batch = field(default_factory=Batch)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return self.batch.slices >= BATCH_SLICES or len(self.deliveries) >= BATCH_ENTRIES

    def take(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            self.batch.take(each)
            # Decoded, an entry takes five times the room: should it be needed again, it is decoded again.
            self.deliveries.append(each if each.event is None else replace(each, event=None))


class Ingest:
    """The consumer of the group `api`. `instance` names this process among several. `keeps_details` says whether there
    is room on the disk for more than calls and events."""

    def __init__(
        self,
        bus: Bus,
        database: Database,
        instance: str,
        now: Callable[[], float],
        keeps_details: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bus = bus
        self._database = database
        self._instance = instance
        self._now = now
        self._keeps_details = keeps_details
        self._waiting = _Waiting()
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()
        self._counters: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, float]:
        """Totals since the start: entries and slices stored, entries rejected, batches that had to wait, and entries of
        which only the call was stored because the disk was full."""
        names = ("stored", "slices", "rejected", "retries", "without_details")
        return {f"ingest_{name}": self._counters[name] for name in names}

    async def run(self) -> None:
        """Stores until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._write())

    async def store(self, deliveries: Sequence[Delivery]) -> None:
        """Stores these entries; waits as long as the database cannot (locked, disk full)."""
        waiting = _Waiting()
        waiting.take(deliveries)
        await self._store(waiting)

    async def _read(self) -> None:
        async for deliveries in self._bus.consume(STREAMS, GROUP, self._instance, count=READ):
            self._waiting.take(deliveries)
            self._arrived.set()
            while self._waiting.full:
                self._taken.clear()
                await self._taken.wait()

    async def _write(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, _Waiting()
            self._taken.set()
            await self._store(waiting)
            try:
                await self._bus.acknowledge(GROUP, waiting.deliveries)
            except BrokerLost as error:
                entries = len(waiting.deliveries)
                log.warning("stored but not acknowledged, will come again", entries=entries, error=str(error))

    async def _store(self, waiting: _Waiting) -> None:
        details = self._keeps_details()
        while True:
            try:
                return await self._store_all(waiting, details)
            except DatabaseUnavailable as error:
                self._counters["retries"] += 1
                entries = len(waiting.deliveries)
                log.error("database unavailable, trying again", error=str(error), entries=entries)
                details = details and not error.disk_full
                await asyncio.sleep(RETRY_S)

    async def _store_all(self, waiting: _Waiting, details: bool) -> None:
        try:
            await self._store_once(waiting.batch, details)
        except Unstorable as error:
            if len(waiting.deliveries) > 1:
                log.warning("an entry cannot be stored, storing one by one", error=str(error))
                for each in waiting.deliveries:
                    alone = _Waiting()
                    alone.take([_again(each)])
                    await self._store_all(alone, details)
                return
            await self._store_once(Batch.of([replace(waiting.deliveries[0], error=str(error))]), details)

    async def _store_once(self, batch: Batch, details: bool) -> None:
        async with self._database.writing() as connection:
            await writes.store(connection, batch, self._now(), details=details)
        if batch.rejected:
            first, reason = batch.rejected[0]
            entries = len(batch.rejected)
            log.warning(
                "malformed entries set aside", entries=entries, stream=first.stream, entry=first.id, reason=reason
            )
        self._counters["rejected"] += len(batch.rejected)
        self._counters["stored"] += batch.entries - len(batch.rejected)
        self._counters["slices"] += batch.slices
        self._counters["without_details"] += 0 if details else batch.entries


def _again(delivery: Delivery) -> Delivery:
    """The entry, decoded once more."""
    if delivery.error is not None:
        return delivery
    return replace(delivery, event=decode(delivery.fields))
