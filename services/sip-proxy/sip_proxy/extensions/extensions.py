"""The test extensions: we answer the call ourselves (RFC 3261 13.3, 14.2, 15), the relay worker makes the media."""

from collections.abc import Mapping

import structlog

from shared.broker import BrokerLost
from shared.events import CALLS, CallRinging, CallUpdated, Impairment, Language
from sip_proxy.admission import ALLOW, KNOWN_METHODS, capabilities
from sip_proxy.calls.call_record import CallRecord, HangupBy
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.invites import Invites, answered
from sip_proxy.calls.session_timer import SessionTimer
from sip_proxy.calls.speakers import Speakers
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.extensions import acceptance, local_media
from sip_proxy.extensions.acceptance import Unacceptable
from sip_proxy.extensions.answering import Answering
from sip_proxy.extensions.refreshing import Refreshing
from sip_proxy.media.anchoring import Anchor, Mode
from sip_proxy.media.bodies import SDP, description_of
from sip_proxy.media.ports import MediaPorts, NoWorker
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.languages import preferred
from sip_proxy.sip.message import Message, Request, Response, response_to
from sip_proxy.sip.session_interval import SessionInterval
from sip_proxy.sip.uri import is_secure
from sip_proxy.unavailable import retry_later
from sip_proxy.work import AckArrived, RequestArrived, ResponseArrived, TimerRan, TransactionEnded

log = structlog.get_logger(__name__)

EXTENSIONS: Mapping[str, Mode] = {"999": "echo", "998": "tone", "997": "echo", "996": "announce"}
_IMPAIRED = "997"
_DONE_WITHIN_S = {"996": 60.0}  # it listens for 10 s, and speaks for 20 s at most: else its worker has died


