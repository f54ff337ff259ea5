"""Requests inside a call between two devices: forwarded to the other party, and what they change noted."""

from dataclasses import dataclass, field

from shared.events import CALLS, CallUpdated, Party
from sip_proxy.calls import session_expiry
from sip_proxy.calls.call_record import CallRecord, HangupBy
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.speakers import Speakers
from sip_proxy.context import Context
from sip_proxy.effects import Flow, ServerKey
from sip_proxy.media.anchoring import Anchor
from sip_proxy.media.bodies import anchor_body, anchor_body_leniently, carries_description, description_of
from sip_proxy.media.media_sessions import other
from sip_proxy.media.ports import MediaPorts
from sip_proxy.parties import Parties
from sip_proxy.routing import proxy
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder, Target
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.sdp import SessionDescription
from sip_proxy.texts import clean_or_none
from sip_proxy.work import AckArrived, RequestArrived

# Methods whose way we want to stay on (RFC 3261 16.6 step 4): re-INVITE and its kind refresh the target.
_RECORD_ROUTED = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "REFER", "NOTIFY"})
# Methods whose SDP is an offer or an answer (RFC 6337 2.2); that of an OPTIONS only says what one could do.
_NEGOTIATING = frozenset({"INVITE", "UPDATE", "PRACK"})


