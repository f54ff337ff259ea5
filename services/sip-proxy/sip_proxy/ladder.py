"""The SIP ladder: every message of a call or registration, redacted, as an event on `vqm:sip`."""

from collections.abc import Callable
from typing import Literal

from shared.events import SIP, Event, SipMessageSeen, Stream
from sip_proxy.effects import Flow, Message
from sip_proxy.sip.message import Request
from sip_proxy.sip.redact import redact
from sip_proxy.texts import clean, clean_or_none


class Ladder:
    """Publishes what passes. OPTIONS outside of calls are keepalives and scans: they belong to no story."""

    def __init__(
        self,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
        is_call: Callable[[str], bool],
    ) -> None:
        self._publish = publish
        self._now = now
        self._is_call = is_call

    def seen(self, direction: Literal["received", "sent"], message: Message, octets: bytes, flow: Flow) -> None:
        """`octets` is the message as it is on the wire."""
        method = message.method if isinstance(message, Request) else message.cseq.method
        if method == "OPTIONS" and not self._is_call(message.call_id):
            return
        status = None if isinstance(message, Request) else message.status
        event = SipMessageSeen(
            at=self._now(),
            call_id=clean(message.call_id, 512),
            direction=direction,
            transport=flow.transport,
            local=str(flow.local),
            remote=str(flow.remote),
            method=clean(method, 64),
            cseq=message.cseq.number,
            status=status,
            reason_phrase=None if isinstance(message, Request) else clean_or_none(message.reason),
            text=redact(octets),
        )
        self._publish(SIP, event)
