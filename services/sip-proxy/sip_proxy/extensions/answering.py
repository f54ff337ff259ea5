"""2xx responses of our own, repeated until their ACK comes (RFC 3261 13.3.1.4)."""

from dataclasses import dataclass

from sip_proxy.context import Context
from sip_proxy.effects import ServerKey
from sip_proxy.sip.message import Request, Response

_REPEAT = "repeat 2xx"
_NO_ACK = "no ACK"


@dataclass(slots=True)
class _Unacknowledged:
    transaction: ServerKey
    response: Response
    is_offer: bool
    interval_s: float


class Answering:
    """At most one a call: a later INVITE takes the place of the one before."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: dict[str, _Unacknowledged] = {}

    def answer(self, transaction: ServerKey, response: Response, *, is_offer: bool) -> None:
        """Sends it, and goes on sending it. `is_offer`: its SDP waits for an answer in the ACK."""
        call_id, timers = response.call_id, self._context.timers
        self._context.wire.respond(transaction, response)
        self._waiting[call_id] = _Unacknowledged(transaction, response, is_offer, timers.t1)
        self._context.wire.set_timer(call_id, _REPEAT, timers.t1)
        self._context.wire.set_timer(call_id, _NO_ACK, timers.transaction)

    def waits(self, call_id: str) -> bool:
        """Whether the ACK is still to come."""
        return call_id in self._waiting

    def has_offered(self, call_id: str) -> bool:
        """Whether an offer of ours has no answer yet."""
        return call_id in self._waiting and self._waiting[call_id].is_offer

    def acknowledged(self, ack: Request) -> None:
        """The ACK of another INVITE changes nothing."""
        waiting = self._waiting.get(ack.call_id)
        if waiting is not None and waiting.response.cseq.number == ack.cseq.number:
            self.stop(ack.call_id)

    def stop(self, call_id: str) -> None:
        if self._waiting.pop(call_id, None) is not None:
            self._context.wire.cancel_timer(call_id, _REPEAT)
            self._context.wire.cancel_timer(call_id, _NO_ACK)

    def timer(self, call_id: str, name: str) -> bool:
        """True: 64*T1 are over without an ACK, the call has to be ended."""
        waiting = self._waiting.get(call_id)
        if waiting is None:
            return False
        if name == _REPEAT:
            # by us, as the transaction is over, and on every transport
            self._context.wire.respond(waiting.transaction, waiting.response)
            waiting.interval_s = min(2 * waiting.interval_s, self._context.timers.t2)
            self._context.wire.set_timer(call_id, _REPEAT, waiting.interval_s)
        elif name == _NO_ACK:
            self.stop(call_id)
            return True
        return False
