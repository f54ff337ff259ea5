"""The shell between the network and the core: octets to messages, messages to transactions, and every effect done.

The core below (`sip/`) is pure: it is given messages and run-out timers and returns effects. The transaction user
above (`switchboard.py`) is asynchronous only where it must wait for Redis, and gets its work in one lane per Call-ID:
so a wait is an ordinary `await`, the order within a call is kept, and both sides are tested without a socket.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from shared.events import SECURITY, Event, Stream
from sip_proxy import stun
from sip_proxy.admission import Door, Reply
from sip_proxy.alarms import Alarms, Owner
from sip_proxy.calls.speakers import unexpected_address
from sip_proxy.cluster import Cluster
from sip_proxy.effects import (
    Address,
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
from sip_proxy.guard import Dropped, Guard
from sip_proxy.ladder import Ladder
from sip_proxy.modesty import within
from sip_proxy.queue_of_strangers import QueueOfStrangers
from sip_proxy.routing.proxy import stamp_source
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

# Known from the start, since a rate needs a first value.
COUNTED = (
    "answers_withheld",
    "keepalives",
    "messages_broken_off",
    "messages_sent",
    "requests_received",
    "responses_received",
    "responses_stray",
    "sends_failed",
)


class Sender(Protocol):
    """A transport's way out."""

    def send(self, octets: bytes, flow: Flow) -> bool:
        """Puts a message on the wire; False when it cannot go there."""

    def is_open(self, flow: Flow) -> bool:
        """Whether there is a way there."""

    def connect(self, remote: Address, server_name: str) -> Flow:
        """The way to a server."""


