"""The calls that run: one record each, in memory and in Redis (`vqm:call:<call id>`), so that a restarted proxy still
routes the BYE and closes the record. Every call that was started is ended, here and nowhere else."""

import asyncio
from collections.abc import Callable
from typing import Literal

import structlog
from pydantic import Field, ValidationError

from shared.broker import BrokerLost, State
from shared.events import CALLS, CallEnded, Event, Party, Stream, Value
from sip_proxy.anchoring import Anchor
from sip_proxy.effects import Flow
from sip_proxy.ports import MediaPorts
from sip_proxy.session_timer import SessionTimer
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.message import Message

log = structlog.get_logger(__name__)

HangupBy = Literal["caller", "callee", "proxy"] | None

PREFIX = "vqm:call:"
TTL_S = 24 * 3600.0
REFRESH_S = 3600.0
RETRY_S = 1.0


class CallRecord(Value):
    """What must be known of a call to serve it."""

    call_id: str
    instance: str  # the proxy that set it up
    caller: str
    callee: str
    extension: str | None = None
    started_at: float
    answered_at: float | None = None
    ringing: bool = False
    caller_tag: str
    caller_flow: str
    # the dialogs that the callee side opened, by its tag, and the way to each; the answered one is `callee_tag`
    callee_flows: dict[str, str] = Field(default_factory=dict)
    callee_tag: str | None = None
    anchor: Anchor | None = None
    dialog: Dialog | None = None  # where we ourselves are the callee
    session_timer: SessionTimer | None = None  # the same
    done_by: float | None = None  # we hang up then, whatever happens
    ended: bool = False  # told as ended, but its dialog may still be alive

    @property
    def deadline(self) -> float | None:
        """When we have to do something for this call; None: never."""
        session = None if self.session_timer is None else self.session_timer.deadline
        return min((at for at in (session, self.done_by) if at is not None), default=None)

    def party_of(self, message: Message) -> Party | None:
        """Who sent this in-dialog request, by its tags; None: it is of no dialog of this call."""
        sender, receiver = message.from_().tag or "", message.to().tag or ""
        if sender == self.caller_tag and self._is_callee(receiver):
            return "caller"
        if receiver == self.caller_tag and self._is_callee(sender):
            return "callee"
        return None

    def flow_to(self, party: Party, message: Message) -> Flow | None:
        """The way to a party of the dialog of this message, from where that party speaks to us."""
        if party == "caller":
            return Flow.from_text(self.caller_flow)
        flow = self.callee_flows.get(message.to().tag or "")
        return None if flow is None else Flow.from_text(flow)

    def heard_from(self, party: Party, message: Message, flow: Flow) -> "CallRecord":
        """After a request of a party: it is reached from where it spoke last, as a NAT or a connection may be new."""
        text = flow.to_text()
        if party == "caller":
            return self if self.caller_flow == text else self.model_copy(update={"caller_flow": text})
        tag = message.from_().tag or ""
        if self.callee_flows.get(tag) == text:
            return self
        return self.model_copy(update={"callee_flows": {**self.callee_flows, tag: text}})

    def is_answered_dialog(self, message: Message) -> bool:
        """Whether the message is of the dialog that became the call (a fork may open others)."""
        return self.callee_tag in (message.from_().tag, message.to().tag)

    def _is_callee(self, tag: str) -> bool:
        return tag in self.callee_flows or (self.dialog is not None and tag == self.dialog.local_tag)


