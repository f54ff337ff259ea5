"""The calls that run: one record each, in memory and in Redis (`vqm:call:<call id>`), so that a restarted proxy still
routes the BYE and closes the record. Every call that was started is ended, here and nowhere else."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from shared.broker import BrokerLost, State
from shared.events import CALLS, CallEnded, Event, Stream
from sip_proxy.calls.call_limits import CallLimits
from sip_proxy.calls.call_record import CallRecord, HangupBy
from sip_proxy.documents import read
from sip_proxy.media.ports import MediaPorts

log = structlog.get_logger(__name__)

PREFIX = "vqm:call:"
TTL_S = 24 * 3600.0
REFRESH_S = 3600.0
RETRY_S = 1.0


class CallBook:
    """All running calls."""

    def __init__(
        self,
        state: State,
        ports: MediaPorts,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
        instance: str,
        limits: CallLimits,
        is_shared: Callable[[], bool],
    ) -> None:
        """`is_shared`: whether other proxies live, that may serve our calls."""
        self._limits = limits
        self._is_shared = is_shared
        self._state = state
        self._ports = ports
        self._publish = publish
        self._now = now
        self._instance = instance
        self._born = now()
        self._calls: dict[str, CallRecord] = {}
        self._undeleted: set[str] = set()
        self._unwritten: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: str) -> CallRecord | None:
        """A call that this process has in memory."""
        return self._calls.get(call_id)

    def running(self) -> Mapping[str, CallRecord]:
        """All calls of this process."""
        return self._calls

    async def find(self, call_id: str) -> CallRecord | None:
        """A call, also one that another process set up, or has changed.

        Raises:
            BrokerLost: it is not in memory, and Redis is away.
        """
        record = self._calls.get(call_id)
        if record is not None and self._is_shared():
            return await self.latest(call_id)
        if record is None and call_id not in self._undeleted:
            record = read(CallRecord, await self._state.get(PREFIX + call_id))
            if record is not None:
                self._calls[call_id] = record
        return record

    async def latest(self, call_id: str) -> CallRecord | None:
        """A running call as another proxy may have left it; as we know it when Redis does not."""
        record = self._calls.get(call_id)
        if record is not None and call_id not in self._unwritten:
            with suppress(BrokerLost):
                record = self._calls[call_id] = read(CallRecord, await self._state.get(PREFIX + call_id)) or record
        return record

    def forget(self, ended: CallEnded) -> None:
        """Another proxy has ended this call (or we have, and it is forgotten already)."""
        record = self._calls.get(ended.call_id)
        if record is not None and record.started_at < ended.at:
            del self._calls[ended.call_id]

    async def open(self, record: CallRecord) -> bool:
        """Notes a new call; False when one of this Call-ID runs, here or at another proxy.

        Raises:
            BrokerLost: nobody knows.
        """
        call_id = record.call_id
        if call_id in self._calls:
            return False
        if call_id in self._undeleted:  # one that has ended
            await self.keep(record)
            return True
        try:
            is_new = await self._state.create(PREFIX + call_id, record.model_dump_json(), TTL_S)
        except BrokerLost:
            self._undeleted.add(call_id)  # it may have been written all the same
            raise
        if is_new:
            self._calls[call_id] = record
        return is_new

    async def keep(self, record: CallRecord) -> None:
        """Notes the record as it is now. Without Redis memory must do."""
        self._calls[record.call_id] = record
        self._undeleted.discard(record.call_id)
        self._unwritten.discard(record.call_id)
        try:
            await self._state.put(PREFIX + record.call_id, record.model_dump_json(), TTL_S)
        except BrokerLost as error:
            self._unwritten.add(record.call_id)
            log.warning("call record not written", call_id=record.call_id, error=str(error))

    async def end(
        self,
        call_id: str,
        *,
        hangup_by: HangupBy,
        final_code: int | None,
        reason: str | None = None,
        at: float | None = None,
    ) -> None:
        """Closes the record, publishes the end and gives the media back; nothing for a call that has ended."""
        record = self._calls.pop(call_id, None)
        if record is None:
            return
        self._undeleted.add(call_id)
        code = 200 if final_code is None and record.answered_at is not None else final_code
        ended_at = self._now() if at is None else at
        if record.told:
            self._publish(
                CALLS,
                CallEnded(at=ended_at, call_id=call_id, hangup_by=hangup_by, final_code=code, reason=reason),
            )
            log.info("call ended", call_id=call_id, hangup_by=hangup_by, final_code=code)
        if record.anchor is not None:
            await self._ports.release(record.anchor, call_id)
        if record.account is not None:
            await self._limits.release(record.account, call_id)
        await self._delete()

    async def maintain(self) -> None:
        """Makes up for what Redis could not take, and keeps the records of long calls alive; until cancelled."""
        refresh_at = self._now() + REFRESH_S
        adopted = False
        while True:
            adopted = adopted or await self._adopt()
            await asyncio.sleep(RETRY_S)
            await self._ports.retry()
            await self._delete()
            await self._write()
            if self._now() >= refresh_at:
                refresh_at = self._now() + REFRESH_S
                for record in list(self._calls.values()):
                    await self.keep(record)
                    if record.account is not None:
                        await self._limits.renew(record.account, record.call_id)

    async def _adopt(self) -> bool:
        """Takes over what our former self left: answered calls run on, those that still rang have ended with it."""
        try:
            found = [read(CallRecord, text) async for _, text in self._state.scan(PREFIX)]
        except BrokerLost as error:
            log.warning("running calls not taken over yet", error=str(error))
            return False
        for record in filter(None, found):
            ours = record.instance == self._instance and record.started_at < self._born
            if not ours or record.call_id in self._calls:
                continue
            self._calls[record.call_id] = record
            if record.answered_at is None:
                await self.end(record.call_id, hangup_by="proxy", final_code=None, reason="the proxy was restarted")
        return True

    async def _write(self) -> None:
        for call_id in list(self._unwritten):
            record = self._calls.get(call_id)
            if record is None:
                self._unwritten.discard(call_id)
                continue
            await self.keep(record)
            if call_id in self._unwritten:
                return

    async def _delete(self) -> None:
        for call_id in list(self._undeleted):
            try:
                await self._state.delete(PREFIX + call_id)
            except BrokerLost as error:
                log.warning("call record not deleted", call_id=call_id, error=str(error))
                return
            self._undeleted.discard(call_id)
