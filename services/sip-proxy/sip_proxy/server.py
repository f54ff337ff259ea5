"""The shell between the network and the core: octets to messages, messages to transactions, and every effect done.

The core below (`sip/`) is pure: it is given messages and run-out timers and returns effects. The transaction user
above (`switchboard.py`) is asynchronous only where it must wait for Redis, and gets its work in one lane per Call-ID:
so a wait is an ordinary `await`, the order within a call is kept, and both sides are tested without a socket.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import structlog

from shared.events import SECURITY, Event, Stream
from sip_proxy.admission import Door, Reply
from sip_proxy.cluster import Cluster
from sip_proxy.effects import (
    CancelTimer,
    ClientKey,
    Effects,
    Failed,
    Flow,
    Message,
    PassUp,
    Send,
    ServerKey,
    SetTimer,
    Terminated,
    TransactionKey,
    Transport,
)
from sip_proxy.ladder import Ladder
from sip_proxy.proxy import stamp_source
from sip_proxy.security import BadFormats
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.framing import Framed, Malformed
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.parser import is_keepalive, parse_datagram
from sip_proxy.sip.transactions import TransactionLayer
from sip_proxy.work import (
    AckArrived,
    CancelArrived,
    RequestArrived,
    ResponseArrived,
    TimerRan,
    TransactionEnded,
    TransactionFailed,
    Work,
)

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """A transport's way out."""

    def send(self, octets: bytes, flow: Flow) -> bool:
        """Puts a message on the wire; False when it cannot go there."""

    def is_open(self, flow: Flow) -> bool:
        """Whether there is a way there."""