class InDialog:
    """Serves the dialogs of calls between devices."""

    def __init__(
        self,
        context: Context,
        ports: MediaPorts,
        book: CallBook,
        forwarder: Forwarder,
        parties: Parties,
        speakers: Speakers,
    ) -> None:
        self._context = context
        self._parties = parties
        self._speakers = speakers
        self._ports = ports
        self._book = book
        self._forwarder = forwarder

    async def request(self, work: RequestArrived, record: CallRecord) -> None:
        """Forwards a request of one party to the other, from where that one speaks to us (NAT)."""
        sender = record.party_of(work.request)
        if sender is None:
            self._context.wire.refuse(work, response_to(work.request, 481, to_tag=self._context.token()))
            return
        refusal = await self._speakers.refusal(record, sender, work.request, work.flow)
        if refusal is not None:
            self._context.wire.refuse(work, refusal)
            return
        if work.request.method == "INVITE":
            self._context.wire.respond(work.transaction, response_to(work.request, 100, to_tag=None))
        record = await self._hear(record, sender, work)
        flow = await self._parties.way_to(other(sender), record, work.request)
        if flow is None:
            self._context.wire.respond(work.transaction, response_to(work.request, 480, to_tag=self._context.token()))
            await self._unreachable(work, record, sender)
            return
        try:
            offer = await self._offer(record, work.request, sender, work.flow)
        except SdpError:
            self._context.wire.respond(
                work.transaction, response_to(work.request, 400, "Malformed SDP", to_tag=self._context.token())
            )
            return
        fork = Fork(work.request, self._context.token())
        errand = _Exchange(work.transaction, fork, self, sender, offer, self._context.now())
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
        if await self._speakers.refusal(record, sender, work.ack, work.flow) is not None:
            return  # an ACK has no answer
        if record.anchor is not None:
            tag = record.callee_tag_of(work.ack)
            learned = anchor_body_leniently(
                work.ack, record.anchor, sender, work.flow.remote.host, tag=tag, is_answer=True
            )
            await self._keep_anchor(record, learned, sender)
        proxy.take_own_routes(work.ack, self._context.site)
        copy = self._forwarder.copy_for(work.ack, Target(work.ack.uri, flow))
        self._context.wire.send(copy, flow)

    async def _hear(self, record: CallRecord, sender: Party, work: RequestArrived) -> CallRecord:
        heard = record.heard_from(sender, work.request, work.flow)
        if work.request.method != "BYE":  # after which nothing has to be known any more
            heard = heard.heard(sender, work.request)
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
        if session_expiry.is_refresh(response):
            expires_at = session_expiry.expires_at(response, self._context.now())
            record = record.heard(other(errand.sender), response)
            record = record.model_copy(update={"session_expires_at": expires_at})
            await self._book.keep(record)
        if record.anchor is not None and flow is not None:
            agreed = self._agreed(errand, record, record.anchor, response, flow)
            record = await self._keep_anchor(record, agreed, errand.sender)
        if response.status >= 200 and method == "BYE":
            await self._hung_up(errand, record)

    async def hang_up(self, call_id: str, reason: str, hangup_by: HangupBy) -> None:
        """Ends an answered call that both sides, or one of them, may still be in: a BYE to each, as if it came from the
        other. Whoever has left says 481 or nothing."""
        record = self._book.get(call_id)
        if record is None or record.answered_at is None:
            return
        for party, request in record.byes():
            flow = await self._parties.way_to(party, record, request)
            if flow is not None:
                request.headers.prepend("Via", self._context.new_via(flow))
                self._context.wire.start(request, flow)
        await self._book.end(call_id, hangup_by=hangup_by, final_code=None, reason=reason)

    async def unanswered(self, errand: "_Exchange") -> None:
        record = self._book.get(errand.fork.request.call_id)
        if record is not None and errand.fork.request.method == "BYE":
            await self._hung_up(errand, record)

    async def _refused(self, errand: "_Exchange", record: CallRecord, response: Response) -> None:
        if errand.fork.request.method == "BYE" and response.status not in (401, 407):
            await self._hung_up(errand, record)  # 481 or worse: that side does not know the call any more

    async def _hung_up(self, errand: "_Exchange", record: CallRecord) -> None:
        if not record.is_answered_dialog(errand.fork.request):
            return  # of a dialog that is not the call: another branch of a fork, or the INVITE has still to be answered
        reason = clean_or_none(errand.fork.request.headers.get("Reason"))
        await self._book.end(
            record.call_id, hangup_by=errand.sender, final_code=None, reason=reason, at=errand.started_at
        )

    async def _offer(self, record: CallRecord, request: Request, sender: Party, flow: Flow) -> "_Offer | None":
        """Rewrites the SDP of a request. A change that it asks for waits for its answer: when that is a refusal, the
        session stays as it was (RFC 3261 14.1)."""
        if record.anchor is None:
            return None
        tag = record.callee_tag_of(request)
        first = not record.anchor.has_described(sender, tag)
        description, source = description_of(request), flow.remote.host
        # RFC 3262 5: a PRACK answers the offer of a reliable response when the INVITE had none
        is_answer = first and request.method == "PRACK"
        learned = anchor_body(request, record.anchor, sender, source, tag=tag, is_answer=is_answer)
        if description is None or request.method not in _NEGOTIATING:
            return None
        if first:  # there is nothing to go back to, and media may come at once
            await self._keep_anchor(record, learned, sender)
            return None
        return _Offer(description, source)

    def _agreed(
        self, errand: "_Exchange", record: CallRecord, anchor: Anchor, response: Response, flow: Flow
    ) -> Anchor:
        """Rewrites the SDP of a response, and says what the session is after it."""
        request, offer = errand.fork.request, errand.offer
        tag = record.callee_tag_of(request)
        proposed = anchor
        if offer is not None:
            proposed = anchor.learned(errand.sender, offer.description, offer.source, tag=tag)
        agreed = anchor_body_leniently(
            response,
            proposed,
            other(errand.sender),
            flow.remote.host,
            tag=tag,
            is_answer=carries_description(request),
        )
        # An SDP in an unreliable response only announces what the final one will say.
        binding = response.status >= 200 or (carries_description(response) and "RSeq" in response.headers)
        if request.method not in _NEGOTIATING or not binding:
            return anchor
        errand.offer = None
        return agreed

    async def _keep_anchor(self, record: CallRecord, anchor: Anchor, by: Party) -> CallRecord:
        if anchor == record.anchor:
            return record
        changed = record.model_copy(update={"anchor": anchor})
        await self._ports.update(anchor, record.call_id)
        await self._book.keep(changed)
        if record.answered_at is not None:
            event = CallUpdated(
                at=self._context.now(),
                call_id=record.call_id,
                by=by,
                codec=anchor.codec,
                encrypted=anchor.session.encrypted,
                on_hold=anchor.on_hold,
            )
            self._context.publish(CALLS, event)
        return changed


@dataclass(frozen=True, slots=True)
class _Offer:
    """A change of the session that was asked for, and from where."""

    description: SessionDescription
    source: str


@dataclass(slots=True)
class _Exchange:
    """The errand of one request inside a call."""

    server: ServerKey
    fork: Fork
    calls: InDialog = field(repr=False)
    sender: Party
    offer: _Offer | None  # not answered yet
    started_at: float

    async def relay(self, response: Response, flow: Flow | None) -> None:
        await self.calls.response_passes(self, response, flow)

    async def unanswered(self) -> None:
        await self.calls.unanswered(self)
