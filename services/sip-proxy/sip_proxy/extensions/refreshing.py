"""The refreshes that we ourselves owe to a call with an extension (RFC 4028 7.4, 10): re-INVITEs without a change."""

from typing import Literal

from sip_proxy.calls.call_record import CallRecord
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.session_timer import SessionTimer
from sip_proxy.context import Context
from sip_proxy.effects import ClientKey, Flow
from sip_proxy.media.bodies import SDP
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.session_interval import confirmed
from sip_proxy.sip.uri import is_secure

Outcome = Literal["refreshed", "gone"]


class Refreshing:
    """Those under way."""

    def __init__(self, context: Context, book: CallBook) -> None:
        self._context = context
        self._book = book
        self._sent: dict[ClientKey, str] = {}  # Call-IDs; until no copy of an answer can come any more
        self._unanswered: set[str] = set()

    def waits(self, call_id: str) -> bool:
        """Whether an offer of ours waits for its answer."""
        return call_id in self._unanswered

    async def start(self, record: CallRecord) -> None:
        """Sends the refresh that is due."""
        dialog, timer = record.dialog, record.session_timer
        flow = self._context.wire.way(Flow.from_text(record.caller_flow))
        if dialog is None or timer is None or flow is None or self.waits(record.call_id):
            return
        contact = self._context.site.contact(
            record.extension or "", flow.transport, secure=is_secure(dialog.remote_target)
        )
        dialog, invite = dialog.request("INVITE", self._context.new_via(flow))
        invite.headers.add("Contact", contact)
        invite.headers.add("Supported", "timer")
        invite.headers.add("Session-Expires", f"{timer.interval_s};refresher=uac")
        invite.set_body(dialog.session_body.encode(), SDP)
        timer = timer.attempted(self._context.now())
        await self._book.keep(record.model_copy(update={"dialog": dialog, "session_timer": timer}))
        self._unanswered.add(record.call_id)
        self._sent[self._context.wire.start(invite, flow)] = record.call_id

    async def response(self, transaction: ClientKey, response: Response, flow: Flow) -> Outcome | None:
        """Takes an answer to a refresh; `gone`: the other side does not know the call any more."""
        if transaction not in self._sent or response.status < 200:
            return None
        self._unanswered.discard(response.call_id)
        if response.status >= 300:
            return "gone" if response.status in (408, 481) else None  # RFC 4028 10
        record = self._book.get(response.call_id)
        if record is None or record.dialog is None:
            return None
        self._acknowledge(record.dialog, response, flow)
        if record.session_timer is not None:
            timer = confirmed(record.session_timer.interval_s, response)
            now = self._context.now()
            started = timer and SessionTimer.started(timer.interval_s, now, we_refresh=timer.refresher == "uac")
            await self._book.keep(record.model_copy(update={"session_timer": started}))
        return "refreshed"

    def ended(self, transaction: ClientKey) -> str | None:
        """No answer comes any more. The Call-ID, if there never was one."""
        call_id = self._sent.pop(transaction, None)
        if call_id is None or call_id not in self._unanswered:
            return None
        self._unanswered.remove(call_id)
        return call_id

    def _acknowledge(self, dialog: Dialog, response: Response, flow: Flow) -> None:
        """RFC 3261 13.2.2.4: every copy of the 2xx, to where its Contact says."""
        at_invite = dialog.model_copy(update={"local_cseq": response.cseq.number - 1})
        _, ack = at_invite.request("ACK", self._context.new_via(flow))
        self._context.wire.send(_towards(response, ack), flow)


def _towards(response: Response, ack: Request) -> Request:
    try:
        contacts = response.contacts
    except SipParseError:
        return ack
    if contacts != "*" and contacts:
        ack.uri = str(contacts[0].target)
    return ack