class Server:
    """Implements `Wire` for those above, and takes what the transports receive."""

    def __init__(
        self,
        layer: TransactionLayer,
        door: Door,
        ladder: Ladder,
        bad_formats: BadFormats,
        cluster: Cluster,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
        dispatch: Callable[[str, Work], None],
    ) -> None:
        self._layer = layer
        self._door = door
        self._ladder = ladder
        self._bad_formats = bad_formats
        self._cluster = cluster
        self._publish = publish
        self._now = now
        self._dispatch = dispatch
        self._loop = asyncio.get_running_loop()
        self._timers: dict[tuple[TransactionKey | str, str], asyncio.TimerHandle] = {}
        self._senders: dict[Transport, Sender] = {}
        self.counters: Counter[str] = Counter()

    @property
    def timers(self) -> int:
        """How many timers run, of transactions and of calls."""
        return len(self._timers)

    def attach(self, transport: Transport, sender: Sender) -> None:
        self._senders[transport] = sender

    def received(self, octets: bytes, flow: Flow) -> None:
        """Takes one datagram from the network, whatever it holds."""
        if is_keepalive(octets):
            self.counters["keepalives"] += 1
            return
        try:
            message = parse_datagram(octets)
        except SipParseError as error:
            self.framed(Malformed(error, fatal=False), flow)
            return
        self.framed(Framed(message, octets), flow)

    def framed(self, frame: Framed | Malformed, flow: Flow) -> None:
        """Takes what came out of a datagram or a stream."""
        try:
            if isinstance(frame, Framed):
                self._message(frame.message, frame.octets, flow)
            else:
                self._malformed(frame.error, flow)
        except Exception:  # the supervisor of the other side of the lanes: no message may end the proxy
            self.counters["messages_broken_off"] += 1
            log.exception("message broken off", source=str(flow))

    def lost(self, flow: Flow) -> None:
        """A connection is gone."""
        self._perform(self._layer.flow_lost(flow), None)

    def _message(self, message: Message, octets: bytes, flow: Flow) -> None:
        self._ladder.seen("received", message, octets, flow)
        if isinstance(message, Response):
            self._response(message, octets, flow)
        else:
            self._request(message, flow)

    def _malformed(self, error: SipParseError, flow: Flow) -> None:
        self.counters["malformed"] += 1
        for event in self._bad_formats.note(flow, error.reason, self._now()):
            self._publish(SECURITY, event)
        if error.status is not None and error.partial is not None:
            # not on the ladder: it has no valid identity to be found by
            self.put(self._door.answer(error.partial, error.status, error.reason).encode(), flow)

    def _response(self, response: Response, octets: bytes, flow: Flow) -> None:
        self.counters["responses_received"] += 1
        effects = self._layer.receive_response(response)
        if effects is not None:
            self._perform(effects, flow)
        elif not self._cluster.hand_back(response, octets, flow):
            self.counters["responses_stray"] += 1  # RFC 6026 8.9: never forwarded

    def _request(self, request: Request, flow: Flow) -> None:
        self.counters["requests_received"] += 1
        stamp_source(request, flow)
        effects = self._layer.receive_request(request)
        if effects is not None:
            self._perform(effects, flow)
        elif request.method == "ACK":
            self._dispatch(request.call_id, AckArrived(request, flow))
        elif request.method == "CANCEL":
            self._cancel(request, flow)
        else:
            self._new_request(request, flow)

    def _new_request(self, request: Request, flow: Flow) -> None:
        verdict = self._door.admit(request, flow, self._now())
        for event in verdict.events:
            self._publish(SECURITY, event)
        if isinstance(verdict, Reply):
            self.send(verdict.response, flow)
            return
        key = self._layer.open_server(request, flow)
        if request.method == "INVITE":
            self.respond(key, response_to(request, 100, to_tag=None))
        self._dispatch(request.call_id, RequestArrived(request, flow, key, verdict.account))

    def _cancel(self, cancel: Request, flow: Flow) -> None:
        """RFC 3261 9.2, 16.10: answered at once, whatever becomes of the call."""
        invite = self._layer.invite_of(cancel)
        if invite is None:
            self.send(self._door.answer(cancel, 481), flow)
            return
        key = self._layer.open_server(cancel, flow)
        self.respond(key, self._door.answer(cancel, 200))
        self._dispatch(cancel.call_id, CancelArrived(cancel, invite))

    def origin(self, transaction: ServerKey) -> Flow | None:
        return self._layer.server_flow(transaction)

    def way(self, flow: Flow) -> Flow | None:
        if not self._cluster.is_ours(flow):
            return self._cluster.way(flow)
        sender = self._senders.get(flow.transport)
        return flow if sender is not None and sender.is_open(flow) else None

    def respond(self, transaction: ServerKey, response: Response) -> None:
        self._perform(self._layer.respond(transaction, response), None)

    def start(self, request: Request, flow: Flow) -> ClientKey:
        key, effects = self._layer.open_client(request, flow)
        self._perform(effects, None)
        return key

    def send(self, message: Message, flow: Flow) -> bool:
        octets = message.encode()
        if not self.put(octets, flow):
            return False
        self._ladder.seen("sent", message, octets, flow)
        return True

    def put(self, octets: bytes, flow: Flow) -> bool:
        """Puts octets on the wire, here or at the proxy that has the flow; False when they cannot go there."""
        # The owner may have died since the flow was chosen.
        way = self._cluster.way(flow)
        if way is None:
            sent = False
        elif self._cluster.is_ours(way):
            sender = self._senders.get(way.transport)
            sent = sender is not None and sender.send(octets, way)
        else:
            sent = self._cluster.hand_over(octets, way)
        self.counters["messages_sent" if sent else "sends_failed"] += 1
        return sent

    def abandon(self, transaction: TransactionKey) -> None:
        self._perform(self._layer.abandon(transaction), None)

    def set_timer(self, call_id: str, name: str, delay_s: float) -> None:
        self._start_timer(call_id, name, delay_s, self._call_timer_ran)

    def cancel_timer(self, call_id: str, name: str) -> None:
        self._stop_timer(call_id, name)

    def close(self) -> None:
        """Stops all timers; what is still under way comes back as a retransmission after a restart."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()

    def _perform(self, effects: Effects, flow: Flow | None) -> None:
        """Does what a transaction asks for. `flow`: where the message came from that made it ask."""
        unsent: TransactionKey | None = None
        for effect in effects:
            match effect:
                case Send(message, to, owner):
                    if not self.send(message, to):
                        unsent = owner
                case SetTimer(owner, name, delay_s):
                    self._start_timer(owner, name, delay_s, self._transaction_timer_ran)
                case CancelTimer(owner, name):
                    self._stop_timer(owner, name)
                case PassUp(owner, message):
                    self._pass_up(owner, message, flow)
                case Failed() | Terminated():
                    self._tell_end(effect)
        if unsent is not None:
            self._perform(self._layer.transport_failed(unsent), None)

    def _tell_end(self, effect: Failed | Terminated) -> None:
        """Users wait for the end of what they sent; that of what they answered changes nothing for them."""
        if not isinstance(effect.owner, ClientKey):
            return
        if isinstance(effect, Failed):
            self._dispatch(effect.call_id, TransactionFailed(effect.owner, effect.why))
        else:
            self._dispatch(effect.call_id, TransactionEnded(effect.owner))

    def _pass_up(self, owner: TransactionKey, message: Message, flow: Flow | None) -> None:
        if flow is None:
            return  # only what was received is passed up
        if isinstance(owner, ClientKey) and isinstance(message, Response):
            self._dispatch(message.call_id, ResponseArrived(owner, message, flow))
        elif isinstance(message, Request):
            self._dispatch(message.call_id, AckArrived(message, flow))

    def _start_timer(
        self, owner: TransactionKey | str, name: str, delay_s: float, ran: Callable[[TransactionKey | str, str], None]
    ) -> None:
        self._stop_timer(owner, name)
        self._timers[owner, name] = self._loop.call_later(delay_s, ran, owner, name)

    def _stop_timer(self, owner: TransactionKey | str, name: str) -> None:
        handle = self._timers.pop((owner, name), None)
        if handle is not None:
            handle.cancel()

    def _transaction_timer_ran(self, owner: TransactionKey | str, name: str) -> None:
        self._timers.pop((owner, name), None)
        if not isinstance(owner, str):
            self._perform(self._layer.fire(owner, name), None)

    def _call_timer_ran(self, owner: TransactionKey | str, name: str) -> None:
        self._timers.pop((owner, name), None)
        if isinstance(owner, str):
            self._dispatch(owner, TimerRan(owner, name))
