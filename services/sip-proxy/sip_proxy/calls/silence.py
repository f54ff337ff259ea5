"""Calls that are over although nobody said so: the BYE was lost, or both phones are gone. And calls whose worker has
said all that it had to say (996)."""

import asyncio
from collections.abc import Callable

import structlog

from shared.broker import BrokerLost, Bus, Workers
from shared.events import CALLS, METRICS, CallEnded, QualitySpoken, SlicesMeasured
from sip_proxy.calls.call_record import CallRecord
from sip_proxy.calls.calls import CallBook
from sip_proxy.lanes import Lanes
from sip_proxy.work import MediaSilent, ResultSpoken, SessionExpired, Work

log = structlog.get_logger(__name__)

CHECK_S = 5.0
GATHER_S = 0.2  # most of what is read are the events of our own calls


class SilenceWatch:
    """Listens to what the workers measure, and says which calls have been silent or unrefreshed for too long."""

    def __init__(
        self,
        bus: Bus,
        workers: Workers,
        book: CallBook,
        lanes: Lanes[Work],
        now: Callable[[], float],
        timeout_s: float,
        grace_s: float,
    ) -> None:
        """`timeout_s`: without media; `grace_s`: after the end of a session that nobody refreshed."""
        self._bus = bus
        self._workers = workers
        self._book = book
        self._lanes = lanes
        self._now = now
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._heard: dict[str, float] = {}
        self._since = now()  # before that we heard nothing of anybody

    async def listen(self) -> None:
        """Notes when each call was heard last and which have ended at another proxy, and passes on what has been
        spoken, until cancelled."""
        async for batch in self._bus.tail([METRICS, CALLS], gather_s=GATHER_S):
            for delivery in batch:
                match delivery.event:
                    case SlicesMeasured() as measured:
                        self.note(measured)
                    case QualitySpoken(call_id=call_id) if call_id in self._book.running():
                        self._lanes.put(call_id, ResultSpoken(call_id))
                    case CallEnded() as ended:
                        self._book.forget(ended)

    async def watch(self) -> None:
        """Looks for silent calls, until cancelled."""
        while True:
            await asyncio.sleep(min(CHECK_S, self._timeout_s / 4))
            try:
                alive = {status.worker for status in await self._workers.live()}
            except BrokerLost as error:
                self._since = self._now()  # what is measured does not reach us either
                log.warning("silent calls cannot be told", error=str(error))
                continue
            running = self._book.running()
            self._heard = {call_id: at for call_id, at in self._heard.items() if call_id in running}
            for call_id, record in running.items():
                if self.is_silent(record, alive):
                    self._lanes.put(call_id, MediaSilent(record))
                elif self.is_expired(record):
                    self._lanes.put(call_id, SessionExpired(record))

    def note(self, event: SlicesMeasured) -> None:
        for part in event.slices:
            if part.interval.packets_received:
                self._heard[part.call_id] = event.at

    def is_silent(self, record: CallRecord, alive: set[str]) -> bool:
        """Only where silence means something: an answered call whose media we carry and nobody holds, and a worker that
        would hear."""
        anchor = record.anchor
        if anchor is None or not anchor.session.relayed or anchor.on_hold or anchor.worker not in alive:
            return False
        return self._has_been_quiet(record)

    def is_expired(self, record: CallRecord) -> bool:
        """The session timer ran out (RFC 4028). Parties that still talk have only forgotten it."""
        deadline = record.session_expires_at
        return deadline is not None and self._now() > deadline + self._grace_s and self._has_been_quiet(record)

    def _has_been_quiet(self, record: CallRecord) -> bool:
        if record.answered_at is None:
            return False
        last = max(record.answered_at, self._since, self._heard.get(record.call_id, 0.0))
        return self._now() - last > self._timeout_s
