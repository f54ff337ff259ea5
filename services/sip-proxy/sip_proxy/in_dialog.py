"""Requests inside a call between two devices: forwarded to the other party, and what they change noted."""

from dataclasses import dataclass, field

from shared.events import CALLS, CallUpdated, Party
from sip_proxy import proxy
from sip_proxy.anchoring import Anchor, other
from sip_proxy.bodies import anchor_body, anchor_body_leniently
from sip_proxy.calls import CallBook, CallRecord
from sip_proxy.context import Context
from sip_proxy.effects import Flow, ServerKey
from sip_proxy.forking import Fork
from sip_proxy.forwarding import Forwarder, Target
from sip_proxy.parties import Parties
from sip_proxy.ports import MediaPorts
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.texts import clean_or_none
from sip_proxy.work import AckArrived, RequestArrived

# Methods whose way we want to stay on (RFC 3261 16.6 step 4): re-INVITE and its kind refresh the target.
_RECORD_ROUTED = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "REFER", "NOTIFY"})


class InDialog:
    """Serves the dialogs of calls between devices."""

    def __init__(
        self, context: Context, ports: MediaPorts, book: CallBook, forwarder: Forwarder, parties: Parties
    ) -> None:
        self._context = context
        self._parties = parties
        self._ports = ports
        self._book = book
        self._forwarder = forwarder

    async def request(self, work: RequestArrived, record: CallRecord) -> None:
        """Forwards a request of one party to the other, from where that one speaks to us (NAT)."""
        sender = record.party_of(work.request)
        if sender is None:
            self._context.wire.respond(work.transaction, response_to(work.request, 481, to_tag=self._context.token()))
            return
        record = await self._hear(record, sender, work)
        flow = await self._parties.way_to(other(sender), record, work.request)
        if flow is None:
            self._context.wire.respond(work.transaction, response_to(work.request, 480, to_tag=self._context.token()))
            await self._unreachable(work, record, sender)
            return
        before = record.anchor
        try:
            await self._learn(record, work.request, sender, work.flow)
        except SdpError:
            self._context.wire.respond(
                work.transaction, response_to(work.request, 400, "Malformed SDP", to_tag=self._context.token())
            )
            return
        fork = Fork(work.request, self._context.token())
        errand = _Exchange(work.transaction, fork, self, sender, before, self._context.now())
        proxy.take_own_routes(work.request, self._context.site)
        target = Target(work.request.uri, flow)
        record_route = work.request.method in _RECORD_ROUTED
        await self._forwarder.forward(errand, work.request, [target], record_route=record_route)

    async def ack(self, work: AckArrived, record: CallRecord) -> None:
        """The ACK of a 2xx goes end to end, without a transaction (RFC 3261 13.2.2.4)."""
        sender = record.party_of(work.ack)
        flow = None if sender is None else await self._parties.way_to(other(sender), record, work.ack)
        if sender is None or flow is None:
            return
        if record.anchor is not None:
            learned = anchor_body_leniently(work.ack, record.anchor, sender, work.flow.remote.host)
            await self._keep_anchor(record, learned)
        proxy.take_own_routes(work.ack, self._context.site)
        copy = self._forwarder.copy_for(work.ack, Target(work.ack.uri, flow))
        self._context.wire.send(copy, flow)

    async def _hear(self, record: CallRecord, sender: Party, work: RequestArrived) -> CallRecord:
        heard = record.heard_from(sender, work.request, work.flow)
        if heard != record:
            await self._book.keep(heard)
        return heard

    async def _unreachable(self, work: RequestArrived, record: CallRecord, sender: Party) -> None:
        """The other side is gone; who hangs up then has hung up all the same."""
        if work.request.method == "BYE":
            await self._book.end(record.call_id, hangup_by=sender, final_code=None, reason="the other side is gone")

    async def response_passes(self, errand: "_Exchange", response: Response, flow: Flow | None) -> None:
        record = self._book.get(response.call_id)
        if record is None:
            return
        method = errand.fork.request.method
        if response.status >= 300:
            await self._refused(errand, record, response)
            return
        if record.anchor is not None and flow is not None:
            answerer = other(errand.sender)
            learned = anchor_body_leniently(response, record.anchor, answerer, flow.remote.host)
            record = await self._keep_anchor(record, learned)
        if response.status < 200:
            return
        if method == "BYE":
            await self._hung_up(errand, record)
        elif method in ("INVITE", "UPDATE"):
            self._updated(errand, record)

    async def unanswered(self, errand: "_Exchange") -> None:
        record = self._book.get(errand.fork.request.call_id)
        if record is not None and errand.fork.request.method == "BYE":
            await self._hung_up(errand, record)

    async def _refused(self, errand: "_Exchange", record: CallRecord, response: Response) -> None:
        method = errand.fork.request.method
        if method == "BYE" and response.status not in (401, 407):
            await self._hung_up(errand, record)  # 481 or worse: that side does not know the call any more
        elif method in ("INVITE", "UPDATE") and errand.before is not None:
            # RFC 3261 14.1: the session stays as it was
            await self._keep_anchor(record, errand.before)

    async def _hung_up(self, errand: "_Exchange", record: CallRecord) -> None:
        if not record.is_answered_dialog(errand.fork.request) and record.callee_tag is not None:
            return  # the end of another branch of a fork
        reason = clean_or_none(errand.fork.request.headers.get("Reason"))
        await self._book.end(
            record.call_id, hangup_by=errand.sender, final_code=None, reason=reason, at=errand.started_at
        )

    def _updated(self, errand: "_Exchange", record: CallRecord) -> None:
        anchor = record.anchor
        if anchor is None or errand.told or anchor == errand.before:
            return
        errand.told = True
        event = CallUpdated(
            at=self._context.now(), call_id=record.call_id, by=errand.sender, codec=anchor.codec, on_hold=anchor.on_hold
        )
        self._context.publish(CALLS, event)

    async def _learn(self, record: CallRecord, request: Request, sender: Party, flow: Flow) -> None:
        if record.anchor is not None:
            await self._keep_anchor(record, anchor_body(request, record.anchor, sender, flow.remote.host))

    async def _keep_anchor(self, record: CallRecord, anchor: Anchor) -> CallRecord:
        if anchor == record.anchor:
            return record
        changed = record.model_copy(update={"anchor": anchor})
        await self._ports.update(anchor, record.call_id)
        await self._book.keep(changed)
        return changed


@dataclass(slots=True)
class _Exchange:
    """The errand of one request inside a call."""

    server: ServerKey
    fork: Fork
    calls: InDialog = field(repr=False)
    sender: Party
    before: Anchor | None  # the media before this request
    started_at: float
    told: bool = False

    async def relay(self, response: Response, flow: Flow | None) -> None:
        await self.calls.response_passes(self, response, flow)

    async def unanswered(self) -> None:
        await self.calls.unanswered(self)