class CallBook:
    """All running calls."""

    def __init__(
        self,
        state: State,
        ports: MediaPorts,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
        instance: str,
    ) -> None:
        self._state = state
        self._ports = ports
        self._publish = publish
        self._now = now
        self._instance = instance
        self._born = now()
        self._calls: dict[str, CallRecord] = {}
        self._undeleted: set[str] = set()

    def __len__(self) -> int:
        return sum(not record.ended for record in self._calls.values())

    def get(self, call_id: str) -> CallRecord | None:
        """A call that this process has in memory."""
        return self._calls.get(call_id)

    def running(self) -> dict[str, CallRecord]:
        """All calls of this process that have not ended."""
        return {call_id: record for call_id, record in self._calls.items() if not record.ended}

    async def find(self, call_id: str) -> CallRecord | None:
        """A call, also one that another process set up.

        Raises:
            BrokerLost: it is not in memory, and Redis is away.
        """
        record = self._calls.get(call_id)
        if record is None and call_id not in self._undeleted:
            record = _decode(await self._state.get(PREFIX + call_id))
            if record is not None:
                self._calls[call_id] = record
        return record

    async def latest(self, call_id: str) -> CallRecord | None:
        """A call of this process as whoever served it last knows it."""
        try:
            record = _decode(await self._state.get(PREFIX + call_id))
        except BrokerLost:
            record = None
        if record is not None and call_id in self._calls:
            self._calls[call_id] = record
        return self._calls.get(call_id)

    async def keep(self, record: CallRecord) -> None:
        """Notes the record as it is now. Without Redis memory must do."""
        self._calls[record.call_id] = record
        self._undeleted.discard(record.call_id)
        try:
            await self._state.put(PREFIX + record.call_id, record.model_dump_json(), TTL_S)
        except BrokerLost as error:
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
        if not record.ended:
            await self._tell_end(record, hangup_by, final_code, reason, at)
        await self._delete()

    async def end_silent(self, call_id: str) -> None:
        """Closes a call whose media stopped. Its dialog is kept, as one of the parties may still be there."""
        record = self._calls.get(call_id)
        if record is not None and not record.ended:
            await self._tell_end(record, None, None, "the media stopped", None)
            await self.keep(record.model_copy(update={"ended": True, "anchor": None}))

    async def _tell_end(
        self, record: CallRecord, hangup_by: HangupBy, final_code: int | None, reason: str | None, at: float | None
    ) -> None:
        call_id = record.call_id
        code = 200 if final_code is None and record.answered_at is not None else final_code
        ended_at = self._now() if at is None else at
        self._publish(
            CALLS,
            CallEnded(at=ended_at, call_id=call_id, hangup_by=hangup_by, final_code=code, reason=reason),
        )
        log.info("call ended", call_id=call_id, hangup_by=hangup_by, final_code=code)
        if record.anchor is not None:
            await self._ports.release(record.anchor, call_id)

    async def maintain(self) -> None:
        """Makes up for what Redis could not take, and keeps the records of long calls alive; until cancelled."""
        refresh_at = self._now() + REFRESH_S
        adopted = False
        while True:
            adopted = adopted or await self._adopt()
            await asyncio.sleep(RETRY_S)
            await self._ports.retry()
            await self._delete()
            if self._now() >= refresh_at:
                refresh_at = self._now() + REFRESH_S
                for record in list(self._calls.values()):
                    await self.keep(record)

    async def _adopt(self) -> bool:
        """Takes over what our former self left: answered calls run on, those that still rang have ended with it."""
        try:
            left = [record async for _, text in self._state.scan(PREFIX) if (record := _decode(text)) is not None]
        except BrokerLost as error:
            log.warning("running calls not taken over yet", error=str(error))
            return False
        for record in left:
            ours = record.instance == self._instance and record.started_at < self._born
            if not ours or record.call_id in self._calls:
                continue
            self._calls[record.call_id] = record
            if record.answered_at is None:
                await self.end(record.call_id, hangup_by="proxy", final_code=None, reason="the proxy was restarted")
        return True

    async def _delete(self) -> None:
        for call_id in list(self._undeleted):
            try:
                await self._state.delete(PREFIX + call_id)
            except BrokerLost as error:
                log.warning("call record not deleted", call_id=call_id, error=str(error))
                return
            self._undeleted.discard(call_id)


def _decode(text: str | None) -> CallRecord | None:
    if text is None:
        return None
    try:
        return CallRecord.model_validate_json(text)
    except ValidationError as error:
        log.warning("unreadable call record ignored", error=str(error))
        return None
