"""A new call to a registered device: found, given media ports, forwarded to every contact, and followed to its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from shared.broker import BrokerLost
from shared.events import CALLS, CallAnswered, CallRinging, CallStarted
from sip_proxy.calls import session_expiry
from sip_proxy.calls.call_record import CallRecord, HangupBy, Outside
from sip_proxy.calls.callees import Callees
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.dialog_ends import DialogEnd
from sip_proxy.context import Context
from sip_proxy.effects import Flow, ServerKey
from sip_proxy.media.anchoring import Anchor
from sip_proxy.media.bodies import anchor_body_leniently, carries_description, description_of, lead_through
from sip_proxy.media.ports import MediaPorts, NoWorker
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder, Target
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.texts import clean_or_none
from sip_proxy.unavailable import make_retry_later, retry_later
from sip_proxy.work import RequestArrived

log = structlog.get_logger(__name__)


class Invites:
    """Sets up calls between devices."""

    def __init__(
        self,
        context: Context,
        callees: Callees,
        ports: MediaPorts,
        book: CallBook,
        forwarder: Forwarder,
    ) -> None:
        self._context = context
        self._callees = callees
        self._ports = ports
        self._book = book
        self._forwarder = forwarder

    async def begin(
        self,
        work: RequestArrived,
        extension: str | None = None,
        *,
        caller: str | None = None,
        callee: str | None = None,
        outside: Outside | None = None,
    ) -> CallRecord | None:
        """Opens the record of a call and tells of it; None when the INVITE is one that came in twice.

        `caller`, `callee`: where they are no addresses of record of ours. A call to a carrier is told of only when the
        carrier did not ask for credentials.
        """
        request = work.request
        record = CallRecord(
            call_id=request.call_id,
            instance=self._context.instance,
            caller=caller or self._caller(work),
            account=work.account.name if work.account is not None and work.account.is_counted else None,
            callee=callee or self._context.site.aor_of(request.parsed_uri),
            extension=extension,
            started_at=self._context.now(),
            caller_tag=request.from_().tag or "",
            caller_flow=work.flow.to_text(),
            caller_end=DialogEnd.of_caller(request),
            outside=outside,
            told=outside is None or outside.party == "caller",
        )
        try:
            is_new = await self._book.open(record)
        except BrokerLost:
            self._context.wire.respond(work.transaction, retry_later(request, self._context.token()))
            return None
        if not is_new:
            # RFC 3261 8.2.2.2: the same call by another way
            self._context.wire.respond(work.transaction, response_to(request, 482, to_tag=self._context.token()))
            return None
        if record.told:
            self._publish_start(record, request)
        return record

    def _tell_start(self, record: CallRecord, request: Request) -> CallRecord:
        if record.told:
            return record
        self._publish_start(record, request)
        return record.model_copy(update={"told": True})

    def _publish_start(self, record: CallRecord, request: Request) -> None:
        started = CallStarted(
            at=record.started_at,
            call_id=record.call_id,
            caller=record.caller,
            callee=record.callee,
            source=str(Flow.from_text(record.caller_flow)),
            user_agent=clean_or_none(request.headers.get("User-Agent")),
            extension=record.extension,
        )
        self._context.publish(CALLS, started)
        log.info("call started", call_id=record.call_id, caller=record.caller, callee=record.callee)

    async def refuse(self, work: RequestArrived, response: Response, reason: str | None = None) -> None:
        """Ends a call that we ourselves cannot connect."""
        self._context.wire.respond(work.transaction, response)
        record = self._book.get(work.request.call_id)
        if record is not None:
            await self._book.keep(self._tell_start(record, work.request))
        await self._book.end(
            work.request.call_id, hangup_by="proxy", final_code=response.status, reason=reason or response.reason
        )

    async def to_device(self, work: RequestArrived) -> None:
        """Connects a call to all contacts of the callee (RFC 3261 16.5, 16.6)."""
        record = await self.begin(work)
        if record is None:
            return
        try:
            targets = await self._callees.targets(record.callee, work.request)
        except BrokerLost:
            await self.refuse(work, retry_later(work.request, self._context.token()), "broker away")
            return
        if not targets:
            await self.refuse(work, self._callees.absence(record.callee, work.request))
            return
        work.request.headers.remove("Route")  # whatever way it came, its target is one of ours
        await self.connect(work, record, targets)

    async def connect(self, work: RequestArrived, record: CallRecord, groups: Sequence[Sequence[Target]]) -> None:
        """Gives a call its media ports and sends it to its targets, group by group."""
        try:
            offer, source = description_of(work.request), work.flow.remote.host
            anchor = await self._ports.open(
                "relay",
                record.call_id,
                lambda leased: leased if offer is None else leased.learned("caller", offer, source),
            )
            if offer is not None:
                lead_through(work.request, offer, anchor, "caller")
        except (BrokerLost, NoWorker) as error:
            why = "no media worker" if isinstance(error, NoWorker) else "broker away"
            await self.refuse(work, retry_later(work.request, self._context.token()), why)
            return
        except SdpError as error:
            await self.refuse(
                work, response_to(work.request, 400, "Malformed SDP", to_tag=self._context.token()), str(error)
            )
            return
        await self._book.keep(record.model_copy(update={"anchor": anchor}))
        errand = _Setup(work.transaction, Fork(work.request, self._context.token()), self)
        first, *later = groups
        await self._forwarder.forward(errand, work.request, first, record_route=True, later=later)

    async def response_passes(self, errand: "_Setup", response: Response, flow: Flow | None) -> None:
        """A response to the first INVITE goes to the caller."""
        record = self._book.get(response.call_id)
        if record is None:
            return
        if flow is None and record.server_of("callee") and not errand.fork.cancelled:
            make_retry_later(response)  # none of the carrier's servers serves it
        if not record.told and response.status not in (401, 407):
            record = self._tell_start(record, errand.fork.request)
            await self._book.keep(record)
        if response.status >= 300:
            await self._refused(errand, response, ours=flow is None)
            return
        tag = response.to().tag or ""
        if flow is not None and tag:
            record = record.reached(tag, flow, DialogEnd.of_callee(response, self._context.site))
        if record.anchor is not None and flow is not None:
            record = await self._negotiate(errand, record, record.anchor, response, tag, flow)
        await self._book.keep(self._progress(record, response))

    async def _negotiate(
        self, errand: "_Setup", record: CallRecord, anchor: Anchor, response: Response, tag: str, flow: Flow
    ) -> CallRecord:
        """Rewrites the SDP of a response. Each dialog of a fork has a session of its own, and the answered one stays:
        its SDP may have come before, in a reliable 18x (RFC 3262 5)."""
        is_answer = carries_description(errand.fork.request)
        learned = anchor_body_leniently(response, anchor, "callee", flow.remote.host, tag=tag, is_answer=is_answer)
        if record.answered_at is not None:
            return record  # the 2xx of another branch, or the same again: perhaps there is a newer session by now
        if response.status >= 200:
            learned = learned.settled(tag)
        if learned == anchor:
            return record
        await self._ports.update(learned, record.call_id)
        return record.model_copy(update={"anchor": learned})

    def _progress(self, record: CallRecord, response: Response) -> CallRecord:
        now = self._context.now()
        if response.status >= 200:
            if record.answered_at is not None:
                return record
            self._context.publish(CALLS, answered(record, response, now))
            expires_at = session_expiry.expires_at(response, now)
            return record.answered(response.to().tag, now).model_copy(update={"session_expires_at": expires_at})
        if record.ringing:
            return record
        self._context.publish(CALLS, CallRinging(at=now, call_id=record.call_id, code=response.status))
        return record.model_copy(update={"ringing": True})

    async def _refused(self, errand: "_Setup", response: Response, *, ours: bool) -> None:
        by: HangupBy = "proxy" if ours else "callee"
        if errand.fork.cancelled:
            by = "caller"
        reason = clean_or_none(response.headers.get("Reason")) or clean_or_none(response.reason)
        await self._book.end(response.call_id, hangup_by=by, final_code=response.status, reason=reason)

    def _caller(self, work: RequestArrived) -> str:
        """Who calls: as From says, or, when that hides it, the account that vouches."""
        uri = work.request.from_().target
        user = getattr(uri, "user", None)
        hidden = user is None or user.lower() == "anonymous"
        if hidden and work.account is not None:
            return self._context.site.aor(work.account.name)
        return self._context.site.aor_of(work.request.from_().uri)


def answered(record: CallRecord, response: Response, now: float) -> CallAnswered:
    """The event for the first 2xx of a call."""
    return CallAnswered(
        at=now,
        call_id=record.call_id,
        code=response.status,
        codec=None if record.anchor is None else record.anchor.codec,
        encrypted=record.anchor is not None and record.anchor.session.encrypted,
        impairment=None if record.anchor is None else record.anchor.impairment,
        user_agent=clean_or_none(response.headers.get("User-Agent") or response.headers.get("Server")),
    )


@dataclass(slots=True)
class _Setup:
    """The errand of a first INVITE."""

    server: ServerKey
    fork: Fork
    invites: Invites = field(repr=False)

    async def relay(self, response: Response, flow: Flow | None) -> None:
        await self.invites.response_passes(self, response, flow)

    async def unanswered(self) -> None:
        """An INVITE is always answered."""
