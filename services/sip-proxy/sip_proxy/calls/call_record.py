"""What must be known of a running call to serve it: a value, kept in Redis."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from shared.events import Party, Value
from sip_proxy.calls.dialog_ends import DialogEnd, bye
from sip_proxy.calls.session_timer import SessionTimer
from sip_proxy.effects import Flow
from sip_proxy.media.anchoring import MAX_DIALOGS, Anchor
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.message import Message, Request

HangupBy = Literal["caller", "callee", "proxy"] | None


class Outside(Value):
    """The party of a call that is not registered here: it is reached by way of a carrier."""

    party: Party
    server: str = Field(description="the name of the carrier's server: a connection that is gone is made again")


class CallRecord(Value):
    """What must be known of a call to serve it."""

    call_id: str
    instance: str  # the proxy that set it up
    caller: str
    account: str | None = None  # whose limits it counts for
    callee: str
    extension: str | None = None
    started_at: float
    answered_at: float | None = None
    ringing: bool = False
    caller_tag: str
    caller_flow: str
    # the dialogs that the callee side opened, by its tag, and the way to each; the answered one is `callee_tag`
    callee_flows: dict[str, str] = Field(default_factory=dict)
    callee_tag: str | None = None
    anchor: Anchor | None = None
    dialog: Dialog | None = None  # where we ourselves are the callee
    session_timer: SessionTimer | None = None  # the same
    done_by: float | None = None  # we hang up then, whatever happens
    # what it takes to hang up for both sides; the callee's by its tag, of the answered dialog alone once there is one
    caller_end: DialogEnd | None = None
    callee_ends: dict[str, DialogEnd] = Field(default_factory=dict)
    session_expires_at: float | None = None  # RFC 4028, of a session that passes through us; None: no timer
    outside: Outside | None = None
    told: bool = True  # that it started; a carrier that asks for credentials makes no call

    @property
    def deadline(self) -> float | None:
        """When we have to do something for this call; None: never."""
        session = None if self.session_timer is None else self.session_timer.deadline
        return min((at for at in (session, self.done_by) if at is not None), default=None)

    def party_of(self, message: Message) -> Party | None:
        """Who sent this in-dialog request, by its tags; None: it is of no dialog of this call."""
        sender, receiver = message.from_().tag or "", message.to().tag or ""
        if sender == self.caller_tag and self._is_callee(receiver):
            return "caller"
        if receiver == self.caller_tag and self._is_callee(sender):
            return "callee"
        return None

    def aor_of(self, party: Party) -> str:
        return self.caller if party == "caller" else self.callee

    def hosts_of(self, party: Party) -> frozenset[str]:
        """The addresses that a party has spoken from in this call; any branch of a fork is the callee."""
        flows = (self.caller_flow,) if party == "caller" else self.callee_flows.values()
        return frozenset(Flow.from_text(flow).remote.host for flow in flows)

    def flow_to(self, party: Party, message: Message) -> Flow | None:
        """The way to a party of the dialog of this message, from where that party speaks to us."""
        if party == "caller":
            return Flow.from_text(self.caller_flow)
        flow = self.callee_flows.get(message.to().tag or "")
        return None if flow is None else Flow.from_text(flow)

    def heard_from(self, party: Party, message: Message, flow: Flow) -> "CallRecord":
        """After a request of a party: it is reached from where it spoke last, as a NAT or a connection may be new."""
        text = flow.to_text()
        if party == "caller":
            return self if self.caller_flow == text else self.model_copy(update={"caller_flow": text})
        tag = message.from_().tag or ""
        if self.callee_flows.get(tag) == text:
            return self
        return self.model_copy(update={"callee_flows": {**self.callee_flows, tag: text}})

    def callee_tag_of(self, message: Message) -> str:
        """Which dialog of the call an in-dialog request belongs to, by the tag of the callee's side."""
        sender, receiver = message.from_().tag or "", message.to().tag or ""
        return receiver if sender == self.caller_tag else sender

    def reached(self, tag: str, flow: Flow, end: DialogEnd) -> "CallRecord":
        """The record after the callee's side has opened a dialog, or has said more in it."""
        known = self.callee_ends.get(tag)
        if known is not None:
            end = end.model_copy(update={"cseq": known.cseq})
        flows, ends = {**self.callee_flows, tag: flow.to_text()}, {**self.callee_ends, tag: end}
        if len(flows) > MAX_DIALOGS:
            oldest = next(other for other in flows if other != self.callee_tag)
            del flows[oldest]
            ends.pop(oldest, None)
        return self.model_copy(update={"callee_flows": flows, "callee_ends": ends})

    def answered(self, tag: str | None, at: float) -> "CallRecord":
        """The record after the first 2xx."""
        ends = {known: end for known, end in self.callee_ends.items() if known == tag}
        return self.model_copy(update={"answered_at": at, "callee_tag": tag, "callee_ends": ends})

    def heard(self, party: Party, message: Message) -> "CallRecord":
        """The record after a party has sent this request in a dialog, or this 2xx to one."""
        if party == "caller":
            end = self.caller_end
            return self if end is None else self.model_copy(update={"caller_end": end.heard(message)})
        tag = self.callee_tag_of(message) if isinstance(message, Request) else message.to().tag or ""
        known = self.callee_ends.get(tag)
        if known is None:
            return self
        return self.model_copy(update={"callee_ends": {**self.callee_ends, tag: known.heard(message)}})

    def byes(self) -> Iterator[tuple[Party, Request]]:
        """For each side of the answered dialog the BYE, still without a Via, that ends it as if the other had."""
        caller, callee = self.caller_end, self.callee_ends.get(self.callee_tag or "")
        if caller is not None and callee is not None:
            yield "caller", bye(self.call_id, caller, callee)
            yield "callee", bye(self.call_id, callee, caller)

    def server_of(self, party: Party) -> str | None:
        """The name of the server that stands for a party; None for a device."""
        return self.outside.server if self.outside is not None and self.outside.party == party else None

    def is_answered_dialog(self, message: Message) -> bool:
        """Whether the message is of the dialog that became the call (a fork may open others)."""
        return self.callee_tag in (message.from_().tag, message.to().tag)

    def _is_callee(self, tag: str) -> bool:
        return tag in self.callee_flows or (self.dialog is not None and tag == self.dialog.local_tag)