class Extensions:
    """Answers calls to 996 to 999. `impairment`: what 997 does; `language`: what 996 speaks unless the phone says."""

    def __init__(
        self,
        context: Context,
        invites: Invites,
        ports: MediaPorts,
        book: CallBook,
        speakers: Speakers,
        impairment: Impairment,
        language: Language,
    ) -> None:
        self._context = context
        self._speakers = speakers
        self._invites = invites
        self._ports = ports
        self._book = book
        self._impairment = impairment
        self._language = language
        self._answering = Answering(context)
        self._refreshing = Refreshing(context, book)

    async def invite(self, work: RequestArrived, extension: str) -> None:
        """A new call: 180 and 200 (or 200 alone), with the worker ready before."""
        record = await self._invites.begin(work, extension)
        if record is None:
            return
        try:
            interval = acceptance.session_interval(work.request)
            dialog = Dialog.opened(work.request, self._context.token(), int(self._context.now()))

            def session(anchor: Anchor) -> tuple[Anchor, Dialog, bytes]:
                instructed = self._instructed(anchor, work.request, extension)
                return acceptance.session(work.request, instructed, dialog, work.flow.remote.host)

            opened = await self._ports.open(EXTENSIONS[extension], record.call_id, lambda leased: session(leased)[0])
            anchor, dialog, body = session(opened)
        except (BrokerLost, NoWorker) as error:
            why = "no media worker" if isinstance(error, NoWorker) else "broker away"
            await self._invites.refuse(work, retry_later(work.request, self._context.token()), why)
            return
        except Unacceptable as error:
            await self._invites.refuse(work, error.response_to(work.request, self._context.token()))
            return
        record = record.model_copy(update={"anchor": anchor, "dialog": dialog, "callee_tag": dialog.local_tag})
        record = self._ring(work, record, dialog)
        self._answer(work, dialog, body, extension, interval)
        now = self._context.now()
        self._context.publish(CALLS, answered(record, Response(200), now))
        done_by = now + _DONE_WITHIN_S[extension] if extension in _DONE_WITHIN_S else None
        record = record.model_copy(update={"answered_at": now, "done_by": done_by})
        await self._book.keep(self._timed(record, interval))

    async def request(self, work: RequestArrived, record: CallRecord) -> None:
        """A request inside a call with an extension."""
        dialog = record.dialog
        if dialog is None or record.party_of(work.request) != "caller":
            self._context.wire.refuse(work, response_to(work.request, 481, to_tag=self._context.token()))
            return
        refusal = await self._speakers.refusal(record, "caller", work.request, work.flow)
        if refusal is not None:
            self._context.wire.refuse(work, refusal)
            return
        if dialog.is_out_of_order(work.request):
            self._respond(work, 500, "Out Of Order")
            return
        record = record.heard_from("caller", work.request, work.flow)
        record = record.model_copy(update={"dialog": dialog.received(work.request)})
        match work.request.method:
            case "BYE":
                self._answering.stop(record.call_id)
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
            case "PRACK" | "NOTIFY":
                self._respond(work, 481)  # RFC 3262 3, RFC 6665 4.1.3: there is nothing that it could mean
            case "SUBSCRIBE":
                self._respond(work, 489)  # RFC 6665 4.2.1.3
            case method:
                self._respond(work, 405 if method in KNOWN_METHODS else 501, headers=(("Allow", ALLOW),))

    async def ack(self, work: AckArrived, record: CallRecord) -> None:
        """The 2xx arrived; where it carried our offer, here is the answer."""
        if record.party_of(work.ack) != "caller":
            return
        if await self._speakers.refusal(record, "caller", work.ack, work.flow) is not None:
            return  # an ACK has no answer
        self._answering.acknowledged(work.ack)
        await self._take_answer(record, work.ack, work.flow)

    async def response(self, work: ResponseArrived) -> None:
        """The caller answers a refresh of ours, or a BYE, which needs nothing more."""
        outcome = await self._refreshing.response(work.transaction, work.response, work.flow)
        record = self._book.get(work.response.call_id)
        if outcome == "gone":
            await self.hang_up(work.response.call_id, "the caller does not know the call any more", hangup_by=None)
        elif outcome == "refreshed" and record is not None:
            await self._take_answer(record, work.response, work.flow)

    async def transaction_ended(self, work: TransactionEnded) -> None:
        unrefreshed = self._refreshing.ended(work.transaction)
        if unrefreshed is not None:
            await self.hang_up(unrefreshed, "no answer to the session refresh", hangup_by=None)  # RFC 4028 10

    async def timer(self, work: TimerRan) -> None:
        if self._answering.timer(work.call_id, work.name):
            await self.hang_up(work.call_id, "no ACK", hangup_by="proxy")

    async def due(self, call_id: str) -> None:
        """Something has to be done for this call by now."""
        record, now = await self._book.latest(call_id), self._context.now()
        if record is None or record.deadline is None or record.deadline > now:
            return  # it was done meanwhile, perhaps by another proxy
        session = record.session_timer
        if record.done_by is not None and record.done_by <= now:
            await self.hang_up(call_id, "the result was not spoken in time", hangup_by="proxy")
        elif session is not None and session.hang_up_at <= now:
            await self.hang_up(call_id, "the session was not refreshed", hangup_by="proxy")
        else:
            await self._refreshing.start(record)

    async def spoken(self, call_id: str) -> None:
        """996 has said its result. A caller that has not even sent an ACK gets its BYE later (RFC 3261 15)."""
        if not self._answering.waits(call_id):
            await self.hang_up(call_id, "the result was spoken", hangup_by="proxy")

    async def hang_up(self, call_id: str, reason: str, hangup_by: HangupBy) -> None:
        """Ends a call from our side (RFC 3261 15.1.1)."""
        record = self._book.get(call_id)
        if record is None or record.dialog is None:
            return
        self._answering.stop(call_id)
        flow = self._context.wire.way(Flow.from_text(record.caller_flow))
        if flow is not None:
            _, bye = record.dialog.request("BYE", self._context.new_via(flow))
            self._context.wire.start(bye, flow)
        await self._book.end(call_id, hangup_by=hangup_by, final_code=None, reason=reason)

    async def _refresh(self, work: RequestArrived, record: CallRecord) -> None:
        """re-INVITE or UPDATE (RFC 3261 14.2, RFC 3311 5.2): hold, resume, another codec, or nothing new."""
        anchor, dialog = record.anchor, record.dialog
        if anchor is None or dialog is None:
            self._respond(work, 500)
            return
        described = work.request.method == "INVITE" or bool(work.request.body)
        if described and (self._refreshing.waits(record.call_id) or self._answering.has_offered(record.call_id)):
            self._respond(work, 491)  # an offer of ours is not answered yet
            return
        body: bytes | None = None
        try:
            interval = acceptance.session_interval(work.request)
            if described:
                anchor, dialog, body = acceptance.session(work.request, anchor, dialog, work.flow.remote.host)
        except Unacceptable as error:
            self._context.wire.respond(work.transaction, error.response_to(work.request, self._context.token()))
            return
        if work.request.method == "INVITE" and body is not None:
            self._answer(work, dialog, body, record.extension or "", interval)
        else:
            headers = (self._contact(work, record.extension or ""), *_session_headers(interval))
            self._respond(work, 200, headers=headers, body=body)
        if anchor != record.anchor:
            await self._ports.update(anchor, record.call_id)
            event = CallUpdated(
                at=self._context.now(), call_id=record.call_id, by="caller", codec=anchor.codec, on_hold=anchor.on_hold
            )
            self._context.publish(CALLS, event)
        record = record.model_copy(update={"anchor": anchor, "dialog": dialog})
        await self._book.keep(self._timed(record, interval))

    def _instructed(self, anchor: Anchor, invite: Request, extension: str) -> Anchor:
        """What the worker has to do beyond the extension's mode."""
        language = preferred(invite.headers.get_all("Accept-Language"), self._language)
        impairment = self._impairment if extension == _IMPAIRED else None
        return anchor.model_copy(update={"language": language, "impairment": impairment})

    def _timed(self, record: CallRecord, interval: SessionInterval | None) -> CallRecord:
        """The session timer starts anew with every 2xx; one without Session-Expires ends it (RFC 4028 9)."""
        timer = interval and SessionTimer.started(
            interval.interval_s, self._context.now(), we_refresh=interval.refresher == "uas"
        )
        return record.model_copy(update={"session_timer": timer})

    async def _take_answer(self, record: CallRecord, message: Message, flow: Flow) -> None:
        """Learns the caller's answer to an offer of ours, if the message has one."""
        if record.anchor is None:
            return
        try:
            description = description_of(message)
        except SdpError as error:
            log.warning("unreadable sdp in an answer", call_id=record.call_id, error=str(error))
            return
        if description is None:
            return
        anchor = local_media.take_answer(record.anchor, description, flow.remote.host)
        if anchor != record.anchor:
            await self._ports.update(anchor, record.call_id)
            await self._book.keep(record.model_copy(update={"anchor": anchor}))

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

    def _answer(
        self, work: RequestArrived, dialog: Dialog, body: bytes, extension: str, interval: SessionInterval | None
    ) -> None:
        """200 with SDP."""
        headers = [self._contact(work, extension), *capabilities(), *_session_headers(interval)]
        response = response_to(work.request, 200, to_tag=dialog.local_tag, headers=headers)
        _copy_record_route(work.request, response)
        response.set_body(body, SDP)
        self._answering.answer(work.transaction, response, is_offer=not work.request.body)

    def _contact(self, work: RequestArrived, extension: str) -> tuple[str, str]:
        secure = is_secure(work.request.uri)
        return ("Contact", self._context.site.contact(extension, work.flow.transport, secure=secure))

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


def _session_headers(interval: SessionInterval | None) -> tuple[tuple[str, str], ...]:
    return () if interval is None else interval.headers()


def _copy_record_route(request: Request, response: Response) -> None:
    """RFC 3261 12.1.1: whoever wants to stay in the way says so in both directions."""
    response.headers.extend_from(request.headers, "Record-Route")