class Server:
    """Implements `Wire` for those above, and takes what the transports receive."""

    def __init__(
        self,
        layer: TransactionLayer,
        door: Door,
        ladder: Ladder,
        guard: Guard,
        cluster: Cluster,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
        dispatch: Callable[[str, Work], None],
    ) -> None:
        self._layer = layer
        self._door = door
        self._ladder = ladder
        self._guard = guard
        self._cluster = cluster
        self._publish = publish
        self._now = now
        self._dispatch = dispatch
        self._alarms = Alarms(self._timer_ran)
        self._senders: dict[Transport, Sender] = {}
        self._strangers = QueueOfStrangers(self._read)
        self.counters = Counter(dict.fromkeys(COUNTED, 0))

    @property
    def timers(self) -> int:
        """How many timers run, of transactions and of calls."""
        return len(self._alarms)

    def attach(self, transport: Transport, sender: Sender) -> None:
        self._senders[transport] = sender

    def received(self, octets: bytes, flow: Flow) -> None:
        """Takes one datagram from the network, whatever it holds."""
        now = self._now()
        if self._is_dropped(self._guard.screen(octets, flow, now)):
            return
        if self._guard.is_friend(flow, now):
            self._read(octets, flow)
        elif not self._strangers.put(octets, flow):
            self._is_dropped(self._guard.overrun(octets, flow, now))

    def _read(self, octets: bytes, flow: Flow) -> None:
        if is_keepalive(octets):
            self.counters["keepalives"] += 1
            return
        if octets[0] == 0 and self._answer_stun(octets, flow):
            return
        try:
            message = parse_datagram(octets)
        except SipParseError as error:
            self._take(Malformed(error, fatal=False), flow, len(octets))
            return
        self._take(Framed(message, octets), flow)

    def _answer_stun(self, octets: bytes, flow: Flow) -> bool:
        """RFC 5626 4.4.2; a stranger gets no more octets than he sent."""
        answer = stun.answer(octets, flow.remote)
        if answer is None:
            return False
        self.counters["keepalives"] += 1
        if len(answer) <= len(octets) or self._guard.is_friend(flow, self._now()):
            self.put(answer, flow)
        return True

    def framed(self, frame: Framed | Malformed, flow: Flow) -> None:
        """Takes what came out of a stream, or what another proxy has let in."""
        octets = frame.octets if isinstance(frame, Framed) else b""
        if self._cluster.is_ours(flow) and self._is_dropped(self._guard.screen(octets, flow, self._now())):
            return
        self._take(frame, flow)

    def lost(self, flow: Flow) -> None:
        """A connection is gone."""
        self._perform(self._layer.flow_lost(flow), None)

    def _is_dropped(self, dropped: Dropped | None) -> bool:
        if dropped is None:
            return False
        self._tell(dropped.events)
        return True

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._publish(SECURITY, event)

    def _take(self, frame: Framed | Malformed, flow: Flow, size: int = 0) -> None:
        """`size`: of a malformed datagram."""
        try:
            if isinstance(frame, Framed):
                self._message(frame.message, frame.octets, flow)
            else:
                self._malformed(frame.error, flow, size)
        except Exception:  # the supervisor of the other side of the lanes: no message may end the proxy
            self.counters["messages_broken_off"] += 1
            log.exception("message broken off", source=str(flow))

    def _message(self, message: Message, octets: bytes, flow: Flow) -> None:
        if isinstance(message, Response):
            self._ladder.seen("received", message, octets, flow)
            self._response(message, octets, flow)
            return
        if self._is_dropped(self._guard.inspect(message, flow, self._now())):
            return
        self._ladder.seen("received", message, octets, flow)
        self._request(message, flow, len(octets))

    def _malformed(self, error: SipParseError, flow: Flow, size: int) -> None:
        self._tell(self._guard.malformed(error.reason, flow, self._now()))
        if error.status is not None and error.partial is not None:
            # not on the ladder: it has no valid identity to be found by
            answer = self._modest(self._door.answer(error.partial, error.status, error.reason), flow, size)
            if answer is not None:
                self.put(answer, flow)

    def _response(self, response: Response, octets: bytes, flow: Flow) -> None:
        self.counters["responses_received"] += 1
        effects = self._layer.receive_response(response)
        if effects is not None:
            self._perform(effects, flow)
        elif not self._cluster.hand_back(response, octets, flow):
            self.counters["responses_stray"] += 1  # RFC 6026 8.9: never forwarded

    def _request(self, request: Request, flow: Flow, size: int) -> None:
        self.counters["requests_received"] += 1
        stamp_source(request, flow)
        effects = self._layer.receive_request(request)
        if effects is not None:
            self._perform(effects, flow)
        elif request.method == "ACK":
            self._dispatch(request.call_id, AckArrived(request, flow))
        elif request.method == "CANCEL":
            self._cancel(request, flow, size)
        else:
            self._new_request(request, flow, size)

    def _new_request(self, request: Request, flow: Flow, size: int) -> None:
        now = self._now()
        verdict = self._door.admit(request, flow, now)
        self._tell(verdict.events)
        if isinstance(verdict, Reply):
            if verdict.challenge is not None:
                self._tell(self._guard.challenged(verdict.challenge, flow, now))
            self._answer_once(verdict.response, flow, size)
            return
        key = self._layer.open_server(request, flow)
        if request.method == "INVITE" and verdict.account is not None:
            # RFC 3261 17.2.1; who is not proven to be one of us is first looked at by those who know his call
            self.respond(key, response_to(request, 100, to_tag=None))
        self._dispatch(request.call_id, RequestArrived(request, flow, key, verdict.proof, size))

    def _cancel(self, cancel: Request, flow: Flow, size: int) -> None:
        """RFC 3261 9.2, 16.10: answered at once, whatever becomes of the call. Who sent no INVITE cannot cancel it."""
        invite = self._layer.invite_of(cancel)
        its_flow = None if invite is None else self._layer.server_flow(invite)
        if its_flow is not None and its_flow.remote.host != flow.remote.host:
            self._tell([unexpected_address(cancel, flow, self._now(), "the INVITE came from elsewhere")])
            invite = None
        if invite is None:
            self._answer_once(self._door.answer(cancel, 481), flow, size)
            return
        key = self._layer.open_server(cancel, flow)
        last = self._layer.last_response(invite)
        tag = None if last is None else last.to().tag
        # RFC 3261 9.2: the tag that the answers to the INVITE have, as soon as they have one
        answer = self._door.answer(cancel, 200) if tag is None else response_to(cancel, 200, to_tag=tag)
        self.respond(key, answer)
        self._dispatch(cancel.call_id, CancelArrived(cancel, invite))

    def origin(self, transaction: ServerKey) -> Flow | None:
        return self._layer.server_flow(transaction)

    def way(self, flow: Flow) -> Flow | None:
        way = self._cluster.way(flow)
        if way is None or not self._cluster.is_ours(way):
            return way
        sender = self._senders.get(way.transport)
        return way if sender is not None and sender.is_open(way) else None

    def connect(self, flow: Flow, server_name: str) -> Flow | None:
        sender = self._senders.get(flow.transport)
        return None if sender is None else sender.connect(flow.remote, server_name)

    def _answer_once(self, response: Response, flow: Flow, size: int) -> None:
        octets = self._modest(response, flow, size)
        if octets is not None and self.put(octets, flow):
            self._ladder.seen("sent", response, octets, flow)

    def _modest(self, response: Response, flow: Flow, size: int) -> bytes | None:
        """The answer in a size that cannot be abused; None: better none."""
        if flow.reliable or self._guard.is_friend(flow, self._now()):
            return response.encode()
        octets = within(response, size)
        if octets is None:
            self.counters["answers_withheld"] += 1
        return octets

    def refuse(self, work: RequestArrived, response: Response) -> None:
        self._answer_once(response, work.flow, work.size)
        self.abandon(work.transaction)

    def respond(self, transaction: ServerKey, response: Response) -> None:
        self._perform(self._layer.respond(transaction, response), None)

    def start(self, request: Request, flow: Flow) -> ClientKey:
        key, effects = self._layer.open_client(request, flow)
        self._perform(effects, None)
        return key

    def send(self, message: Message, flow: Flow) -> bool:
        if flow.transport != "udp" and message.headers.get("Content-Length") is None:
            # RFC 3261 16.6 step 9, 20.14: datagrams need none, and Linphone's ACK has none
            message.headers.set("Content-Length", str(len(message.body)))
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
        self._alarms.set(call_id, name, delay_s)

    def cancel_timer(self, call_id: str, name: str) -> None:
        self._alarms.cancel(call_id, name)

    def close(self) -> None:
        """Stops all timers; what is still under way comes back as a retransmission after a restart. Connections that
        end from now on have nobody to tell."""
        self._dispatch = _nobody
        self._strangers.close()
        self._alarms.close()

    def _perform(self, effects: Effects, flow: Flow | None) -> None:
        """Does what a transaction asks for. `flow`: where the message came from that made it ask."""
        unsent: TransactionKey | None = None
        for effect in effects:
            match effect:
                case Send(message, to, owner):
                    if not self.send(message, to):
                        unsent = owner
                case SetTimer(owner, name, delay_s):
                    self._alarms.set(owner, name, delay_s)
                case CancelTimer(owner, name):
                    self._alarms.cancel(owner, name)
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

    def _timer_ran(self, owner: Owner, name: str) -> None:
        if isinstance(owner, str):
            self._dispatch(owner, TimerRan(owner, name))
        else:
            self._perform(self._layer.fire(owner, name), None)


def _nobody(call_id: str, work: Work) -> None:
    """The work of a proxy that has ended."""
