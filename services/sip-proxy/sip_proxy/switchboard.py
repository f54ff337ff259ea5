"""Who serves what: each piece of work goes to the one place that understands it."""

from shared.broker import BrokerLost
from sip_proxy.calls.call_limits import CallLimits
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.in_dialog import InDialog
from sip_proxy.calls.invites import Invites
from sip_proxy.calls.plain import PlainRequests
from sip_proxy.calls.subscriptions import Subscriptions
from sip_proxy.carriers.requests import CarrierRequests
from sip_proxy.context import Context
from sip_proxy.extensions.extensions import EXTENSIONS, Extensions
from sip_proxy.registration.probes import Probes
from sip_proxy.registration.registrations import Registrations
from sip_proxy.replays import Replays
from sip_proxy.routing.forwarding import Forwarder
from sip_proxy.sip.message import response_to
from sip_proxy.unavailable import retry_later
from sip_proxy.work import (
    AckArrived,
    CancelArrived,
    DeadlinePassed,
    MediaSilent,
    RequestArrived,
    ResponseArrived,
    ResultSpoken,
    SessionExpired,
    TimerRan,
    TransactionEnded,
    TransactionFailed,
    Work,
)


class Switchboard:
    """The transaction user of RFC 3261 5, as one method. All work of one Call-ID has to come in order."""

    def __init__(
        self,
        context: Context,
        book: CallBook,
        forwarder: Forwarder,
        replays: Replays,
        registrations: Registrations,
        invites: Invites,
        in_dialog: InDialog,
        extensions: Extensions,
        plain: PlainRequests,
        subscriptions: Subscriptions,
        limits: CallLimits,
        probes: Probes,
        carriers: CarrierRequests,
    ) -> None:
        self._limits = limits
        self._context = context
        self._book = book
        self._forwarder = forwarder
        self._replays = replays
        self._registrations = registrations
        self._invites = invites
        self._in_dialog = in_dialog
        self._extensions = extensions
        self._plain = plain
        self._subscriptions = subscriptions
        self._probes = probes
        self._carriers = carriers

    async def handle(self, work: Work) -> None:
        match work:
            case RequestArrived():
                await self._request(work)
            case AckArrived():
                await self._ack(work)
            case ResponseArrived():
                await self._forwarder.response(work)
                await self._extensions.response(work)
                await self._probes.response(work)
            case TransactionFailed():
                await self._forwarder.failed(work)
                await self._probes.failed(work)
            case TransactionEnded():
                self._forwarder.ended(work)
                await self._extensions.transaction_ended(work)
            case CancelArrived():
                await self._forwarder.cancel(work)
            case TimerRan() | DeadlinePassed() | ResultSpoken() | MediaSilent() | SessionExpired():
                await self._time_passed(work)

    async def _time_passed(self, work: TimerRan | DeadlinePassed | ResultSpoken | MediaSilent | SessionExpired) -> None:
        match work:
            case TimerRan():
                await self._forwarder.timer(work)
                await self._extensions.timer(work)
                await self._probes.timer(work)
            case DeadlinePassed():
                await self._extensions.due(work.call_id)
            case ResultSpoken():
                await self._extensions.spoken(work.call_id)
            case MediaSilent() | SessionExpired():
                await self._dead(work)

    async def _dead(self, work: MediaSilent | SessionExpired) -> None:
        call_id = work.record.call_id
        if await self._book.latest(call_id) != work.record:
            return  # another proxy served it meanwhile: it is to be judged again
        if isinstance(work, SessionExpired):
            # RFC 4028 8.3: the parties hang up themselves, a proxy must not
            reason = "the session was not refreshed"
            await self._book.end(call_id, hangup_by=None, final_code=None, reason=reason)
        elif work.record.extension is not None:
            await self._extensions.hang_up(call_id, "the media stopped", hangup_by=None)
        else:
            await self._in_dialog.hang_up(call_id, "the media stopped", hangup_by=None)

    def broken_off(self, work: Work) -> None:
        """A bug of ours left this request without an answer."""
        if isinstance(work, RequestArrived):
            response = response_to(work.request, 500, to_tag=self._context.token())
            self._context.wire.respond(work.transaction, response)

    async def _request(self, work: RequestArrived) -> None:
        request = work.request
        if request.to().tag is None and self._carriers.concerns(request):
            await self._carriers.request(work)
        elif request.method == "REGISTER" and work.proof is not None:
            await self._registrations.register(work, work.proof)
        elif not await self._replays.admits(work):
            return
        elif request.to().tag is not None:
            await self._inside_dialog(work)
        elif request.method != "INVITE":
            await self._plain.to_device(work)
        else:
            await self._call(work)

    async def _call(self, work: RequestArrived) -> None:
        try:
            refusal = await self._limits.refusal(work.request, work.flow, work.account)
        except BrokerLost:
            refusal = retry_later(work.request, self._context.token())
        if refusal is not None:
            self._context.wire.respond(work.transaction, refusal)
        elif (user := work.request.parsed_uri.user) in EXTENSIONS:
            await self._extensions.invite(work, str(user))
        else:
            await self._invites.to_device(work)

    async def _inside_dialog(self, work: RequestArrived) -> None:
        try:
            record = await self._book.find(work.request.call_id)
            if record is None and self._carriers.concerns(work.request):
                await self._carriers.request(work)
            elif record is None:
                if not await self._subscriptions.request(work):
                    self._context.wire.refuse(work, response_to(work.request, 481, to_tag=self._context.token()))
            elif record.extension is not None:
                await self._extensions.request(work, record)
            else:
                await self._in_dialog.request(work, record)
        except BrokerLost:
            self._context.wire.refuse(work, retry_later(work.request, self._context.token()))

    async def _ack(self, work: AckArrived) -> None:
        try:
            record = await self._book.find(work.ack.call_id)
            if record is None:
                return  # the ACK of a refusal that we sent without state
            if record.extension is not None:
                await self._extensions.ack(work, record)
            else:
                await self._in_dialog.ack(work, record)
        except BrokerLost:
            return  # it will be sent again with the next 2xx
