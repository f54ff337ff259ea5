"""The test extensions: we answer the call ourselves (RFC 3261 13.3, 14.2, 15), the relay worker makes the media."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from shared.broker import BrokerLost
from shared.events import CALLS, CallRinging, CallUpdated
from sip_proxy import local_media
from sip_proxy.admission import ALLOW, KNOWN_METHODS, capabilities
from sip_proxy.anchoring import Anchor, Mode
from sip_proxy.bodies import SDP, content_type, description_of
from sip_proxy.calls import CallBook, CallRecord, HangupBy
from sip_proxy.context import Context
from sip_proxy.effects import Flow, ServerKey
from sip_proxy.invites import Invites, answered
from sip_proxy.ports import MediaPorts, NoWorker
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.errors import NothingAcceptable, SdpError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.transactions.layer import MAGIC_COOKIE
from sip_proxy.unavailable import retry_later
from sip_proxy.work import AckArrived, RequestArrived, TimerRan

log = structlog.get_logger(__name__)

EXTENSIONS: Mapping[str, Mode] = {"999": "echo", "998": "tone"}

_REPEAT = "repeat 2xx"
_NO_ACK = "no ACK"
# What an INVITE may require of us. 100rel we satisfy by sending no provisional response that would need a PRACK.
_UNDERSTOOD = frozenset({"100rel"})


@dataclass(slots=True)
class _Answering:
    """A 2xx of ours that waits for its ACK."""

    transaction: ServerKey
    response: Response
    interval_s: float


class _Unacceptable(Exception):
    """Answer with this instead."""

    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers


class Extensions:
    """Answers calls to 998 and 999."""

    def __init__(self, context: Context, invites: Invites, ports: MediaPorts, book: CallBook) -> None:
        self._context = context
        self._invites = invites
        self._ports = ports
        self._book = book
        self._answering: dict[str, _Answering] = {}

    async def invite(self, work: RequestArrived, extension: str) -> None:
        """A new call: 180 and 200 (or 200 alone), with the echo or the tone ready before."""
        record = await self._invites.begin(work, extension)
        if record is None:
            return
        try:
            anchor = await self._ports.lease(EXTENSIONS[extension])
            dialog = Dialog.opened(work.request, self._context.token(), int(self._context.now()))
            anchor, dialog, body = self._session(work.request, anchor, dialog, work.flow)
            await self._ports.assign(anchor, record.call_id)
        except (BrokerLost, NoWorker) as error:
            why = "no media worker" if isinstance(error, NoWorker) else "broker away"
            await self._invites.refuse(work, retry_later(work.request, self._context.token()), why)
            return
        except _Unacceptable as error:
            await self._invites.refuse(work, self._refusal(work.request, error))
            return
        record = record.model_copy(update={"anchor": anchor, "dialog": dialog, "callee_tag": dialog.local_tag})
        record = self._ring(work, record, dialog)
        self._answer(work, dialog, body, extension)
        now = self._context.now()
        self._context.publish(CALLS, answered(record, Response(200), now))
        await self._book.keep(record.model_copy(update={"answered_at": now}))

    async def request(self, work: RequestArrived, record: CallRecord) -> None:
        """A request inside a call with an extension."""
        dialog = record.dialog
        if dialog is None or record.party_of(work.request) != "caller":
            self._respond(work, 481)
            return
        if dialog.is_out_of_order(work.request):
            self._respond(work, 500, "CSeq Out Of Order")
            return
        record = record.model_copy(update={"dialog": dialog.received(work.request)})
        match work.request.method:
            case "BYE":
                self._stop_answering(record.call_id)
                self._respond(work, 200)
                await self._book.end(record.call_id, hangup_by="caller", final_code=None)
            case "INVITE" | "UPDATE":
                await self._refresh(work, record)
            case "INFO":
                self._respond(work, 200)
                await self._book.keep(record)
            case "OPTIONS":
                self._respond(work, 200, headers=capabilities())
                await self._book.keep(record)
            case "PRACK":
                self._respond(work, 481)  # RFC 3262 3: there is no reliable response that it could mean
            case method:
                self._respond(work, 405 if method in KNOWN_METHODS else 501, headers=(("Allow", ALLOW),))

    async def ack(self, work: AckArrived, record: CallRecord) -> None:
        """The 2xx arrived; where it carried our offer, here is the answer."""
        if record.party_of(work.ack) != "caller":
            return
        self._stop_answering(record.call_id)
        if record.anchor is None:
            return
        try:
            description = description_of(work.ack)
        except SdpError as error:
            log.warning("unreadable sdp in ack", call_id=record.call_id, error=str(error))
            return
        if description is None:
            return
        anchor = local_media.take_answer(record.anchor, description, work.flow.remote.host)
        if anchor != record.anchor:
            await self._ports.update(anchor, record.call_id)
            await self._book.keep(record.model_copy(update={"anchor": anchor}))

    async def timer(self, work: TimerRan) -> None:
        answering = self._answering.get(work.call_id)
        if answering is None:
            return
        if work.name == _REPEAT:
            # RFC 3261 13.3.1.4: by us, as the transaction is over, and on every transport
            self._context.wire.respond(answering.transaction, answering.response)
            answering.interval_s = min(2 * answering.interval_s, self._context.timers.t2)
            self._context.wire.set_timer(work.call_id, _REPEAT, answering.interval_s)
        elif work.name == _NO_ACK:
            self._stop_answering(work.call_id)
            await self.hang_up(work.call_id, "no ACK", hangup_by="proxy")

    async def hang_up(self, call_id: str, reason: str, hangup_by: HangupBy) -> None:
        """Ends a call from our side (RFC 3261 15.1.1)."""
        record = self._book.get(call_id)
        if record is None or record.dialog is None:
            return
        flow = Flow.from_text(record.caller_flow)
        via = self._context.site.via(flow.transport, MAGIC_COOKIE + self._context.token())
        _, bye = record.dialog.request("BYE", via)
        self._context.wire.start(bye, flow)
        await self._book.end(call_id, hangup_by=hangup_by, final_code=None, reason=reason)

    async def _refresh(self, work: RequestArrived, record: CallRecord) -> None:
        """re-INVITE or UPDATE (RFC 3261 14.2, RFC 3311 5.2): hold, resume, another codec, or nothing new."""
        anchor, dialog = record.anchor, record.dialog
        if anchor is None or dialog is None:
            self._respond(work, 500)
            return
        body: bytes | None = None
        try:
            if work.request.method == "INVITE" or work.request.body:
                anchor, dialog, body = self._session(work.request, anchor, dialog, work.flow)
        except _Unacceptable as error:
            self._context.wire.respond(work.transaction, self._refusal(work.request, error))
            return
        if work.request.method == "INVITE" and body is not None:
            self._answer(work, dialog, body, record.extension or "")
        else:
            self._respond(work, 200, headers=(self._contact(work, record.extension or ""),), body=body)
        if anchor != record.anchor:
            await self._ports.update(anchor, record.call_id)
            event = CallUpdated(
                at=self._context.now(), call_id=record.call_id, by="caller", codec=anchor.codec, on_hold=anchor.on_hold
            )
            self._context.publish(CALLS, event)
        await self._book.keep(record.model_copy(update={"anchor": anchor, "dialog": dialog}))

    def _session(self, request: Request, anchor: Anchor, dialog: Dialog, flow: Flow) -> tuple[Anchor, Dialog, bytes]:
        """Our SDP for a request: the answer to its offer, or else an offer."""
        foreign = sorted(set(request.headers.get_all("Require")) - _UNDERSTOOD)
        if foreign:
            raise _Unacceptable(420, headers=(("Unsupported", ", ".join(foreign)),))
        if request.body and content_type(request) != SDP:
            raise _Unacceptable(415, headers=(("Accept", SDP),))
        try:
            description = description_of(request)
            if description is not None:
                return local_media.answer(anchor, description, dialog, flow.remote.host)
        except NothingAcceptable as error:
            raise _Unacceptable(488) from error
        except SdpError as error:
            raise _Unacceptable(400, "Malformed SDP") from error
        dialog, body = local_media.offer(anchor, dialog)
        return anchor, dialog, body

    def _ring(self, work: RequestArrived, record: CallRecord, dialog: Dialog) -> CallRecord:
        """180, unless it would have to be a reliable one (RFC 3262 3)."""
        if "100rel" in work.request.headers.get_all("Require"):
            return record
        ringing = response_to(
            work.request, 180, to_tag=dialog.local_tag, headers=[self._contact(work, record.extension or "")]
        )
        _copy_record_route(work.request, ringing)
        self._context.wire.respond(work.transaction, ringing)
        self._context.publish(CALLS, CallRinging(at=self._context.now(), call_id=record.call_id, code=180))
        return record.model_copy(update={"ringing": True})

    def _answer(self, work: RequestArrived, dialog: Dialog, body: bytes, extension: str) -> None:
        """200 with SDP, repeated until its ACK comes (RFC 3261 13.3.1.4)."""
        response = response_to(
            work.request, 200, to_tag=dialog.local_tag, headers=[self._contact(work, extension), *capabilities()]
        )
        _copy_record_route(work.request, response)
        response.set_body(body, SDP)
        self._context.wire.respond(work.transaction, response)
        self._answering[work.request.call_id] = _Answering(work.transaction, response, self._context.timers.t1)
        self._context.wire.set_timer(work.request.call_id, _REPEAT, self._context.timers.t1)
        self._context.wire.set_timer(work.request.call_id, _NO_ACK, self._context.timers.transaction)

    def _stop_answering(self, call_id: str) -> None:
        if self._answering.pop(call_id, None) is not None:
            self._context.wire.cancel_timer(call_id, _REPEAT)
            self._context.wire.cancel_timer(call_id, _NO_ACK)

    def _contact(self, work: RequestArrived, extension: str) -> tuple[str, str]:
        return ("Contact", self._context.site.contact(extension, work.flow.transport))

    def _refusal(self, request: Request, error: _Unacceptable) -> Response:
        return response_to(request, error.status, error.reason, to_tag=self._context.token(), headers=error.headers)

    def _respond(
        self,
        work: RequestArrived,
        status: int,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes | None = None,
    ) -> None:
        response = response_to(work.request, status, reason, to_tag=self._context.token(), headers=headers)
        if body is not None:
            response.set_body(body, SDP)
        self._context.wire.respond(work.transaction, response)


def _copy_record_route(request: Request, response: Response) -> None:
    """RFC 3261 12.1.1: whoever wants to stay in the way says so in both directions."""
    response.headers.extend_from(request.headers, "Record-Route", first_only=False)
