"""From the streams to the database: batches in one transaction each, acknowledged only once they are stored.

A crash between the two delivers a batch again, and storing it again changes nothing (store/writes.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import structlog
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, StatementError

from api.devices import DeviceEvent
from api.fold import Fact, facts_of
from api.store import writes
from api.store.database import Database
from shared.broker import BrokerLost, Bus, Delivery
from shared.events import CALLS, GATEWAYS, METRICS, REGISTRATIONS, SECURITY, SIP, Event, SipMessageSeen, Stream
from shared.events.security import SECURITY as SECURITY_EVENTS

log = structlog.get_logger(__name__)

# Of vqm:gateways nothing is stored yet; it is read, so that it is trimmed.
STREAMS: tuple[Stream, ...] = (CALLS, REGISTRATIONS, GATEWAYS, SECURITY, SIP, METRICS)
GROUP = "api"
BATCH = 100  # entries of each stream; an entry of vqm:metrics holds up to 100 slices
RETRY_S = 1.0
# What a value does that no column can hold, such as a number of more than 64 bits: the writer's fault.
UNSTORABLE = (OverflowError, ValueError, DataError, IntegrityError)


@dataclass(slots=True)
class _Batch:
    """Deliveries sorted by where they are stored."""

    facts: list[tuple[str, Fact]] = field(default_factory=list)
    devices: list[DeviceEvent] = field(default_factory=list)
    security: list[tuple[Delivery, Event]] = field(default_factory=list)
    messages: list[Delivery] = field(default_factory=list)
    rejected: list[tuple[Delivery, str]] = field(default_factory=list)


class Ingest:
    """The consumer of the group `api`. `instance` names this process among several."""

    def __init__(self, bus: Bus, database: Database, instance: str, now: Callable[[], float]) -> None:
        self._bus = bus
        self._database = database
        self._instance = instance
        self._now = now
        self._counters: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, float]:
        """Totals since the start: entries stored, entries rejected, batches that had to wait."""
        return {f"ingest_{name}": self._counters[name] for name in ("stored", "rejected", "retries")}

    async def run(self) -> None:
        """Stores until cancelled."""
        async for deliveries in self._bus.consume(STREAMS, GROUP, self._instance, count=BATCH):
            await self.store(deliveries)
            try:
                await self._bus.acknowledge(GROUP, deliveries)
            except BrokerLost as error:
                log.warning("stored but not acknowledged, will come again", entries=len(deliveries), error=str(error))

    async def store(self, deliveries: Sequence[Delivery]) -> None:
        """Stores a batch; waits as long as the database cannot (locked, disk full)."""
        while True:
            try:
                return await self._store_all(deliveries)
            except OperationalError as error:
                self._counters["retries"] += 1
                log.error("database unavailable, trying again", error=str(error.orig), entries=len(deliveries))
                await asyncio.sleep(RETRY_S)

    async def _store_all(self, deliveries: Sequence[Delivery]) -> None:
        try:
            await self._store_once(_sorted(deliveries), deliveries)
        except UNSTORABLE as error:
            if len(deliveries) > 1:
                log.warning("an entry cannot be stored, storing one by one", error=_first_line(error))
                for each in deliveries:
                    await self._store_all([each])
                return
            await self._store_once(_Batch(rejected=[(deliveries[0], _first_line(error))]), deliveries)

    async def _store_once(self, batch: _Batch, deliveries: Sequence[Delivery]) -> None:
        async with self._database.writing() as connection:
            await writes.store_facts(connection, batch.facts)
            await writes.store_devices(connection, batch.devices)
            await writes.store_messages(connection, batch.messages)
            await writes.store_security_events(connection, batch.security)
            await writes.reject(connection, batch.rejected, self._now())
            await writes.advance(connection, deliveries)
        if batch.rejected:
            first, reason = batch.rejected[0]
            count = len(batch.rejected)
            log.warning(
                "malformed entries set aside", entries=count, stream=first.stream, entry=first.id, reason=reason
            )
        self._counters["rejected"] += len(batch.rejected)
        self._counters["stored"] += len(deliveries) - len(batch.rejected)


def _sorted(deliveries: Sequence[Delivery]) -> _Batch:
    batch = _Batch()
    for each in deliveries:
        match each.event:
            case None:
                batch.rejected.append((each, each.error or "malformed"))
            case SipMessageSeen():
                batch.messages.append(each)
            case event if isinstance(event, SECURITY_EVENTS):
                batch.security.append((each, event))
            case event if isinstance(event, get_args(DeviceEvent)):
                batch.devices.append(event)
            case event:
                batch.facts.extend(facts_of(event))
    return batch


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    return f"{type(cause).__name__}: {cause}".splitlines()[0]
