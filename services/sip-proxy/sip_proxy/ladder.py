"""The SIP ladder: every message of a call or registration, redacted, as an event on `vqm:sip`."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from shared.events import SIP, Draft, Stream, message_seen
from sip_proxy.effects import Flow, Message
from sip_proxy.sip.message import Request
from sip_proxy.sip.redact import redact
from sip_proxy.texts import clean, clean_or_none

Direction = Literal["received", "sent"]


class Ladder:
    """Publishes what passes. OPTIONS outside of calls are keepalives and scans: they belong to no story."""

    def __init__(
        self,
        publish: Callable[[Stream, Draft], None],
        now: Callable[[], float],
        is_call: Callable[[str], bool],
    ) -> None:
        self._publish = publish
        self._now = now
        self._is_call = is_call

    def seen(self, direction: Direction, message: Message, octets: bytes, flow: Flow) -> None:
        """`octets` is the message as it is on the wire."""
        call_id, cseq = message.call_id, message.cseq
        if isinstance(message, Request):
            method, status, reason = message.method, None, None
        else:
            method, status, reason = cseq.method, message.status, message.reason
        if method == "OPTIONS" and not self._is_call(call_id):
            return
        self._publish(SIP, _Seen(self._now(), direction, call_id, method, cseq.number, status, reason, octets, flow))


class _Seen(NamedTuple):
    """A message on its way into an event: nobody on the wire waits for the rest of the work."""

    at: float
    direction: Direction
    call_id: str
    method: str
    cseq: int
    status: int | None
    reason: str | None
    octets: bytes
    flow: Flow

    def fields(self) -> dict[str, str]:
        flow = self.flow
        return message_seen(
            at=self.at,
            call_id=clean(self.call_id, 512),
            direction=self.direction,
            transport=flow.transport,
            local=str(flow.local),
            remote=str(flow.remote),
            method=clean(self.method, 64),
            cseq=self.cseq,
            status=self.status,
            reason_phrase=clean_or_none(self.reason),
            text=redact(self.octets),
        )
